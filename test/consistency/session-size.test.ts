import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { emptyCell, type Sibling } from '../../src/causality/cell.ts';
import { afterUnlistedWrite, type Begun } from '../../src/consistency/begun.ts';
import type { Keyspace } from '../../src/consistency/keyspace.ts';
import { createSealer } from '../../src/consistency/seal.ts';
import { isSmall, isWithin, noRoom, roomFor, surplus } from '../../src/consistency/session-size.ts';
import {
  openSession,
  sealSeen,
  sealSession,
  tokenLimits,
} from '../../src/consistency/session-token.ts';
import {
  forgetOnQuorum,
  freshSession,
  remember,
  type Session,
} from '../../src/consistency/session.ts';
import { Bench, me, refusal } from '../coordinator/bench.ts';

const signingKey = 'the key of this bench';
const sealer = createSealer([signingKey]);
const sent = (session: Session): number => sealSession(sealer, me.tenant, session).length;
const opened = (token: string): Session => openSession(sealer, me.tenant, token);

/** Keys of at most 1,024 bytes that become more in JSON, or in UTF-8: each is named by a number. */
const kinds = {
  control: (nth: number) => `${nth}`.padEnd(1_024, '\u0001'),
  quotes: (nth: number) => `${nth}`.padEnd(1_024, '"'),
  multiByte: (nth: number) => `${nth}${'€'.repeat(340)}`,
  surrogates: (nth: number) => `${nth}${'😀'.repeat(254)}`,
  plain: (nth: number) => `${nth}`.padEnd(1_024, 'x'),
  short: (nth: number) => `k${nth}`,
};
type Kind = keyof typeof kinds;
const kindNames = Object.keys(kinds) as Kind[];

const actors = ['a', 'b', 'c'].map((name) => name.repeat(36));
const sessions = fc
  .tuple(
    fc.boolean(),
    fc.array(
      fc.record({
        key: fc.tuple(fc.constantFrom(...kindNames), fc.nat(400)),
        dots: fc.uniqueArray(fc.constantFrom(...actors), { minLength: 1 }),
      }),
      { maxLength: 300 },
    ),
  )
  .map(([isPartial, seen]) =>
    seen.reduce<Session>(
      (session, { key: [kind, nth], dots }) =>
        remember(
          session,
          { keyspace: 'carts@2', key: kinds[kind](nth) },
          { read: new Map(dots.map((actor) => [actor, Number.MAX_SAFE_INTEGER])) },
        ),
      { ...freshSession, isPartial },
    ),
  );

describe('the size of a session', () => {
  test('is that of its token as it is sent: it is within exactly when the token is', () => {
    fc.assert(
      fc.property(sessions, (session) => {
        const fits = sent(session) <= tokenLimits.bytes && session.floors.size <= tokenLimits.keys;
        expect(isWithin(session)).toBe(fits);
        if (isSmall(session, noRoom)) expect(fits).toBe(true);
      }),
    );
  });

  test('without its surplus leaves the room that was asked for, and as little as that leaves nothing out', () => {
    const keyspace = { storageName: 'carts@2' } as Keyspace;
    const wanted = fc.tuple(fc.constantFrom(...kindNames), fc.integer({ min: 1, max: 32 }));
    fc.assert(
      fc.property(sessions, wanted, (session, [kind, count]) => {
        const keys = Array.from({ length: count }, (_, nth) => kinds[kind](1_000 + nth));
        const room = roomFor(keyspace, keys);
        if (!room) return;
        const leaving = surplus(session, room);
        const left = leaving.length > 0 ? forgetOnQuorum(session, leaving) : session;
        const after = keys.reduce(
          (one, key) =>
            remember(
              one,
              { keyspace: 'carts@2', key },
              { written: new Map([[actors[0]!, Number.MAX_SAFE_INTEGER]]) },
            ),
          left,
        );
        expect(sent(after)).toBeLessThanOrEqual(tokenLimits.bytes);
        expect(after.floors.size).toBeLessThanOrEqual(tokenLimits.keys);
        expect([...left.floors.keys()]).toEqual([...session.floors.keys()].slice(leaving.length));
      }),
    );
  });
});

/** A store of three replicas: one takes writes later than the other, and one refuses, so that nothing is everywhere. */
async function oneAway(kind: Kind) {
  const bench = new Bench();
  const keyspace = await bench.keyspace('carts');
  const name = kinds[kind];
  bench.replicas[1]!.only('swap', { afterMs: 40 });
  bench.replicas[2]!.all('refuse');
  let session: string | undefined;
  const seen = new Set<string>();
  const take = (token: string, keys: readonly string[]): void => {
    session = token;
    for (const key of keys) seen.add(key);
    expect(token.length).toBeLessThanOrEqual(tokenLimits.bytes);
    const { floors, isPartial } = opened(token);
    expect(floors.size).toBeLessThanOrEqual(tokenLimits.keys);
    for (const key of seen) {
      if (floors.has(`${keyspace.storageName}\0${key}`)) continue;
      const holders = bench.holders(keyspace, key);
      const held = holders.filter((replica) => bench.held(replica, keyspace, key));
      // Invariant: what is not listed is on a quorum, and the token says so.
      expect({ isPartial, isOnQuorum: held.length >= 2 }).toEqual({
        isPartial: true,
        isOnQuorum: true,
      });
    }
  };
  const asked = () => ({ level: 'SESSION' as const, session });
  return { bench, name, take, asked };
}

// Guards: the measure in `roomFor` of what JSON makes of a key (by its characters, tokens of "control" come to 14 kB),
// and `isUnlistedOnQuorum` (without the quorum, what is not listed is on one replica).
describe.each(kindNames)('a session of keys of 1,024 bytes or less: %s', (kind) => {
  test('has a token of at most 8 KB after writes, and what it does not list is on a quorum', async () => {
    const { bench, name, take, asked } = await oneAway(kind);
    for (let nth = 0; nth < 12; nth += 1) {
      const what = { keyspace: 'carts', key: name(nth), value: '1' };
      take((await bench.run(bench.store.put(me, what, asked()))).session, [name(nth)]);
    }
    const keys = Array.from({ length: 32 }, (_, nth) => name(100 + nth));
    const items = keys.map((key) => ({ key, value: '2' }));
    const many = await bench.run(bench.store.putMany(me, { keyspace: 'carts', items }, asked()));
    take(many.session, keys);
    const gone = { keyspace: 'carts', key: name(0) };
    take((await bench.run(bench.store.delete(me, gone, asked()))).session, [name(0)]);
  });

  test('and after reads, and after a compare-and-set that finds something else', async () => {
    const { bench, name, take, asked } = await oneAway(kind);
    const keys = Array.from({ length: 8 }, (_, nth) => name(nth));
    for (const key of keys)
      await bench.run(
        bench.store.put(me, { keyspace: 'carts', key, value: '1' }, { level: 'QUORUM' }),
      );
    for (const key of keys)
      take((await bench.run(bench.store.get(me, { keyspace: 'carts', key }, asked()))).session, [
        key,
      ]);
    const many = await bench.run(bench.store.getMany(me, { keyspace: 'carts', keys }, asked()));
    take(many.session, keys);
    const what = {
      keyspace: 'carts',
      key: keys[0]!,
      value: '2',
      expect: { absent: true } as const,
    };
    const refused = await bench.run(bench.store.compareAndSet(me, what, asked()));
    expect(refused.applied).toBe(false);
    take(refused.session, []);
  });
});

// Guard: the second plan in `writeOrder`; without it one replica and a hint are taken for a quorum.
test('a write that no token can list is not sloppy for its session: a hint is nothing that a reader meets', async () => {
  const bench = new Bench(5, { enabled: true });
  const keyspace = await bench.keyspace('carts', { replicationFactor: 3 });
  const key = kinds.control(1);
  const holders = bench.holders(keyspace, key);
  for (const replica of holders.slice(1)) replica.all('down');
  const what = { keyspace: 'carts', key, value: '1', sloppy: true };
  const failed = await refusal(bench.run(bench.store.put(me, what, { level: 'SESSION' })));
  expect(failed.code).toBe('WRITE_UNCERTAIN');
  const listed = { ...what, key: 'short' };
  await bench.run(bench.store.put(me, listed, { level: 'SESSION' }));
});

// Guards: `need >= quorum` in `termsFor`, without which a hint is taken for a replica that holds it.
test('nor is one without a session sloppy when its token says that a majority has what it does not list', async () => {
  const key = '\u0001'.repeat(700);
  const what = { keyspace: 'carts', key, value: '1', sloppy: true };
  const write = async (level: 'ONE' | 'QUORUM' | 'ALL', up: number) => {
    const bench = new Bench(5, { enabled: true });
    const keyspace = await bench.keyspace('carts', { replicationFactor: 3 });
    for (const replica of bench.holders(keyspace, key).slice(up)) replica.all('down');
    return bench.run(bench.store.put(me, what, { level }));
  };
  for (const level of ['QUORUM', 'ALL'] as const)
    expect([level, (await refusal(write(level, 1))).code]).toEqual([level, 'WRITE_UNCERTAIN']);
  // At ONE nothing is promised to a later request: the token is that of one who has seen nothing.
  expect(opened((await write('ONE', 0)).session)).toEqual(freshSession);
});

// Guard: names of keyspaces are counted as they are in `roomFor`. Six bytes a character leave room for seven keys.
test('a keyspace with the longest name has room for many short keys: they wait for one replica each', async () => {
  const bench = new Bench();
  const keyspace = 'n'.repeat(63);
  await bench.keyspace(keyspace);
  for (const replica of bench.replicas.slice(1)) replica.all('down');
  const items = Array.from({ length: 15 }, (_, nth) => ({ key: `k${nth}`, value: '1' }));
  const { results, session } = await bench.run(
    bench.store.putMany(me, { keyspace, items }, { level: 'SESSION' }),
  );
  expect(results.filter((one) => 'error' in one)).toEqual([]);
  expect(opened(session)).toMatchObject({ isPartial: false, floors: { size: 15 } });
});

/** A version of a key that depends on so many others. */
function dependent(nth: number, count: number): Sibling {
  const dependencies = Array.from({ length: count }, (_, other) => ({
    keyspace: 'carts',
    key: `a key of ${nth}, ${other}`,
    dots: [[actors[0]!, 1_000_000 + other]] as const,
  }));
  return {
    dot: { actor: actors[nth % 3]!, counter: 7 + nth },
    writeId: `w${nth}`,
    writtenAtUs: 1,
    value: '1',
    dependencies,
  };
}

// Guard: the longer session tokens of `seal`. With 16,384 characters for all kinds it is refused.
test('the token of an event that shows three versions with all that they depend on is taken back', async () => {
  const bench = new Bench();
  const keyspace = await bench.keyspace('carts');
  const event = (versions: number): string => {
    const siblings = Array.from({ length: versions }, (_, nth) => dependent(nth, 60));
    return sealSeen(sealer, me.tenant, {
      keyspace,
      key: 'k',
      cell: { ...emptyCell, siblings },
      live: siblings,
    });
  };
  const token = event(3);
  expect(token.length).toBeGreaterThan(16_384);
  expect(opened(token).floors.size).toBe(181);
  const asked = { level: 'READ_YOUR_WRITES', session: token } as const;
  const other = await bench.run(bench.store.get(me, { keyspace: 'carts', key: 'l' }, asked));
  expect(other.session.length).toBeLessThanOrEqual(tokenLimits.bytes);
  const long = event(12);
  expect(() => opened(long)).toThrow(
    `must have at most 65536 characters, and it has ${long.length}`,
  );
});

// Guards: the filter of versions in `afterUnlistedWrite`. Without it the list is copied, and its token measured, for
// each item of a `putMany`.
test('a write that is not listed leaves the list as it is, unless it meets versions that depend on more', async () => {
  const bench = new Bench();
  const keyspace = await bench.keyspace('carts');
  const session = opened(
    sealSession(sealer, me.tenant, remember(freshSession, { keyspace: 'carts', key: 'k' }, {})),
  );
  const begun = { keyspace, session, isUnlistedOnQuorum: true } as Begun;
  const [own, plain, other] = [dependent(0, 3), dependent(1, 0), dependent(2, 2)];
  const after = (...versions: Sibling[]): Session =>
    afterUnlistedWrite(begun, { writeId: own.writeId, versions });
  expect(after(own, plain)).toEqual({ ...session, isPartial: true });
  expect(after(own, plain).floors).toBe(session.floors);
  expect([...after(own, plain, other).floors.values()].map(({ key }) => key)).toEqual([
    'k',
    'a key of 2, 0',
    'a key of 2, 1',
  ]);
});
