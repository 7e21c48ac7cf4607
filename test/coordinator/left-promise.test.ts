import { describe, expect, test } from '@jest/globals';
import { ballotOf } from '../../src/causality/cell.ts';
import { Bench, me, requestMs } from './bench.ts';

const at = { keyspace: 'locks', key: 'k' };

/**
 * Three holders of a key: the first two hold "2", the third one "1", and all three have promised a
 * ballot that nobody will ever accept: its proposer is gone.
 */
async function afterADeadProposer() {
  const bench = new Bench();
  const keyspace = await bench.keyspace('locks');
  const holders = bench.holders(keyspace, 'k');
  const [first, , third] = holders;
  const put = (value: string) =>
    bench.run(bench.store.put(me, { ...at, value }, { level: 'LINEARIZABLE' }));
  await put('1');
  third!.all('down');
  await put('2');
  third!.all(undefined);
  const { ref } = bench.place(keyspace, 'k');
  const { promised } = await bench.run(
    first!.read(ref, { deadlineMs: bench.clock.monotonicMs() + 1_000 }),
  );
  const ballot = promised + 4_096;
  const deadlineMs = bench.clock.monotonicMs() + 1_000;
  await bench.run(Promise.all(holders.map((one) => one.prepare(ref, ballot, { deadlineMs }))));
  await bench.clock.advance(60_000);
  return { bench, keyspace, holders };
}

describe('a promise that its proposer left behind, at a replica that is behind', () => {
  test('keeps no majority from answering at QUORUM', async () => {
    const { bench, keyspace, holders } = await afterADeadProposer();
    holders[0]!.all('down');
    const startMs = bench.clock.monotonicMs();
    const { entry, receipt } = await bench.run(bench.store.get(me, at, { level: 'QUORUM' }));
    expect(entry.live.map(({ value }) => value)).toEqual(['2']);
    expect(receipt.answered).toBeGreaterThanOrEqual(2);
    expect(bench.clock.monotonicMs() - startMs).toBeLessThan(requestMs / 4);
    expect(bench.values(holders[2]!, keyspace, 'k')).toEqual(['2']);
  });

  test('keeps no read at ALL from leaving nobody behind', async () => {
    const { bench, keyspace, holders } = await afterADeadProposer();
    const { entry } = await bench.run(bench.store.get(me, at, { level: 'ALL' }));
    expect(entry.live.map(({ value }) => value)).toEqual(['2']);
    for (const holder of holders) expect(bench.values(holder, keyspace, 'k')).toEqual(['2']);
  });

  test('is still refused in time where there is no majority', async () => {
    const { bench, holders } = await afterADeadProposer();
    holders[0]!.all('down');
    holders[1]!.all('down');
    const startMs = bench.clock.monotonicMs();
    await expect(bench.run(bench.store.get(me, at, { level: 'QUORUM' }))).rejects.toMatchObject({
      outcome: 'NONE',
    });
    expect(bench.clock.monotonicMs() - startMs).toBeLessThanOrEqual(requestMs);
  });

  test('is followed by a round in the background, once reads at ONE have met it for a while', async () => {
    const { bench, keyspace, holders } = await afterADeadProposer();
    const [first, , third] = holders;
    const { ref } = bench.place(keyspace, 'k');
    await bench.run(bench.store.get(me, at, { level: 'ONE' }));
    // Without the round (LeftPromises, src/repair), the third one would keep "1" for as long as nobody writes.
    await bench.quiet();
    expect(bench.values(third!, keyspace, 'k')).toEqual(['2']);
    const { promised, cell } = await first!.inner.read(ref);
    expect(ballotOf(cell)).toBe(promised);
  });

  test('is followed by a round of anti-entropy too', async () => {
    const { bench, keyspace, holders } = await afterADeadProposer();
    const { antiEntropy } = bench.gateway.repair;
    await bench.run(antiEntropy.run({ tenant: me.tenant, keyspace: 'locks' }));
    expect(bench.values(holders[2]!, keyspace, 'k')).toEqual(['2']);
  });

  test('keeps no ordinary write from a majority, nor from being repaired', async () => {
    const { bench, keyspace, holders } = await afterADeadProposer();
    const written = bench.store.put(me, { ...at, value: '3' }, { level: 'ALL' });
    const { receipt } = await bench.run(written);
    expect(receipt.answered).toBe(3);
    expect(bench.values(holders[2]!, keyspace, 'k')).toContain('3');
  });
});
