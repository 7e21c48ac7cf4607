import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Keyspace } from '../../src/consistency/keyspace.ts';
import type { LevelName } from '../../src/consistency/levels.ts';
import { Bench, me, refusal, statuses } from './bench.ts';
import type { CellRef } from '../../src/replica/replica.ts';
import type { FaultyReplica } from './faulty-replica.ts';

const keys = Array.from({ length: 20 }, (_, nth) => `k${nth}`);

let bench: Bench;
let keyspace: Keyspace;

async function seeded(
  replicas: number,
  conflicts: Keyspace['conflicts'] = 'LAST_WRITE_WINS',
): Promise<void> {
  bench = new Bench(replicas);
  keyspace = await bench.keyspace('carts', { conflicts });
  const items = keys.map((key) => ({ key, value: `"${key}"` }));
  await bench.run(bench.store.putMany(me, { keyspace: 'carts', items }, { level: 'ALL' }));
  await bench.quiet();
}

beforeEach(() => seeded(3));

const many = (level: LevelName, session?: string, of = keys) =>
  bench.run(bench.store.getMany(me, { keyspace: 'carts', keys: of }, { level, session }));
const one = (level: LevelName, key: string) =>
  bench.run(bench.store.get(me, { keyspace: 'carts', key }, { level }));
const valuesOf = ({ entries }: Awaited<ReturnType<typeof many>>) =>
  entries.map(({ live }) => live.map(({ value }) => value).join());

/** Counts the calls for many keys, each of which is one statement's worth, at every replica. */
function counted(): Map<string, number[]> {
  const calls = new Map<string, number[]>();
  for (const replica of bench.replicas) {
    const count = (refs: readonly CellRef[]): void => {
      if (refs[0]?.tenant !== me.tenant) return; // the directory's
      calls.set(replica.id, [...(calls.get(replica.id) ?? []), refs.length]);
    };
    const readMany = replica.readMany.bind(replica);
    const readBriefly = replica.readBriefly.bind(replica);
    replica.readMany = (refs, options) => {
      count(refs);
      return readMany(refs, options);
    };
    replica.readBriefly = (refs, options) => {
      count(refs);
      return readBriefly(refs, options);
    };
  }
  return calls;
}

/** A version that only the first holder of a key has. */
async function leaveOnFirstOnly(key: string, value: string): Promise<readonly FaultyReplica[]> {
  const [first, ...others] = bench.holders(keyspace, key);
  for (const other of others) other.all('down');
  await bench.run(bench.store.put(me, { keyspace: 'carts', key, value }, { level: 'ONE' }));
  for (const other of others) other.all(undefined);
  await bench.quiet();
  for (const other of others) expect(bench.values(other, keyspace, key)).not.toContain(value);
  return [first!, ...others];
}

describe('many keys', () => {
  // Guard: `sameReplicas` in `readMany`. Key by key there are twenty calls at each replica.
  test('on the same replicas are one call at each, and share one receipt', async () => {
    const calls = counted();
    const answer = await many('QUORUM');
    expect(valuesOf(answer)).toEqual(keys.map((key) => `"${key}"`));
    expect([...calls.values()]).toEqual([[20], [20], [20]]);
    expect(answer.receipt).toMatchObject({ required: 2, stale: 0, replicationFactor: 3 });
  });

  test('on more replicas than hold one key are asked where they lie, each key of all its replicas', async () => {
    await seeded(6);
    const answer = await many('ALL');
    expect(valuesOf(answer)).toEqual(keys.map((key) => `"${key}"`));
    for (const replica of bench.replicas) replica.seen.length = 0;
    await many('ALL');
    for (const key of keys) {
      const holders = bench.holders(keyspace, key).map(({ id }) => id);
      const asked = bench.replicas.filter(({ seen }) => seen.some((call) => call.key === key));
      expect(asked.map(({ id }) => id).sort()).toEqual(holders.sort());
    }
  });

  test('at ONE ask one replica, and compare the others off the hot path', async () => {
    const [, second, third] = await leaveOnFirstOnly('k7', '"new"');
    await many('ONE');
    await bench.quiet();
    for (const replica of [second!, third!])
      expect(bench.values(replica, keyspace, 'k7')).toContain('"new"');
  });

  test('are refused all together when a quorum of their replicas cannot be asked', async () => {
    bench.replicas[0]!.all('down');
    bench.replicas[1]!.all('down');
    const refused = await refusal(many('QUORUM'));
    expect(['QUORUM_UNAVAILABLE', 'READ_TIMEOUT']).toContain(refused.code);
  });
});

describe('of many keys the one that replicas differ on', () => {
  // Guard: `concludeRead` for what `Agreed.on` does not answer. Without it the first answer is given.
  test('is brought to a quorum before it is shown, and the receipt says so', async () => {
    const [first, second, third] = await leaveOnFirstOnly('k3', '"new"');
    third!.all('frozen');
    const answer = await many('QUORUM');
    expect(valuesOf(answer)[3]).toBe('"new"');
    expect(valuesOf(answer)[4]).toBe('"k4"');
    expect(bench.values(second!, keyspace, 'k3')).toEqual(['"new"']);
    expect(answer.receipt).toMatchObject({ stale: 1, repaired: 1 });
    expect(statuses(answer.receipt.replicas)).toMatchObject({
      [first!.id]: 'OK',
      [second!.id]: 'REPAIRED',
    });
  });

  // Guard: `healLater`. Without it the third replica stays behind.
  test('at a replica that was not waited for is healed in the background', async () => {
    const [first, second, third] = bench.holders(keyspace, 'k5') as [
      FaultyReplica,
      FaultyReplica,
      FaultyReplica,
    ];
    third.all('down');
    await bench.run(
      bench.store.put(me, { keyspace: 'carts', key: 'k5', value: '"new"' }, { level: 'QUORUM' }),
    );
    third.all(undefined);
    await bench.quiet();
    expect(bench.values(third, keyspace, 'k5')).not.toContain('"new"');
    third.fate = (call) => (call === 'read' ? { afterMs: 100 } : undefined);
    await many('QUORUM');
    await bench.quiet();
    for (const replica of [first, second, third])
      expect(bench.values(replica, keyspace, 'k5')).toContain('"new"');
  });

  // Guard: `usable` in `Agreed.on` and `concludeRead`. Without it what may not be chosen is shown.
  test('is decided by a round at LINEARIZABLE, and the others are not', async () => {
    await seeded(3, 'SIBLINGS');
    const [first, second, third] = bench.holders(keyspace, 'k9');
    third!.all('down');
    const set = { keyspace: 'carts', key: 'k9', expect: { absent: true }, value: '"new"' };
    const { applied } = await bench.run(bench.store.compareAndSet(me, set, {}));
    expect(applied).toBe(false);
    const next = { ...set, expect: { value: '"k9"' } };
    expect((await bench.run(bench.store.compareAndSet(me, next, {}))).applied).toBe(true);
    third!.all(undefined);
    await bench.quiet();
    second!.all('down');
    for (const replica of bench.replicas) replica.seen.length = 0;
    const answer = await many('LINEARIZABLE');
    expect(valuesOf(answer)[9]).toBe('"new"');
    expect(valuesOf(answer)[10]).toBe('"k10"');
    expect(new Set(first!.calls('prepare').map(({ key }) => key))).toEqual(new Set(['k9']));
  });
});

describe('a session', () => {
  test('that has seen a key is shown it again by a read of many, from wherever it is', async () => {
    await leaveOnFirstOnly('k11', '"mine"');
    const seen = await one('CAUSAL', 'k11');
    expect(seen.entry.live.map(({ value }) => value)).toEqual(['"mine"']);
    const answer = await many('SESSION', seen.session);
    expect(valuesOf(answer)[11]).toBe('"mine"');
  });

  // Guard: `afterReads` in `DataStore.getMany`. Without it the later read shows what was there before.
  test('is not shown less, after a read of many, by a later read of one of them', async () => {
    const [first, ...others] = await leaveOnFirstOnly('k12', '"new"');
    for (const other of others) other.only('read', 'refuse');
    // Few enough that each is listed in the token.
    const answer = await many('SESSION', undefined, ['k11', 'k12', 'k13']);
    expect(valuesOf(answer)[1]).toBe('"new"');
    await bench.quiet();
    first!.all('down');
    for (const other of others) other.all(undefined);
    const what = { keyspace: 'carts', key: 'k12' };
    const asked = { level: 'SESSION', session: answer.session, timeoutMs: 300 } as const;
    const refused = await refusal(bench.run(bench.store.get(me, what, asked)));
    expect(refused.code).toBe('SESSION_UNSATISFIED');
  });
});
