import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Keyspace } from '../../src/consistency/keyspace.ts';
import type { LevelName } from '../../src/consistency/levels.ts';
import { largeCellBytes, type CellRef } from '../../src/replica/replica.ts';
import { Bench, me, statuses } from './bench.ts';
import type { Fate, FaultyReplica } from './faulty-replica.ts';

/** Reads of more than one replica: the first sends large cells, the others say which state they hold. */
let bench: Bench;
let keyspace: Keyspace;
let first: FaultyReplica;
let second: FaultyReplica;
let third: FaultyReplica;

const key = 'k';
const large = (letter: string): string => `"${letter.repeat(2 * largeCellBytes)}"`;

beforeEach(async () => {
  bench = new Bench();
  keyspace = await bench.keyspace('carts');
  [first, second, third] = bench.holders(keyspace, key) as [
    FaultyReplica,
    FaultyReplica,
    FaultyReplica,
  ];
});

const put = (value: string, level: LevelName = 'ALL', of = key) =>
  bench.run(bench.store.put(me, { keyspace: 'carts', key: of, value }, { level }));
const get = (level: LevelName = 'QUORUM') =>
  bench.run(bench.store.get(me, { keyspace: 'carts', key }, { level }));
const valuesOf = ({ entry }: Awaited<ReturnType<typeof get>>) =>
  entry.live.map(({ value }) => value).toSorted();

/** What each replica is asked for from now on. */
function watched(): () => readonly string[] {
  const asked = new Map<string, string[]>();
  for (const replica of bench.replicas) {
    const told = (what: string, [first]: readonly CellRef[]): void => {
      if (first?.tenant !== me.tenant) return; // the directory's
      asked.set(replica.id, [...(asked.get(replica.id) ?? []), what]);
    };
    const readMany = replica.readMany.bind(replica);
    const readBriefly = replica.readBriefly.bind(replica);
    replica.readMany = (refs, options) => {
      told('whole', refs);
      return readMany(refs, options);
    };
    replica.readBriefly = (refs, options) => {
      told('briefly', refs);
      return readBriefly(refs, options);
    };
  }
  return () => [first, second, third].map(({ id }) => (asked.get(id) ?? []).join(' and '));
}

/** A version that only the first replica holds. */
async function leaveOnFirstOnly(value: string): Promise<void> {
  for (const other of [second, third]) other.all('down');
  await put(value, 'ONE');
  for (const other of [second, third]) other.all(undefined);
  await bench.quiet();
  expect(bench.values(second, keyspace, key)).not.toContain(value);
}

describe('a large cell', () => {
  test.each(['QUORUM', 'ALL'] as const)('comes from one replica at %s', async (level) => {
    await put(large('a'));
    const asked = watched();
    const answer = await get(level);
    expect(valuesOf(answer)).toEqual([large('a')]);
    expect(asked()).toEqual(['whole', 'briefly', 'briefly']);
    expect(answer.receipt).toMatchObject({ answered: 3, stale: 0, repaired: 0 });
    expect(new Set(Object.values(statuses(answer.receipt.replicas)))).toEqual(new Set(['OK']));
  });

  // Guard: digests are compared. Without it, all are taken to hold what the first does, and nobody is repaired.
  test('that differs is asked for, and brought to a quorum before the answer', async () => {
    await put(large('a'));
    await leaveOnFirstOnly(large('b'));
    const asked = watched();
    const answer = await get('ALL');
    expect(valuesOf(answer)).toEqual([large('a'), large('b')]);
    expect(asked()).toEqual(['whole', 'briefly and whole', 'briefly and whole']);
    expect(answer.receipt).toMatchObject({ stale: 2, repaired: 2 });
    for (const replica of [first, second, third])
      expect(bench.values(replica, keyspace, key)).toEqual([large('a'), large('b')]);
  });

  // Guard: the whole answer is waited for as long as the hedge says. Without it the read ends at its deadline.
  test.each<Fate>(['frozen', 'refuse', 'down', { afterMs: 1_500 }])(
    'is had from the others when the first is %j',
    async (fate) => {
      await put(large('a'));
      first.all(fate);
      const startedMs = bench.clock.monotonicMs();
      const answer = await get();
      expect(valuesOf(answer)).toEqual([large('a')]);
      expect(bench.clock.monotonicMs() - startedMs).toBeLessThan(400);
      expect(statuses(answer.receipt.replicas)).toMatchObject({
        [second.id]: 'OK',
        [third.id]: 'OK',
      });
    },
  );

  // Guard: half of the time is the most that is waited. Without it, the read ends with the wait.
  test('is had from the others with half of the time left, however little there is', async () => {
    await put(large('a'));
    first.all('frozen');
    const asked = { keyspace: 'carts', key };
    const options = { level: 'QUORUM', timeoutMs: 40 } as const;
    expect(valuesOf(await bench.run(bench.store.get(me, asked, options)))).toEqual([large('a')]);
  });

  // Guard: the budget is not asked. Without it, reads wait for a slow replica when others used it up.
  test('is had from the others, however little of the budget is left', async () => {
    await put(large('a'));
    const { clock, gateway } = bench;
    const { targets } = gateway.cluster.placeKey(keyspace, key);
    const { replica } = targets.find((target) => target.replica.id === first.id)!;
    const startMs = clock.monotonicMs();
    const hedge = gateway.deps.hedging.of('read');
    while (hedge.allows({ replica, role: 'primary' }, startMs));
    first.all({ afterMs: 1_000 });
    // It answers others meanwhile, so it is not silent.
    const answer = (): void => {
      replica.pace('read').began(clock.monotonicMs());
      replica.pace('read').answered(clock.monotonicMs(), 5);
    };
    for (let atMs = 5; atMs < 1_000; atMs += 5) clock.after(atMs, answer);
    expect(valuesOf(await get())).toEqual([large('a')]);
    expect(clock.monotonicMs() - startMs).toBeLessThan(200);
  });

  test('is no answer while nobody has sent it', async () => {
    await put(large('a'));
    for (const replica of [first, second, third]) {
      const readMany = replica.readMany.bind(replica);
      replica.readMany = (refs, options) => {
        replica.all('frozen');
        return readMany(refs, options);
      };
    }
    await expect(get()).rejects.toMatchObject({ code: 'READ_TIMEOUT', details: { received: 0 } });
  });
});

test('a small cell comes from all at once', async () => {
  await put('"a"');
  first.all('frozen');
  const startedMs = bench.clock.monotonicMs();
  expect(valuesOf(await get())).toEqual(['"a"']);
  expect(bench.clock.monotonicMs()).toBe(startedMs);
});

test('of many keys, those are asked for again that differ, and no others', async () => {
  await put(large('a'));
  await put(large('s'), 'ALL', 'same');
  await put('"small"', 'ALL', 'small');
  await leaveOnFirstOnly(large('b'));
  const refs: number[] = [];
  const readMany = second.readMany.bind(second);
  second.readMany = (of, options) => {
    if (of[0]?.tenant === me.tenant) refs.push(of.length);
    return readMany(of, options);
  };
  const what = { keyspace: 'carts', keys: [key, 'same', 'small'] };
  const { entries } = await bench.run(bench.store.getMany(me, what, { level: 'ALL' }));
  expect(entries.map(({ live }) => live.map(({ value }) => value).toSorted())).toEqual([
    [large('a'), large('b')],
    [large('s')],
    ['"small"'],
  ]);
  expect(refs).toEqual([1]);
});
