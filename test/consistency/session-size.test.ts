import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Keyspace } from '../../src/consistency/keyspace.ts';
import { createSealer } from '../../src/consistency/seal.ts';
import { isSmall, isWithin, noRoom, roomFor, surplus } from '../../src/consistency/session-size.ts';
import { openSession, sealSession, tokenLimits } from '../../src/consistency/session-token.ts';
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
// and `isUnlistedInSession` (without the quorum, what is not listed is on one replica).
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
