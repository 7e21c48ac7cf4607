import { describe, expect, test } from '@jest/globals';
import { digestOf } from '../../src/causality/cell-codec.ts';
import { emptyCell, seenNothing, write, type Cell } from '../../src/causality/cell.ts';
import { keepSiblings } from '../../src/causality/convergence.ts';
import { converge, ReadRepair, type Holding } from '../../src/repair/read-repair.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { createMetrics } from '../../src/runtime/metrics.ts';
import { FaultyReplica } from '../coordinator/faulty-replica.ts';
import { HandClock } from '../coordinator/hand-clock.ts';

const ref = { tenant: 't', keyspace: 'k', key: 'key' };
const request = { ref, convergence: keepSiblings };
const cellOf = (actor: string): Cell =>
  write(emptyCell, seenNothing, {
    dot: { actor, counter: 1 },
    writeId: actor,
    writtenAtUs: 1,
    value: `"${actor}"`,
  });

async function world(...cells: Cell[]) {
  const clock = new HandClock();
  const metrics = createMetrics();
  const replicas = cells.map((_, nth) => new FaultyReplica({ id: `replica-${nth + 1}`, clock }));
  const holdings: Holding[] = [];
  for (const [nth, store] of replicas.entries()) {
    const next = cells[nth]!;
    if (next !== emptyCell)
      await store.inner.swap(ref, { expected: 0n, next }, { deadlineMs: clock.monotonicMs() + 1 });
    holdings.push({ store, stored: await store.inner.read(ref) });
  }
  return {
    clock,
    metrics,
    replicas,
    holdings,
    repair: new ReadRepair({ clock, log: silentLog, metrics }),
  };
}

describe('what several replicas hold', () => {
  test('converges to all that they know, and names those that do not know it all', async () => {
    const { holdings } = await world(cellOf('a'), cellOf('b'), emptyCell);
    const { cell, behind } = converge(holdings, keepSiblings);
    expect(cell.siblings.map(({ value }) => value)).toEqual(['"a"', '"b"']);
    expect(behind.map(({ store }) => store.id)).toEqual(['replica-1', 'replica-2', 'replica-3']);
    const agreed = await world(cellOf('a'), cellOf('a'));
    expect(converge(agreed.holdings, keepSiblings).behind).toEqual([]);
  });
});

describe('a repair in the background', () => {
  test('brings everyone to the joined state', async () => {
    const { replicas, holdings, repair } = await world(cellOf('a'), cellOf('b'), emptyCell);
    repair.later(request, Promise.resolve(holdings));
    await repair.idle();
    const stored = await Promise.all(replicas.map((replica) => replica.inner.read(ref)));
    expect(new Set(stored.map(({ digest }) => digest)).size).toBe(1);
    expect(stored[0]!.cell.siblings).toHaveLength(2);
    expect(stored[0]!.digest).toBe(digestOf(stored[0]!.cell));
  });

  test('that fails at one replica heals the others, and harms nobody', async () => {
    const { replicas, holdings, repair } = await world(cellOf('a'), emptyCell, emptyCell);
    replicas[1]!.all('down');
    repair.later(request, Promise.resolve(holdings));
    repair.later(request, Promise.reject(new Error('nobody answered')));
    await repair.idle();
    expect((await replicas[2]!.inner.read(ref)).cell).toEqual(cellOf('a'));
  });

  // Guard: one deadline for all. Without it, the second key is written with what was read long ago, which
  // may have been deleted and collected meanwhile.
  test('of many keys ends when the time of one is over', async () => {
    const { clock, replicas, holdings, repair } = await world(cellOf('a'), emptyCell);
    const [, behind] = replicas;
    behind!.fate = (call) => (call === 'swap' ? 'frozen' : undefined);
    const other = { ...request, ref: { ...ref, key: 'other' } };
    const found = [request, other].map((one) => ({ request: one, holdings }));
    repair.laterMany(() => Promise.resolve(found));
    await clock.settled(repair.idle());
    expect(new Set(behind!.calls('swap').map(({ key }) => key))).toEqual(new Set([ref.key]));
  });

  test('is dropped and counted, not queued, when too many are under way', async () => {
    const { metrics, repair } = await world(emptyCell);
    let answer: (holdings: Holding[]) => void = () => undefined;
    const waiting = new Promise<Holding[]>((resolve) => (answer = resolve));
    for (let nth = 0; nth < 1_010; nth += 1) repair.later(request, waiting);
    const { values } = await metrics.repairs.get();
    expect(values.find(({ labels }) => labels.result === 'dropped')?.value).toBe(10);
    answer([]);
    await repair.idle();
  });
});
