import { expect, test } from '@jest/globals';
import { emptyCell, seenNothing, write, type Cell } from '../../src/causality/cell.ts';
import { keepSiblings } from '../../src/causality/convergence.ts';
import { settlementId } from '../../src/causality/outcomes.ts';
import { TombstoneReaper } from '../../src/repair/tombstone-reaper.ts';
import { createMetrics } from '../../src/runtime/metrics.ts';
import { FaultyReplica } from '../coordinator/faulty-replica.ts';
import { HandClock } from '../coordinator/hand-clock.ts';

const deleted = write(emptyCell, seenNothing, {
  dot: { actor: 'a', counter: 1 },
  writeId: 'w',
  writtenAtUs: 1,
  value: null,
});
const fence = { stage: 'fenced', verdict: 'NEVER' } as const;
const fenced: Cell = {
  ...deleted,
  outcomes: new Map([
    [settlementId('v'), { fingerprint: '', applied: false, atUs: 1, settlement: fence }],
  ]),
};

/** How many keys are forgotten, of one that three replicas hold like this. */
async function reap(cell: Cell): Promise<number> {
  const clock = new HandClock();
  const replicas = ['r1', 'r2', 'r3'].map((id) => new FaultyReplica({ id, clock }));
  const ref = { tenant: 't', keyspace: 'k', key: 'key' };
  const options = { deadlineMs: clock.monotonicMs() + 1_000 };
  for (const replica of replicas) await replica.swap(ref, { expected: 0n, next: cell }, options);
  const reaper = new TombstoneReaper({
    clock,
    metrics: createMetrics(),
    graceMs: 1_000,
    hasHint: () => Promise.resolve(false),
    isWhole: () => true,
  });
  const { collected } = await reaper.reap({
    tenant: 't',
    name: 'k',
    storageName: 'k',
    convergence: keepSiblings,
    partitioner: 'MODULO_HASH',
    splitKeys: [],
    epoch: 1,
    partitions: 1,
    primariesOf: () => replicas,
    partitionOf: () => 0,
  });
  return collected;
}

// Guard: `#mayForget` looks for fences. Without it, the write could be shown again, and was said to be NEVER.
test('a key in which a write is fenced is never forgotten', async () => {
  expect(await reap(deleted)).toBe(1);
  expect(await reap(fenced)).toBe(0);
});
