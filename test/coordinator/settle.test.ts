import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Keyspace } from '../../src/consistency/keyspace.ts';
import type { StoreError } from '../../src/errors.ts';
import type { Operation } from '../../src/paxos/proposer.ts';
import { condemn, judge } from '../../src/paxos/settlement.ts';
import { Bench, me, refusal } from './bench.ts';
import type { FaultyReplica } from './faulty-replica.ts';

let bench: Bench;
let keyspace: Keyspace;
let first: FaultyReplica;
let second: FaultyReplica;
let third: FaultyReplica;

const key = 'k';

async function open(settings: Parameters<Bench['keyspace']>[1] = {}): Promise<void> {
  bench = new Bench();
  keyspace = await bench.keyspace('carts', settings);
  [first, second, third] = bench.holders(keyspace, key) as [
    FaultyReplica,
    FaultyReplica,
    FaultyReplica,
  ];
}
beforeEach(() => open());

type Level = 'ONE' | 'QUORUM' | 'ALL' | 'LINEARIZABLE';
const put = (value: string, level: Level = 'QUORUM', more: object = {}) =>
  bench.run(bench.store.put(me, { keyspace: 'carts', key, value, ...more }, { level }));
const get = (level: Level = 'QUORUM') =>
  bench.run(bench.store.get(me, { keyspace: 'carts', key }, { level }));
const values = async (level: Level = 'QUORUM') =>
  (await get(level)).entry.live.map(({ value }) => value).sort();
const contextAt = async (level: Level) => bench.store.contextOf((await get(level)).entry);
const resolve = (writeId: string, gateway = bench.gateway, at = key) =>
  bench.run(gateway.store.resolveWrite(me, { keyspace: 'carts', key: at, writeId }, {}));
const writeIdOf = (error: StoreError) => String(error.details['writeId']);

/** A write that only the first replica has taken, and that nobody was told of. */
async function onlyAtFirst(value = '"lost"', more: object = {}, guesses = 0): Promise<string> {
  let swaps = 0;
  // A wrong guess of what the replica holds costs one swap more.
  const ofSwap = (): 'cut' | undefined => ((swaps += 1) > guesses ? 'cut' : undefined);
  first.fate = (call) => (call === 'swap' ? ofSwap() : call === 'read' ? undefined : 'down');
  const error = await refusal(put(value, 'QUORUM', more));
  expect(error).toMatchObject({ code: 'WRITE_UNCERTAIN', outcome: 'UNKNOWN' });
  expect(bench.values(first, keyspace, key)).toContain(value);
  expect(bench.values(second, keyspace, key)).not.toContain(value);
  first.all('down');
  await bench.clock.advance(3_000);
  return writeIdOf(error);
}

async function back(replica: FaultyReplica): Promise<void> {
  replica.all(undefined);
  await bench.clock.advance(3_000);
}

describe('a write that nobody who can be reached holds', () => {
  test('is NEVER, and does not surface when its only holder is back', async () => {
    await put('"before"', 'ALL');
    const writeId = await onlyAtFirst();
    expect(await resolve(writeId)).toBe('NEVER');
    await back(first);
    expect(await values()).toEqual(['"before"']);
    await bench.quiet();
    for (const level of ['ONE', 'QUORUM', 'ALL', 'LINEARIZABLE'] as const)
      expect(await values(level)).toEqual(['"before"']);
    expect(await resolve(writeId, bench.addGateway())).toBe('NEVER');
  });

  test('is NEVER on a key that held nothing, and leaves nothing to list', async () => {
    const writeId = await onlyAtFirst();
    expect(await resolve(writeId)).toBe('NEVER');
    await back(first);
    expect(await values('ALL')).toEqual([]);
    const page = await bench.run(bench.store.range(me, { keyspace: 'carts' }, { level: 'ALL' }));
    expect(page.edges).toEqual([]);
  });

  test('is gone for good with the next write that has seen the key', async () => {
    const writeId = await onlyAtFirst();
    await resolve(writeId);
    await back(first);
    await put('"after"', 'ALL', { context: await contextAt('ALL') });
    await bench.quiet();
    for (const replica of [first, second, third])
      expect(bench.values(replica, keyspace, key)).toEqual(['"after"']);
    expect(await resolve(writeId)).toBe('NEVER');
  });

  test('does not count for a compare-and-set', async () => {
    const writeId = await onlyAtFirst();
    await resolve(writeId);
    await back(first);
    await values('ALL');
    const what = { keyspace: 'carts', key, expect: { absent: true }, value: '"set"' } as const;
    expect(await bench.run(bench.store.compareAndSet(me, what, {}))).toMatchObject({
      applied: true,
    });
    expect(await values('ALL')).toEqual(['"set"']);
  });

  test('makes a retry with its idempotency key a mistake', async () => {
    const writeId = await onlyAtFirst('1', { idempotencyKey: 'pay' });
    expect(writeId).toMatch(/^retryable-[0-9a-f]{32}-[0-9a-f]{16}~\d+$/);
    expect(await resolve(writeId)).toBe('NEVER');
    await back(first);
    const retried = await refusal(put('1', 'QUORUM', { idempotencyKey: 'pay' }));
    expect(retried).toMatchObject({ code: 'BAD_USER_INPUT', outcome: 'NONE' });
    expect(await values('ALL')).toEqual([]);
  });
});

describe('a write that somebody holds', () => {
  test('is APPLIED, and on a majority from then on', async () => {
    const writeId = await onlyAtFirst();
    await back(first);
    expect(await resolve(writeId)).toBe('APPLIED');
    first.all('down');
    expect(await values()).toEqual(['"lost"']);
  });

  test('is SUPERSEDED once it was replaced', async () => {
    const { writeId } = await put('"old"', 'ALL');
    await put('"new"', 'ALL', { context: await contextAt('ALL') });
    expect(await resolve(writeId)).toBe('SUPERSEDED');
    expect(await resolve(writeId, bench.addGateway())).toBe('SUPERSEDED');
    expect(await values('ALL')).toEqual(['"new"']);
  });

  test('that was read and replaced at replicas which cannot be reached together is not called NEVER', async () => {
    // The guard is the context of the fence: the logs of the second and third do not know the write.
    const writeId = await onlyAtFirst();
    await back(first);
    for (const other of [second, third]) other.all('down');
    await bench.clock.advance(3_000);
    const context = await contextAt('ONE');
    first.all('down');
    await back(second);
    await back(third);
    await put('"read it"', 'QUORUM', { context });
    const error = await refusal(resolve(writeId));
    expect(error).toMatchObject({ code: 'WRITE_UNCERTAIN', outcome: 'UNKNOWN' });
    expect(error.message).toContain(`the change log of ${first.id}`);
    await back(first);
    expect(await resolve(writeId)).toBe('SUPERSEDED');
    expect(await values('ALL')).toEqual(['"read it"']);
  });
});

describe('two gateways that settle one write at once', () => {
  test.each(['APPLIED', 'NEVER'] as const)('agree on %s', async (expected) => {
    const writeId = await onlyAtFirst();
    if (expected === 'APPLIED') await back(first);
    const other = bench.addGateway();
    const both = await Promise.all([resolve(writeId), resolve(writeId, other)]);
    expect(both).toEqual([expected, expected]);
  });
});

describe('a consensus write', () => {
  test('that was accepted by one replica only is NEVER, once that one is out of reach', async () => {
    await put('"before"', 'LINEARIZABLE');
    await bench.quiet();
    for (const other of [second, third])
      other.fate = (call) => (call === 'swap' ? 'down' : undefined);
    const error = await refusal(put('"half"', 'LINEARIZABLE'));
    expect(error.code).toBe('WRITE_UNCERTAIN');
    first.all('down');
    await back(second);
    await back(third);
    expect(await resolve(writeIdOf(error))).toBe('NEVER');
    await back(first);
    expect(await values('LINEARIZABLE')).toEqual(['"before"']);
    expect(await resolve(writeIdOf(error))).toBe('NEVER');
  });

  test('that was carried on is SUPERSEDED by what followed it', async () => {
    const { writeId } = await put('1', 'LINEARIZABLE');
    for (let count = 2; count < 24; count += 1) await put(String(count), 'LINEARIZABLE');
    expect(await resolve(writeId)).toBe('SUPERSEDED');
    expect(await values('LINEARIZABLE')).toEqual(['23']);
  });

  test('that was decided in one round with its successor is SUPERSEDED, though no cell ever held it', async () => {
    const both = await Promise.all([
      put('1', 'LINEARIZABLE'),
      put('2', 'LINEARIZABLE'),
      put('3', 'LINEARIZABLE'),
    ]);
    await bench.quiet();
    const logged = first.inner.changes.flatMap(({ cell }) =>
      cell.siblings.map(({ value }) => value),
    );
    expect(logged).not.toContain('2');
    expect(await resolve(both[1].writeId)).toBe('SUPERSEDED');
    await put('4', 'LINEARIZABLE');
    expect(await resolve(both[1].writeId)).toBe('SUPERSEDED');
    expect(await values('LINEARIZABLE')).toEqual(['4']);
  });
});

describe('an id', () => {
  test('of another key is an id that nobody knows: nothing is revealed, and nothing fenced there', async () => {
    const { writeId } = await put('"mine"', 'ALL');
    expect(await resolve(writeId, bench.gateway, 'another')).toBe('NEVER');
    expect(await values('ALL')).toEqual(['"mine"']);
    expect(await resolve(writeId)).toBe('APPLIED');
  });

  test('must be one', async () => {
    for (const writeId of ['', 'x'.repeat(257)])
      expect(await refusal(resolve(writeId))).toMatchObject({ code: 'BAD_USER_INPUT' });
  });
});

test('while no majority can be reached nothing is settled, and that is said', async () => {
  const writeId = await onlyAtFirst();
  second.all('down');
  await bench.clock.advance(3_000);
  const error = await refusal(resolve(writeId));
  expect(error).toMatchObject({ code: 'QUORUM_UNAVAILABLE', outcome: 'UNKNOWN' });
  expect(error.details['writeId']).toBe(writeId);
});

describe('where the last write wins', () => {
  beforeEach(() => open({ conflicts: 'LAST_WRITE_WINS' }));

  /** A write that only the first replica has taken. */
  async function stampedAtFirst(more: object = {}): Promise<string> {
    first.fate = (call) => (call === 'read' ? undefined : 'cut');
    for (const other of [second, third])
      other.fate = (call) => (call === 'read' ? undefined : 'down');
    const error = await refusal(put('"lost"', 'QUORUM', more));
    expect(error).toMatchObject({ code: 'WRITE_UNCERTAIN', outcome: 'UNKNOWN' });
    first.all('down');
    await back(second);
    await back(third);
    return writeIdOf(error);
  }

  test('NEVER fences by a greater stamp, and what stood before stands', async () => {
    await put('"before"', 'ALL');
    const writeId = await stampedAtFirst();
    expect(writeId).toMatch(/~\d+\.[0-9a-f]+$/);
    expect(await resolve(writeId)).toBe('NEVER');
    await back(first);
    expect(await values('ALL')).toEqual(['"before"']);
    await bench.quiet();
    expect(await values('ONE')).toEqual(['"before"']);
    expect(await resolve(writeId, bench.addGateway())).toBe('NEVER');
  });

  test('NEVER on a key that held nothing leaves it without a value', async () => {
    const writeId = await stampedAtFirst();
    expect(await resolve(writeId)).toBe('NEVER');
    await back(first);
    expect(await values('ALL')).toEqual([]);
  });

  test('a write that is later than the fenced one stays later than its fence', async () => {
    const writeId = await stampedAtFirst();
    await bench.clock.advance(10);
    await put('"later"');
    // Two have taken what is later, and not the write.
    expect(await resolve(writeId)).toBe('NEVER');
    await back(first);
    expect(await values('ALL')).toEqual(['"later"']);
  });

  test('a write that a majority had taken before it was replaced is SUPERSEDED', async () => {
    const writeId = await stampedAtFirst();
    await back(first);
    await values('QUORUM');
    await put('"later"', 'ALL');
    expect(await resolve(writeId)).toBe('SUPERSEDED');
    third.all('down');
    expect(await resolve(writeId, bench.addGateway())).toBe('SUPERSEDED');
  });

  // Guard: `holdsAfterwards`. Joined is not held: that one would say APPLIED of what the other fences.
  test('is told the same by two who settle it at once, of whom one alone reaches its holder', async () => {
    const other = bench.addGateway();
    await bench.run(other.store.put(me, { keyspace: 'carts', key, value: '"before"' }, {}));
    const writeId = await stampedAtFirst();
    let asked = 0;
    first.fate = (call) => {
      if (call === 'read' || call === 'ping') return undefined;
      return call === 'prepare' && (asked += 1) === 1 ? { afterMs: 200 } : 'down';
    };
    await bench.clock.advance(1_500);
    const ask = ({ store }: typeof other) =>
      store.resolveWrite(me, { keyspace: 'carts', key, writeId }, {});
    const told = await bench.run(Promise.all([other, bench.gateway].map(ask)));
    expect(told).toEqual(['NEVER', 'NEVER']);
    await back(first);
    expect(await values('ALL')).toEqual(['"before"']);
  });

  // Guard: that logs are counted. One that took it would say SUPERSEDED, and the two others NEVER.
  test('is told by nobody while the logs that can be read could be outvoted', async () => {
    const writeId = await stampedAtFirst();
    for (const one of [second, third]) one.only('history', 'refuse');
    expect(await refusal(resolve(writeId))).toMatchObject({ outcome: 'UNKNOWN' });
    await back(first);
    third.all(undefined);
    second.all('down');
    await bench.clock.advance(3_000);
    const undecided = await refusal(resolve(writeId));
    expect(undecided).toMatchObject({ code: 'WRITE_UNCERTAIN', outcome: 'UNKNOWN' });
    expect(undecided.message).toContain('more replicas must be read');
    await back(second);
    expect(await resolve(writeId)).toBe('NEVER');
  });

  test('APPLIED brings the version to a majority', async () => {
    const writeId = await stampedAtFirst();
    await back(first);
    expect(await resolve(writeId)).toBe('APPLIED');
    first.all('down');
    expect(await values()).toEqual(['"lost"']);
  });

  test('makes a retry with its idempotency key a mistake', async () => {
    const writeId = await stampedAtFirst({ idempotencyKey: 'pay' });
    expect(await resolve(writeId)).toBe('NEVER');
    await back(first);
    const retried = await refusal(put('"lost"', 'QUORUM', { idempotencyKey: 'pay' }));
    expect(retried).toMatchObject({ code: 'BAD_USER_INPUT', outcome: 'NONE' });
    expect(await values('ALL')).toEqual([]);
  });

  test('a name without its stamp cannot be fenced, nor one with a stamp far ahead, and that is said', async () => {
    const [writeId = '', stamp = ''] = (await stampedAtFirst()).split('~');
    const [, gateway = ''] = stamp.split('.');
    for (const name of [writeId, `${writeId}~8000000000000000.${gateway}`])
      expect(await refusal(resolve(name))).toMatchObject({ code: 'BAD_USER_INPUT' });
  });
});

describe('awaitReplication', () => {
  const bring = (writeId: string, level: 'ONE' | 'QUORUM' | 'ALL' | 'LINEARIZABLE', at = key) =>
    bench.run(bench.store.awaitReplication(me, { keyspace: 'carts', key: at, writeId, level }, {}));

  test('brings a write at ONE to all, and says who had to be repaired', async () => {
    for (const other of [second, third]) other.all('down');
    const { writeId } = await put('1', 'ONE');
    await back(second);
    await back(third);
    const receipt = await bring(writeId, 'ALL');
    expect(receipt).toMatchObject({
      level: 'ALL',
      required: 3,
      answered: 3,
      stale: 2,
      repaired: 2,
    });
    for (const replica of [first, second, third])
      expect(bench.values(replica, keyspace, key)).toEqual(['1']);
    expect(await bring(writeId, 'QUORUM')).toMatchObject({ stale: 0, repaired: 0 });
  });

  test('of a write that was replaced brings what replaced it', async () => {
    const { writeId } = await put('1', 'ALL');
    third.all('down');
    await put('2', 'QUORUM', { context: await contextAt('QUORUM') });
    await back(third);
    expect(await bring(writeId, 'ALL')).toMatchObject({ answered: 3 });
    expect(bench.values(third, keyspace, key)).toEqual(['2']);
  });

  test('says in time what could not be reached, and that nothing is lost', async () => {
    const { writeId } = await put('1', 'QUORUM');
    third.all('down');
    await bench.clock.advance(3_000);
    const error = await refusal(bring(writeId, 'ALL'));
    expect(error.outcome).toBe('NONE');
    expect(['QUORUM_UNAVAILABLE', 'READ_TIMEOUT']).toContain(error.code);
    expect(await bring(writeId, 'QUORUM')).toMatchObject({ answered: 2 });
  });

  test('does not know the id of another key, and needs all primaries to say so', async () => {
    const { writeId } = await put('1', 'ALL');
    const error = await refusal(bring(writeId, 'QUORUM', 'another'));
    expect(error).toMatchObject({ code: 'BAD_USER_INPUT', details: { field: 'writeId' } });
    third.all('down');
    await bench.clock.advance(3_000);
    const unsure = await refusal(bring(writeId, 'QUORUM', 'another'));
    expect(unsure.code).not.toBe('BAD_USER_INPUT');
  });

  test('at LINEARIZABLE settles a consensus write in a round, and refuses an ordinary one', async () => {
    const decided = await put('1', 'LINEARIZABLE');
    expect(await bring(decided.writeId, 'LINEARIZABLE')).toMatchObject({ level: 'LINEARIZABLE' });
    const ordinary = await put('2', 'ALL');
    expect(await refusal(bring(ordinary.writeId, 'LINEARIZABLE'))).toMatchObject({
      code: 'LEVEL_NOT_ALLOWED',
    });
  });

  test('does not know a write that was settled as NEVER', async () => {
    const writeId = await onlyAtFirst();
    await resolve(writeId);
    await back(first);
    expect(await refusal(bring(writeId, 'ALL'))).toMatchObject({ code: 'BAD_USER_INPUT' });
  });
});

describe('what a fenced write had replaced', () => {
  // Guard: coordinator/renew. The context of the one replica that took the write has let it go.
  test.each(['put', 'delete'] as const)('stands again, after a %s', async (kind) => {
    await put('"before"', 'ALL');
    const context = await contextAt('ALL');
    first.fate = (call) => (call === 'swap' ? 'cut' : call === 'read' ? undefined : 'down');
    const what = { keyspace: 'carts', key, context };
    const asked = { level: 'QUORUM' } as const;
    const error = await refusal(
      kind === 'put'
        ? bench.run(bench.store.put(me, { ...what, value: '"lost"' }, asked))
        : bench.run(bench.store.delete(me, what, asked)),
    );
    expect(error.code).toBe('WRITE_UNCERTAIN');
    first.all('down');
    await bench.clock.advance(3_000);
    expect(await resolve(writeIdOf(error))).toBe('NEVER');
    await back(first);
    expect(await values('ALL')).toEqual(['"before"']);
    await bench.quiet();
    for (const level of ['ONE', 'QUORUM', 'LINEARIZABLE'] as const)
      expect(await values(level)).toEqual(['"before"']);
    // Who saw it before may replace it still: that is no conflict.
    await put('"after"', 'ALL', { context });
    expect(await values('ALL')).toEqual(['"after"']);
  });

  // Guard: `hasUnsettled` in coordinator/write. Without it the writer is shown the fenced write at the replica that has not heard of
  // the fence, and what he writes next replaces "before" unseen.
  test('is shown to who writes at the replica that took it, and not the fenced write', async () => {
    await put('"before"', 'ALL');
    const writeId = await onlyAtFirst('"lost"', { context: await contextAt('ALL') });
    expect(await resolve(writeId)).toBe('NEVER');
    first.all(undefined);
    expect(bench.values(first, keyspace, key)).toEqual(['"lost"']);
    const { store } = bench.addGateway();
    const beside = { keyspace: 'carts', key, value: '"beside"' };
    const { entry } = await bench.run(store.put(me, beside, { level: 'QUORUM' }));
    expect(bench.values(first, keyspace, key)).toContain('"beside"');
    expect(entry.live.map(({ value }) => value).sort()).toEqual(['"before"', '"beside"']);
    const last = { ...beside, value: '"last"', context: store.contextOf(entry) };
    const { entry: left } = await bench.run(store.put(me, last, { level: 'ALL' }));
    expect(left.live.map(({ value }) => value)).toEqual(['"last"']);
  });

  test('stands again where it was a consensus version', async () => {
    await put('"decided"', 'LINEARIZABLE');
    await bench.quiet();
    const context = await contextAt('ALL');
    const writeId = await onlyAtFirst('"lost"', { context }, 1);
    expect(await resolve(writeId)).toBe('NEVER');
    await back(first);
    for (const level of ['ALL', 'LINEARIZABLE'] as const)
      expect(await values(level)).toEqual(['"decided"']);
  });
});

describe('a reader that meets a write which somebody was settling who died', () => {
  const begin = async (steps: readonly Operation<unknown>[]) => {
    for (const operation of steps) {
      const what = { plan: bench.plan(), operation, settles: true } as const;
      await bench.run(bench.gateway.deps.consensus.run(bench.place(keyspace, key), what));
    }
    await back(first);
  };

  test('lifts the doubt, and shows the write, while it was only doubted', async () => {
    const writeId = await onlyAtFirst();
    await begin([judge(writeId) as Operation<unknown>]);
    expect(await values()).toEqual(['"lost"']);
    expect(await resolve(writeId, bench.addGateway())).toBe('APPLIED');
  });

  test('fences it, and does not show it, once it was condemned', async () => {
    const writeId = await onlyAtFirst();
    await begin([judge(writeId), condemn(writeId)] as Operation<unknown>[]);
    expect(await values()).toEqual([]);
    expect(await resolve(writeId, bench.addGateway())).toBe('NEVER');
    expect(await values('ALL')).toEqual([]);
  });
});
