import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Keyspace } from '../../src/consistency/keyspace.ts';
import { Hedging, hedgeLimits } from '../../src/coordinator/hedging.ts';
import { read } from '../../src/coordinator/read.ts';
import { createMetrics } from '../../src/runtime/metrics.ts';
import { Bench, me, statuses } from './bench.ts';
import type { FaultyReplica } from './faulty-replica.ts';

let bench: Bench;
let keyspace: Keyspace;
let first: FaultyReplica;
let second: FaultyReplica;
let third: FaultyReplica;

const key = 'k';

beforeEach(async () => {
  bench = new Bench();
  keyspace = await bench.keyspace('carts');
  const holders = bench.holders(keyspace, key);
  [first, second, third] = holders as [FaultyReplica, FaultyReplica, FaultyReplica];
});

const get = (level: 'ONE' | 'QUORUM') => bench.store.get(me, { keyspace: 'carts', key }, { level });
const put = (level: 'ONE' | 'QUORUM') =>
  bench.run(bench.store.put(me, { keyspace: 'carts', key, value: '1' }, { level }));
const everyone = (afterMs: number) => {
  for (const replica of bench.replicas) replica.all({ afterMs });
};

async function timed<T>(work: () => Promise<T>): Promise<{ answer: T; ms: number }> {
  const startMs = bench.clock.monotonicMs();
  const answer = await bench.run(work());
  return { answer, ms: bench.clock.monotonicMs() - startMs };
}

/** Enough reads for a percentile, each of which took so long everywhere. */
async function readsThatTook(afterMs: number): Promise<void> {
  everyone(afterMs);
  for (let nth = 0; nth < 40; nth += 1) await bench.run(get('ONE'));
  await bench.quiet();
}

async function told(metrics: ReturnType<typeof createMetrics>): Promise<Record<string, number>> {
  const { values } = await metrics.hedges.get();
  return Object.fromEntries(values.map(({ labels, value }) => [String(labels.result), value]));
}

describe('one more replica is asked', () => {
  test('when the first is later than its own recent 95th percentile', async () => {
    await readsThatTook(10);
    first.all('frozen');
    second.all(undefined);
    const { answer, ms } = await timed(() => get('ONE'));
    // The control is the next test: without a percentile it is 50 ms.
    expect(ms).toBeGreaterThan(9.5);
    expect(ms).toBeLessThan(10.5);
    expect(statuses(answer.receipt.replicas)).toMatchObject({
      [first.id]: 'PENDING',
      [second.id]: 'OK',
    });
  });

  test('after 50 ms while too little is known of it', async () => {
    first.all('frozen');
    const { ms } = await timed(() => get('ONE'));
    expect(ms).toBe(hedgeLimits.patienceMs);
  });

  test('never sooner than 2 ms, nor later than 200 ms', async () => {
    await readsThatTook(0.1);
    first.all('frozen');
    second.all(undefined);
    expect((await timed(() => get('ONE'))).ms).toBe(hedgeLimits.leastMs);
    first.all(undefined);
    await bench.quiet();
    await readsThatTook(400);
    everyone(0);
    first.all('frozen');
    expect((await timed(() => get('ONE'))).ms).toBe(hedgeLimits.mostMs);
  });
});

describe('the budget of hedging', () => {
  // The control is the second row: with a budget without an end every late answer is asked for twice.
  test.each([
    { budget: { share: 0.1, saved: 20 }, extra: 20 },
    { budget: { share: 1, saved: Infinity }, extra: 1_000 },
  ])('with $budget lets 500 reads at once ask $extra times more when all are late', async (row) => {
    await readsThatTook(10);
    const metrics = createMetrics();
    const hedging = new Hedging({ clock: bench.clock, metrics }, row.budget);
    const deps = { ...bench.gateway.deps, hedging };
    everyone(40);
    const place = bench.place(keyspace, key);
    const plan = bench.plan({ need: 1, writeBack: false });
    const reads = Array.from({ length: 500 }, () => read(deps, place, plan));
    await bench.run(Promise.all(reads));
    const { sent = 0, withheld = 0, instead = 0 } = await told(metrics);
    expect(sent).toBe(row.extra);
    expect(withheld > 0).toBe(row.budget.saved === 20);
    expect(instead).toBe(0);
  });

  test('is not asked where a replica is silent: the question goes elsewhere, for all 500', async () => {
    await readsThatTook(10);
    first.all('frozen');
    second.all(undefined);
    const all = await timed(() => Promise.all(Array.from({ length: 500 }, () => get('ONE'))));
    expect(all.answer).toHaveLength(500);
    expect(all.ms).toBeLessThan(10.5 + hedgeLimits.patienceMs);
  });
});

describe('a replica that answers 500 ms late', () => {
  test('costs reads and writes of a majority nothing once it is known, though it comes first', async () => {
    for (let nth = 0; nth < 5; nth += 1) await put('QUORUM');
    first.fate = () => ({ afterMs: 500 });
    for (let nth = 0; nth < 16; nth += 1) await bench.run(get('QUORUM'));
    for (let nth = 0; nth < 10; nth += 1) await put('QUORUM').catch(() => undefined);
    await bench.quiet();
    for (const ask of [() => get('QUORUM'), () => get('ONE'), () => put('QUORUM')]) {
      expect((await timed(ask)).ms).toBe(0);
    }
    // Not merely DOWN: it answers, and is asked last. Guard: judgePaces in assembleStore.
    const known = bench.gateway.cluster.replicas.find(({ id }) => id === first.id)!;
    expect(known.state).not.toBe('DOWN');
    expect(known.pace('read').slow).toBe(true);
    expect(third.calls('read').length).toBeGreaterThan(0);
  });

  test('comes first again soon after it is as fast as the others', async () => {
    first.fate = () => ({ afterMs: 400 });
    for (let nth = 0; nth < 16; nth += 1) await bench.run(get('QUORUM'));
    await bench.quiet();
    first.all(undefined);
    for (let nth = 0; nth < 16; nth += 1) await bench.run(get('QUORUM'));
    await bench.quiet();
    expect(statuses((await bench.run(get('ONE'))).receipt.replicas)[first.id]).toBe('OK');
  });
});
