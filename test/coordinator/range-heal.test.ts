import { beforeEach, expect, test } from '@jest/globals';
import { laterBy } from '../../src/causality/ballot.ts';
import { ballotOf, withOutcome } from '../../src/causality/cell.ts';
import { settlementId } from '../../src/causality/outcomes.ts';
import type { Keyspace } from '../../src/consistency/keyspace.ts';
import { Bench, me } from './bench.ts';
import type { FaultyReplica } from './faulty-replica.ts';
import { statesOf } from './range-world.ts';

/** A page whose write-back meets a round of consensus. */
let bench: Bench;
let keyspace: Keyspace;
let first: FaultyReplica;
let second: FaultyReplica;
let third: FaultyReplica;
const at = { keyspace: 'carts', key: 'k' };
const ref = { tenant: me.tenant, ...at };

beforeEach(async () => {
  bench = new Bench();
  keyspace = await bench.keyspace('carts');
  [first, second, third] = bench.holders(keyspace, at.key) as [
    FaultyReplica,
    FaultyReplica,
    FaultyReplica,
  ];
});

const page = async () =>
  (await bench.run(bench.store.range(me, { keyspace: 'carts', first: 10 }, { level: 'QUORUM' })))
    .edges;

test('is answered although the replica that is behind has promised a newer ballot, and nobody ends that round', async () => {
  // Guard: `healKey` reads such a key by itself. Without it, the page fails for as long as nobody
  // happens to write the key.
  for (const key of ['a', 'z'])
    await bench.run(bench.store.put(me, { keyspace: 'carts', key, value: '0' }, { level: 'ALL' }));
  third.all('down');
  await bench.run(bench.store.put(me, { ...at, value: '1' }, { level: 'LINEARIZABLE' }));
  third.thaw();
  await bench.clock.advance(3_000);
  const left = laterBy(ballotOf(bench.held(second, keyspace, at.key)!), 1_000);
  expect(await third.inner.prepare(ref, left, { deadlineMs: Infinity })).toMatchObject({
    promised: true,
  });
  first.all('down');
  const edges = await page();
  expect(edges.map(({ entry }) => [entry.key, entry.live.map(({ value }) => value)])).toEqual([
    ['a', ['0']],
    ['k', ['1']],
    ['z', ['0']],
  ]);
  await bench.quiet();
  expect(bench.values(third, keyspace, at.key)).toEqual(['1']);
});

test('reaches a replica that has told another sum and has promised a newer ballot, in the background', async () => {
  // Guard: `settle` in `differingKeys`. Without it, the replica stays behind for as long as nobody
  // happens to write the key.
  third.all('down');
  await bench.run(bench.store.put(me, { ...at, value: '1' }, { level: 'LINEARIZABLE' }));
  third.thaw();
  await bench.clock.advance(3_000);
  const left = laterBy(ballotOf(bench.held(second, keyspace, at.key)!), 1_000);
  await third.inner.prepare(ref, left, { deadlineMs: Infinity });
  const all = { from: undefined, to: undefined };
  const { targets } = bench.gateway.cluster.placeRange(keyspace, all);
  const sender = targets.findIndex(({ replica }) => replica.id !== third.id);
  while (Math.floor(bench.clock.monotonicMs() / 10) % targets.length !== sender)
    await bench.clock.advance(1);
  third.seen.length = 0;
  const edges = await page();
  expect(third.calls('sum')).toHaveLength(1);
  expect(edges.map(({ entry }) => entry.live.map(({ value }) => value))).toEqual([['1']]);
  await bench.quiet();
  expect(bench.values(third, keyspace, at.key)).toEqual(['1']);
});

test('leaves nothing behind that a later page could lack', async () => {
  third.all('down');
  await bench.run(bench.store.put(me, { ...at, value: '1' }, { level: 'QUORUM' }));
  third.thaw();
  await bench.clock.advance(3_000);
  first.all('down');
  expect(await page()).toHaveLength(1);
  first.thaw();
  second.all('down');
  first.inner.wipe('lost');
  expect(bench.values(third, keyspace, at.key)).toEqual(['1']);
});

test('goes on when a key that seemed to fill it was deleted before it was healed', async () => {
  // Guard: `page` goes on when `decideUpTo` did not come to its end. Without it, the page ends
  // before y, and says that nothing follows.
  const all = [first, second, third];
  for (const [replica, key] of [
    [first, 'w'],
    [second, 'x'],
    [third, 'y'],
  ] as const) {
    const request = { expected: 0n, next: statesOf('live').last };
    await replica.inner.swap({ ...ref, key }, request, { deadlineMs: Infinity });
  }
  third.all('down');
  await bench.run(bench.store.put(me, { ...at, value: '1' }, { level: 'LINEARIZABLE' }));
  third.thaw();
  await bench.clock.advance(3_000);
  const before = all.map(({ inner }) => inner.save());
  await bench.run(bench.store.delete(me, at, { level: 'LINEARIZABLE' }));
  await bench.quiet();
  const after = all.map(({ inner }) => inner.save());
  for (const [nth, copy] of before.entries()) all[nth]!.inner.restore(copy);
  const left = laterBy(ballotOf(bench.held(second, keyspace, at.key)!), 1_000);
  await third.inner.prepare(ref, left, { deadlineMs: Infinity });
  // The page has seen k alive; whoever reads it by itself, to heal it, finds it deleted.
  for (const replica of all)
    replica.fate = (call, key) => {
      if (call === 'read' && key === at.key)
        for (const [nth, copy] of after.entries()) all[nth]!.inner.restore(copy);
      return undefined;
    };
  const what = { keyspace: 'carts', first: 2 };
  const answer = await bench.run(bench.store.range(me, what, { level: 'ALL' }));
  expect(answer.edges.map(({ entry }) => entry.key)).toEqual(['w', 'x']);
  expect(answer.hasNextPage).toBe(true);
});

test('does not show a write that somebody is settling before it is settled, though all replicas hold the same', async () => {
  // Guard: `agreedPage` leaves cells with outcomes to be decided one by one. Without it, the page shows
  // what may yet be fenced.
  const { last } = statesOf('live');
  const doubt = { fingerprint: '', applied: false, atUs: 1 };
  const next = withOutcome(last, settlementId(last.siblings[0]!.writeId), {
    ...doubt,
    settlement: { stage: 'doubted' },
  });
  for (const { inner } of [first, second, third])
    await inner.swap(ref, { expected: 0n, next }, { deadlineMs: Infinity });
  for (const { seen } of [first, second, third]) seen.length = 0;
  const edges = await page();
  expect(edges.map(({ entry }) => entry.live.map(({ value }) => value))).toEqual([['"1"']]);
  for (const { seen } of [first, second, third])
    expect(seen.map(({ call }) => call)).toContain('prepare');
});
