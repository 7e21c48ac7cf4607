import { describe, expect, test } from '@jest/globals';
import { storedBytes } from '../../src/causality/cell-codec.ts';
import { me, refusal, statuses } from './bench.ts';
import type { FaultyReplica } from './faulty-replica.ts';
import { RangeWorld, statesOf, type Holding } from './range-world.ts';

/** First pages of which one replica sends its own, and the others say what theirs sums up to. */
const names = Array.from({ length: 20 }, (_, nth) => `k${String(nth).padStart(2, '0')}`);
const turnMs = 10;

/** Ten keys that all hold alike, and others as a test says. */
async function worldOf(
  others: readonly (readonly Holding[])[] = [],
  pageBytes?: number,
): Promise<RangeWorld> {
  const world = await RangeWorld.of(3, {}, pageBytes);
  for (const [nth, held] of [...alike, ...others].entries())
    for (const [index, holding] of held.entries()) {
      const replica = world.bench.replicas[index]!;
      const { first, last } = states;
      if (holding !== 'nothing')
        await world.set(replica, names[nth]!, holding === 'first' ? first : last);
    }
  return world;
}

const alike = Array.from({ length: 10 }, () => ['last', 'last', 'last'] as const);
const states = statesOf('rewritten');

/** Whose turn it is to send a whole page. */
async function turnOf(world: RangeWorld, nth: number): Promise<FaultyReplica> {
  const { clock, gateway, replicas } = world.bench;
  const { targets } = gateway.cluster.placeRange(world.keyspace, {
    from: undefined,
    to: undefined,
  });
  const at = targets.findIndex(({ replica }) => replica.id === replicas[nth]!.id);
  while (Math.floor(clock.monotonicMs() / turnMs) % targets.length !== at) await clock.advance(1);
  for (const { seen } of replicas) seen.length = 0;
  return replicas[nth]!;
}

const asked = ({ bench }: RangeWorld) =>
  bench.replicas.map(({ seen }) => seen.map(({ call }) => call));
const valueOf = (page: Awaited<ReturnType<RangeWorld['page']>>, key: string) =>
  page.edges.find(({ entry }) => entry.key === key)?.entry.live.map(({ value }) => value);

describe('a first page', () => {
  test.each([0, 1, 2])(
    'comes whole from one replica, in turn, as sums from the others (%i)',
    async (nth) => {
      const world = await worldOf();
      await turnOf(world, nth);
      const page = await world.page({ first: 10 });
      expect(asked(world)).toEqual([0, 1, 2].map((one) => [one === nth ? 'scan' : 'sum']));
      expect(page.edges.map(({ entry }) => entry.key)).toEqual(names.slice(0, 10));
      expect(page.receipt).toMatchObject({ required: 2, answered: 3, stale: 0, repaired: 0 });
      expect(new Set(Object.values(statuses(page.receipt.replicas)))).toEqual(new Set(['OK']));
    },
  );

  // Guard: a source that has told a sum has not answered. Without it, the page comes from nowhere.
  test('is not had by sums alone', async () => {
    const world = await worldOf();
    for (const replica of world.bench.replicas) replica.only('scan', 'frozen');
    const late = await refusal(world.page({ first: 10 }));
    expect(late).toMatchObject({ code: 'READ_TIMEOUT', details: { required: 2, received: 0 } });
    const { perReplica } = late.details;
    expect(new Set(Object.values(statuses(perReplica)))).toEqual(new Set(['TIMEOUT']));
    const reasons = (perReplica as { reason?: string }[]).flatMap(({ reason }) => reason ?? []);
    expect(reasons).toContain('told what its page sums up to; its page was not had');
  });

  // Guard: a sum counts with the page that has it. Without it, a page at ALL rests on one replica.
  test('at ALL asks for the page of whoever sums up to another one, and heals it before the answer', async () => {
    const world = await worldOf([['last', 'first', 'nothing']]);
    await turnOf(world, 1);
    const page = await world.page({ first: 20 }, 'ALL');
    expect(asked(world).map(([first]) => first)).toEqual(['sum', 'scan', 'sum']);
    expect(valueOf(page, 'k10')).toEqual(['"2"']);
    expect(page.receipt).toMatchObject({ answered: 3, stale: 2, repaired: 2 });
    for (const replica of world.bench.replicas)
      expect(world.bench.values(replica, world.keyspace, 'k10')).toEqual(['"2"']);
  });

  // Guard: the exhaustion is compared with the sum. Without it, whoever holds more is taken to hold no more.
  test('is not the same where one replica has nothing beyond it and others have', async () => {
    const [nothing, last] = ['nothing', 'last'] as const;
    const own = storedBytes(states.last);
    const world = await worldOf(
      Array.from({ length: 10 }, () => [nothing, last, last]),
      own * 10,
    );
    await turnOf(world, 0);
    const page = await world.page({ first: 20 });
    expect(page.edges.map(({ entry }) => entry.key)).toEqual(names);
  });

  test('goes on with those who agree, and compares the one that does not afterwards', async () => {
    const world = await worldOf([
      ['last', 'last', 'first'],
      ['last', 'last', 'nothing'],
    ]);
    await turnOf(world, 0);
    const page = await world.page({ first: 20 });
    expect(valueOf(page, 'k10')).toEqual(['"2"']);
    expect(page.receipt).toMatchObject({ answered: 2, stale: 0, repaired: 0 });
    expect(statuses(page.receipt.replicas)['replica-3']).toBe('PENDING');
    // Guard: `#compareLater`. Without it, a replica that is behind is never healed by pages.
    await world.bench.quiet();
    for (const key of ['k10', 'k11'])
      expect(world.bench.values(world.bench.replicas[2]!, world.keyspace, key)).toEqual(['"2"']);
  });

  test('that only the one who has told a sum holds in a newer state spreads it afterwards', async () => {
    const world = await worldOf([['first', 'first', 'last']]);
    await turnOf(world, 0);
    expect(valueOf(await world.page({ first: 20 }), 'k10')).toEqual(['"1"']);
    await world.bench.quiet();
    for (const replica of world.bench.replicas)
      expect(world.bench.values(replica, world.keyspace, 'k10')).toEqual(['"2"']);
  });
});

describe('a first page that deletions do not let fill the whole', () => {
  /** The third replica has another state of one key, and one key is deleted. */
  async function worldBehind(): Promise<RangeWorld> {
    const world = await worldOf(alike.slice(0, 4));
    const deleted = statesOf('deleted').last;
    for (const replica of world.bench.replicas) await world.set(replica, 'k05', deleted);
    await world.set(world.bench.replicas[2]!, 'k03', states.first);
    await turnOf(world, 0);
    return world;
  }

  async function healedAfter(world: RangeWorld): Promise<readonly (string | undefined)[]> {
    await world.bench.clock.advance(100);
    await world.bench.quiet();
    expect(world.bench.values(world.bench.replicas[2]!, world.keyspace, 'k03')).toEqual(['"2"']);
    const writes = world.bench.replicas.flatMap(({ seen }) =>
      seen.filter(({ call }) => call === 'swap' || call === 'keepNewest'),
    );
    return [...new Set(writes.map(({ key }) => key))];
  }

  // Guard: who differs is asked anew. Without it, a later page is taken for the first, and all is healed.
  test('is compared with the first page of the one that differs, whose next one is late', async () => {
    const world = await worldBehind();
    world.bench.replicas[2]!.only('scan', { afterMs: 30 });
    const page = await world.page({ first: 10 });
    expect(page.edges).toHaveLength(10);
    expect(page.receipt).toMatchObject({ answered: 2, stale: 0 });
    expect(statuses(page.receipt.replicas)['replica-3']).toBe('PENDING');
    expect(await healedAfter(world)).toEqual(['k03']);
  });

  // Guard: `hasOnlyTold`. Without it, whoever sends a later page is OK, and its first one is forgotten.
  test('does not forget that the one differed which sends its next page in time', async () => {
    const world = await worldBehind();
    world.bench.replicas[1]!.only('scan', { afterMs: 30 });
    const page = await world.page({ first: 10 });
    expect(page.edges).toHaveLength(10);
    expect(world.bench.replicas[2]!.calls('scan')).not.toEqual([]);
    expect(page.receipt).toMatchObject({ answered: 2, stale: 0 });
    expect(statuses(page.receipt.replicas)['replica-3']).toBe('PENDING');
    expect(await healedAfter(world)).toEqual(['k03']);
  });
});

describe('the one that is asked for the whole page', () => {
  // Guard: the hedge. Without it, one frozen replica holds up every third range until it is found out.
  test('is waited for as long as others, and then another one sends its page', async () => {
    const world = await worldOf();
    (await turnOf(world, 1)).all('frozen');
    const startMs = world.bench.clock.monotonicMs();
    const page = await world.page({ first: 10 });
    expect(page.edges).toHaveLength(10);
    expect(page.receipt).toMatchObject({ answered: 2, stale: 0 });
    expect(world.bench.clock.monotonicMs() - startMs).toBeLessThan(500);
  });

  // Guard: half of the time is the most that is waited. Without it, the range ends with the wait.
  test('is waited for no longer than half of the time that the request has', async () => {
    const world = await worldOf();
    const { bench } = world;
    (await turnOf(world, 1)).all('frozen');
    const what = { keyspace: 'r', first: 10 };
    const asked = bench.store.range(me, what, { level: 'QUORUM', timeoutMs: 40 });
    const page = await bench.run(asked);
    expect(page.edges).toHaveLength(10);
    expect(page.receipt).toMatchObject({ answered: 2, stale: 0 });
  });

  // Guard: the budget is not asked. Without it, ranges wait for a slow sender when other hedges used it up.
  test('is backed up by whoever has told a sum, however little of the budget is left', async () => {
    const world = await worldOf();
    const { bench } = world;
    const sender = await turnOf(world, 1);
    const { targets } = bench.gateway.cluster.placeRange(world.keyspace, {
      from: undefined,
      to: undefined,
    });
    const target = targets.find(({ replica }) => replica.id === sender.id)!;
    const startMs = bench.clock.monotonicMs();
    const hedge = bench.gateway.deps.hedging.of('read');
    while (hedge.allows(target, startMs));
    sender.only('scan', { afterMs: 1_000 });
    // It answers others meanwhile, so it is not silent.
    const answer = (): void => {
      const nowMs = bench.clock.monotonicMs();
      target.replica.pace('scan').began(nowMs);
      target.replica.pace('scan').answered(nowMs, 5);
    };
    for (let atMs = 5; atMs < 1_000; atMs += 5) bench.clock.after(atMs, answer);
    expect((await world.page({ first: 10 })).edges).toHaveLength(10);
    expect(bench.clock.monotonicMs() - startMs).toBeLessThan(200);
  });

  // Guard: 'sum' among the judged sorts. Without it, a replica that is slow at ranges is never passed over.
  test('is another one when it is slow at sums', async () => {
    const world = await worldOf();
    const { clock, gateway, replicas } = world.bench;
    const all = { from: undefined, to: undefined };
    const { targets } = gateway.cluster.placeRange(world.keyspace, all);
    const slow = targets.find(({ replica }) => replica.id === replicas[1]!.id)!;
    slow.replica.pace('sum').began(clock.monotonicMs());
    await clock.advance(2_000);
    await turnOf(world, 1);
    await world.page({ first: 10 });
    expect(replicas[1]!.calls('scan')).toEqual([]);
    expect(replicas[1]!.calls('sum')).toHaveLength(1);
  });

  test('is replaced at once when it fails', async () => {
    for (const fate of ['down', 'refuse', 'cut'] as const) {
      const world = await worldOf([['first', 'last', 'last']]);
      (await turnOf(world, 0)).all(fate);
      const startMs = world.bench.clock.monotonicMs();
      const page = await world.page({ first: 20 });
      expect(valueOf(page, 'k10')).toEqual(['"2"']);
      expect(world.bench.clock.monotonicMs() - startMs).toBeLessThan(20);
      expect(
        asked(world)
          .flat()
          .filter((call) => call === 'scan'),
      ).toHaveLength(2);
    }
  });

  test('counts when its page comes late, and so does whoever has summed up to it', async () => {
    const world = await worldOf();
    const [a, b, c] = world.bench.replicas;
    await turnOf(world, 0);
    a!.only('scan', { afterMs: 100 });
    b!.only('scan', 'frozen');
    c!.only('sum', 'frozen');
    const page = await world.page({ first: 10 });
    expect(page.receipt).toMatchObject({ answered: 2, stale: 0 });
    const { 'replica-1': first, 'replica-2': second } = statuses(page.receipt.replicas);
    expect([first, second]).toEqual(['OK', 'OK']);
  });
});
