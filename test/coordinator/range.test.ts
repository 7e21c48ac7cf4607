import { describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { keepNewest, newestCell } from '../../src/causality/convergence.ts';
import type { KeyspaceSettings } from '../../src/consistency/keyspace.ts';
import type { ScanPage } from '../../src/replica/replica.ts';
import { me, refusal, requestMs, statuses } from './bench.ts';
import type { CallName, FaultyReplica } from './faulty-replica.ts';
import {
  byBytes,
  livingKeys,
  oddKeys,
  RangeWorld,
  seededKeys,
  statesOf,
  type SeededKey,
} from './range-world.ts';

const layouts: readonly [name: string, replicas: number, settings: Partial<KeyspaceSettings>][] = [
  ['3 replicas, ring', 3, {}],
  ['5 replicas, ring', 5, {}],
  ['5 replicas, modulo', 5, { partitioner: 'MODULO_HASH' }],
  ['5 replicas, ranges', 5, { partitioner: 'RANGE', splitKeys: ['b', 'a%', '\uffff'] }],
];

const walks = fc.record({
  size: fc.integer({ min: 1, max: 12 }),
  reverse: fc.boolean(),
  from: fc.option(oddKeys, { nil: undefined }),
  to: fc.option(oddKeys, { nil: undefined }),
});

/** Bounds the right way round; the other way round is refused, which is tested elsewhere. */
function bounds({ from, to }: { from: string | undefined; to: string | undefined }) {
  const swapped = from !== undefined && to !== undefined && byBytes(from, to) > 0;
  return swapped ? { from: to, to: from } : { from, to };
}

async function check(
  world: RangeWorld,
  keys: readonly SeededKey[],
  how: Parameters<RangeWorld['walk']>[1] & { from: string | undefined; to: string | undefined },
) {
  const within = bounds(how);
  const expected = livingKeys(keys, within);
  const { entries } = await world.walk(within, how);
  expect(entries.map(({ key }) => key)).toEqual(how.reverse ? expected.toReversed() : expected);
  for (const { key, live } of entries) {
    const rewritten = keys.find((seeded) => seeded.key === key)!.fate === 'rewritten';
    expect(live.map(({ value }) => value)).toEqual([rewritten ? '"2"' : '"1"']);
  }
}

describe.each(layouts)('all pages of a range, on %s', (_, count, settings) => {
  test('are at QUORUM every key that a quorum acknowledged, once, in byte order', async () => {
    await fc.assert(
      fc.asyncProperty(seededKeys(2), walks, async (keys, walk) => {
        const world = await RangeWorld.of(count, settings);
        await world.seed(keys);
        await check(world, keys, walk);
      }),
      { numRuns: 40 },
    );
  });

  test('are at ALL every key that any replica knows of', async () => {
    await fc.assert(
      fc.asyncProperty(seededKeys(1), walks, async (keys, walk) => {
        const world = await RangeWorld.of(count, settings);
        await world.seed(keys);
        await check(world, keys, { ...walk, level: 'ALL' });
      }),
      { numRuns: 25 },
    );
  });

  test('are the same when pages end by their bytes, replicas’ and ours, and no page is longer or shorter than it must be', async () => {
    const bounds = fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 100, max: 1_500 }));
    await fc.assert(
      fc.asyncProperty(seededKeys(2), walks, bounds, async (keys, walk, bytes) => {
        const world = await RangeWorld.of(count, settings, bytes);
        await world.seed(keys);
        await check(world, keys, { ...walk, bytes });
      }),
      { numRuns: 20 },
    );
  });

  test('are the same while one replica is silent, slow, or breaks off in the middle', async () => {
    const faults = fc.constantFrom('frozen', 'slow', 'breaks', 'down');
    await fc.assert(
      fc.asyncProperty(seededKeys(2), walks, faults, fc.nat(), async (keys, walk, fault, at) => {
        const world = await RangeWorld.of(count, settings);
        await world.seed(keys);
        const sick = world.bench.replicas[at % count]!;
        let pages = 0;
        sick.fate = (call) => {
          if (call !== 'scan' && call !== 'sum') return undefined;
          pages += 1;
          if (fault === 'slow') return { afterMs: 30 };
          if (fault === 'breaks') return pages > 1 ? 'down' : undefined;
          return fault === 'frozen' ? 'frozen' : 'down';
        };
        await check(world, keys, walk);
      }),
      { numRuns: 30 },
    );
  });
});

const names = (count: number, prefix = 'k'): string[] =>
  Array.from({ length: count }, (_, nth) => `${prefix}${String(nth).padStart(3, '0')}`);
const everywhere = ['last', 'last', 'last'] as const;

describe('a page of a range', () => {
  test('is not cut short by deleted keys, however many come before the living ones', async () => {
    const world = await RangeWorld.of(3);
    await world.seed(names(300).map((key) => ({ key, fate: 'deleted', held: everywhere })));
    await world.seed(names(5, 'z').map((key) => ({ key, fate: 'live', held: everywhere })));
    const page = await world.page({ first: 5 });
    expect(page.edges.map(({ entry }) => entry.key)).toEqual(names(5, 'z'));
    expect(page.hasNextPage).toBe(false);
  });

  // Nothing is asked for twice, and no key by itself; deleted keys, which do not fill a page, cost further scans.
  test('asks each replica once where they agree, whatever the page is made of', async () => {
    const world = await RangeWorld.of(3);
    const fates = ['live', 'rewritten', 'deleted', 'expired'] as const;
    const keys = names(40).map((key, nth): SeededKey => {
      return { key, fate: nth < 20 ? fates[nth % 2]! : fates[nth % 4]!, held: everywhere };
    });
    await world.seed(keys);
    const asked = async (what: { from?: string; first?: number; last?: number }) => {
      for (const replica of world.bench.replicas) replica.seen.length = 0;
      const { edges, receipt } = await world.page(what);
      const calls = world.bench.replicas.map(({ seen }) => seen.map(({ call }) => call)).sort();
      return { keys: edges.map(({ entry }) => entry.key), calls, stale: receipt.stale };
    };
    const living = livingKeys(keys);
    expect(await asked({ first: 10 })).toEqual({
      keys: living.slice(0, 10),
      calls: [['scan'], ['sum'], ['sum']],
      stale: 0,
    });
    expect(await asked({ last: 8 })).toEqual({
      keys: living.slice(-8),
      calls: [
        ['scan', 'scan', 'scan'],
        ['sum', 'scan', 'scan'],
        ['sum', 'scan', 'scan'],
      ],
      stale: 0,
    });
    expect((await asked({ from: 'k030', first: 30 })).calls).toEqual([['scan'], ['sum'], ['sum']]);
  });

  // Guard: `observeStamp` in the page. Without it, the write is acknowledged, and lost to what was read.
  test.each([
    ['what it shows', '"before"'],
    ['a deletion that it passes over', null],
  ])('moves the clock past %s, so that what is written after it is later', async (_, value) => {
    const world = await RangeWorld.of(3, { conflicts: 'LAST_WRITE_WINS' });
    const ahead = world.bench.clock.nowMs() * 1_000 + 2_000_000;
    const version = { dot: { actor: 'faster', counter: ahead }, writeId: 'w', writtenAtUs: ahead };
    const cell = newestCell({ ...version, value });
    const ref = { tenant: me.tenant, keyspace: world.keyspace.storageName, key: 'k' };
    const newest = { cell, stamp: keepNewest.stampOf(cell) };
    for (const { inner } of world.bench.replicas)
      await inner.keepNewest(ref, newest, { deadlineMs: Infinity });
    await world.page({ first: 1 });
    const put = { keyspace: 'r', key: 'k', value: '"after"' };
    await world.bench.run(world.bench.store.put(me, put, { level: 'ALL' }));
    const page = await world.page({ first: 1 });
    expect(page.edges[0]!.entry.live.map(({ value }) => value)).toEqual(['"after"']);
  });

  test('of large values asks no replica for more than it may show, and an eighth to look beyond', async () => {
    const world = await RangeWorld.of(3, {}, 10_000);
    const value = JSON.stringify('é'.repeat(1_000));
    for (const key of names(30)) {
      const put = { keyspace: 'r', key, value };
      await world.bench.run(world.bench.store.put(me, put, { level: 'ALL' }));
    }
    const asked = world.bench.replicas.map((replica) => jest.spyOn(replica.inner, 'scan'));
    const page = await world.page({ first: 30 }, 'ALL');
    expect(page.edges.map(({ entry }) => entry.key)).toEqual(names(4));
    expect(page.hasNextPage).toBe(true);
    const sent = asked.map(async ({ mock }) => {
      const pages = mock.results.map(({ value: got }) => got as Promise<ScanPage>);
      return (await Promise.all(pages)).map(({ cells }) => cells.length);
    });
    // Of the first page two replicas say what it sums up to.
    expect((await Promise.all(sent)).sort()).toEqual([[1], [1], [4, 1]]);
    const rest = await world.page({ first: 30, after: page.edges.at(-1)!.cursor });
    expect(rest.edges[0]!.entry.key).toBe('k004');
  });

  test('is not eaten by keys that one stale replica still takes for living', async () => {
    const world = await RangeWorld.of(3);
    const stale = names(100).map((key): SeededKey => ({
      key,
      fate: 'deleted',
      held: ['first', 'last', 'last'],
    }));
    await world.seed([
      ...stale,
      ...names(8, 'z').map((key): SeededKey => ({ key, fate: 'live', held: everywhere })),
    ]);
    const page = await world.page({ first: 4 });
    expect(page.edges.map(({ entry }) => entry.key)).toEqual(names(4, 'z'));
    expect(page.hasNextPage).toBe(true);
    expect(page.receipt.stale).toBeGreaterThan(0);
  });

  test('holds no key back and doubles none when a replica fails while a slower one is still behind', async () => {
    const world = await RangeWorld.of(3);
    const [a, b, c] = world.bench.replicas as [FaultyReplica, FaultyReplica, FaultyReplica];
    const half = names(120).map((key, nth): SeededKey => ({
      key,
      fate: nth % 2 ? 'live' : 'deleted',
      held: everywhere,
    }));
    await world.seed(half);
    // The slow one knows of forty deleted keys more, so that its first page ends far before those of the others.
    for (const key of names(40, 'k005-')) await world.set(c, key, statesOf('deleted').last);
    const pages = { a: 0, b: 0 };
    const isPage = (call: CallName): boolean => call === 'scan' || call === 'sum';
    a.fate = (call) => (isPage(call) && ++pages.a > 1 ? 'down' : undefined);
    b.fate = (call) => (isPage(call) && ++pages.b > 1 ? { afterMs: 200 } : undefined);
    c.fate = (call) => (isPage(call) ? { afterMs: 50 } : undefined);
    const page = await world.page({ first: 28 });
    expect(pages).toEqual({ a: 2, b: 2 });
    const expected = livingKeys(half).slice(0, 28);
    expect(page.edges.map(({ entry }) => entry.key)).toEqual(expected);
  });

  test('brings what it found to a quorum before it returns', async () => {
    const world = await RangeWorld.of(3);
    await world.seed(
      names(10).map((key) => ({ key, fate: 'rewritten', held: ['last', 'first', 'first'] })),
    );
    const page = await world.page({ first: 10 }, 'ALL');
    expect(page.edges.map(({ entry }) => entry.live[0]!.value)).toEqual(names(10).map(() => '"2"'));
    for (const key of names(10)) {
      for (const replica of world.bench.replicas) {
        expect(world.bench.values(replica, world.keyspace, key)).toEqual(['"2"']);
      }
    }
    expect(page.receipt).toMatchObject({ required: 3, answered: 3 });
    expect(page.receipt.repaired).toBeGreaterThan(0);
  });

  test('at ONE asks as few replicas as it can, and one more when the first is slow', async () => {
    const world = await RangeWorld.of(3);
    await world.seed(names(10).map((key) => ({ key, fate: 'live', held: everywhere })));
    const quick = await world.page({ first: 5 }, 'ONE');
    const asked = world.bench.replicas.filter((replica) => replica.calls('scan').length > 0);
    expect(
      asked.map(({ id }) => id).filter((id) => statuses(quick.receipt.replicas)[id] === 'OK'),
    ).toHaveLength(1);
    for (const replica of asked) replica.all('frozen');
    const startMs = world.bench.clock.monotonicMs();
    const slow = await world.page({ first: 5 }, 'ONE');
    expect(slow.edges).toHaveLength(5);
    expect(world.bench.clock.monotonicMs() - startMs).toBeLessThan(500);
  });

  test('is refused at once when too few are alive, and in time when too many are silent', async () => {
    const world = await RangeWorld.of(3);
    await world.seed(names(10).map((key) => ({ key, fate: 'live', held: everywhere })));
    const [a, b] = world.bench.replicas as [FaultyReplica, FaultyReplica];
    a.all('frozen');
    b.all('frozen');
    const startMs = world.bench.clock.monotonicMs();
    const late = await refusal(world.page({ first: 5 }));
    expect(late).toMatchObject({
      code: 'READ_TIMEOUT',
      outcome: 'NONE',
      details: { required: 2, received: 1 },
    });
    expect(world.bench.clock.monotonicMs() - startMs).toBeLessThanOrEqual(requestMs);
    expect(Object.values(statuses(late.details['perReplica'])).sort()).toEqual([
      'OK',
      'TIMEOUT',
      'TIMEOUT',
    ]);
    a.all('down');
    b.all('down');
    await world.bench.clock.advance(100);
    const refused = await refusal(world.page({ first: 5 }));
    expect(refused).toMatchObject({
      code: 'QUORUM_UNAVAILABLE',
      outcome: 'NONE',
      details: { required: 2, alive: 1 },
    });
    expect((await world.page({ first: 5 }, 'ONE')).edges).toHaveLength(5);
  });
});

describe('a cursor', () => {
  test('stays right while keys come and go', async () => {
    const world = await RangeWorld.of(3);
    const { store } = world.bench;
    const put = (key: string) =>
      world.bench.run(store.put(me, { keyspace: 'r', key, value: '1' }, {}));
    const remove = (key: string) => world.bench.run(store.delete(me, { keyspace: 'r', key }, {}));
    for (const key of ['b', 'd', 'f', 'h', 'j']) await put(key);
    const one = await world.page({ first: 2 });
    expect(one.edges.map(({ entry }) => entry.key)).toEqual(['b', 'd']);
    // The key of the cursor goes, one comes before it, two after it, and one of those ahead goes.
    await remove('d');
    await put('a');
    await put('d\u0001');
    await put('e');
    await remove('h');
    const two = await world.page({ first: 10, after: one.edges[1]!.cursor });
    expect(two.edges.map(({ entry }) => entry.key)).toEqual(['d\u0001', 'e', 'f', 'j']);
    const back = await world.page({ last: 10, before: one.edges[1]!.cursor });
    expect(back.edges.map(({ entry }) => entry.key)).toEqual(['a', 'b']);
  });

  test('keeps to the stretch that it is used with, and to its keyspace', async () => {
    const world = await RangeWorld.of(3);
    await world.seed(names(10).map((key) => ({ key, fate: 'live', held: everywhere })));
    const { edges } = await world.page({ first: 5 });
    const beyond = await world.page({ from: 'k000', to: 'k003', after: edges[4]!.cursor });
    expect(beyond).toMatchObject({ edges: [], hasNextPage: false });
    const before = await world.page({ from: 'k007', first: 2, after: edges[1]!.cursor });
    expect(before.edges.map(({ entry }) => entry.key)).toEqual(['k007', 'k008']);
    await world.bench.keyspace('other');
    const foreign = world.bench.store.range(me, { keyspace: 'other', after: edges[0]!.cursor }, {});
    expect((await refusal(world.bench.run(foreign))).code).toBe('BAD_USER_INPUT');
    const damaged = `${edges[0]!.cursor.slice(0, -1)}!`;
    expect((await refusal(world.page({ after: damaged }))).details).toMatchObject({
      field: 'after',
    });
  });

  test('of a stable key is neither skipped nor doubled while others churn between two pages', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.boolean(),
        fc.infiniteStream(fc.nat(9)),
        async (size, reverse, picks) => {
          const world = await RangeWorld.of(3);
          const stable = names(10, 's');
          await world.seed(stable.map((key) => ({ key, fate: 'live', held: everywhere })));
          const seen: string[] = [];
          let cursor: string | undefined;
          for (let pages = 0; pages < 40; pages += 1) {
            const args = reverse ? { last: size, before: cursor } : { first: size, after: cursor };
            const page = await world.page(args);
            const keys = page.edges.map(({ entry }) => entry.key);
            seen.push(...(reverse ? keys.toReversed() : keys));
            cursor = (reverse ? page.edges[0] : page.edges.at(-1))?.cursor;
            if (!(reverse ? page.hasPreviousPage : page.hasNextPage)) break;
            const churned = `s00${Number(picks.next().value)}-x`;
            const act =
              pages % 2
                ? world.bench.store.delete(me, { keyspace: 'r', key: churned }, {})
                : world.bench.store.put(me, { keyspace: 'r', key: churned, value: '1' }, {});
            await world.bench.run(act);
          }
          const found = seen.filter((key) => stable.includes(key));
          expect(found).toEqual(reverse ? stable.toReversed() : stable);
          expect(new Set(seen).size).toBe(seen.length);
        },
      ),
      { numRuns: 15 },
    );
  });
});

describe('the bounds of a range', () => {
  test.each([
    [{ from: 'b', to: 'a' }, 'from'],
    [{ prefix: 'a', from: 'a' }, 'prefix'],
    [{ first: 0 }, 'first'],
    [{ first: 1_001 }, 'first'],
    [{ first: 1, last: 1 }, 'last'],
    [{ last: -1 }, 'last'],
    [{ from: 'a\0' }, 'from'],
    [{ to: '\ud800' }, 'to'],
  ])('like %j are refused, naming %s', async (what, field) => {
    const world = await RangeWorld.of(3);
    const refused = await refusal(world.page(what));
    expect(refused).toMatchObject({ code: 'BAD_USER_INPUT', details: { field } });
  });

  test('are refused when they are longer than any key', async () => {
    const world = await RangeWorld.of(3);
    const refused = await refusal(world.page({ prefix: 'x'.repeat(1_025) }));
    expect(refused).toMatchObject({
      code: 'BAD_USER_INPUT',
      details: { field: 'prefix', limit: 1_024 },
    });
  });

  test('that hold nothing give an empty page', async () => {
    const world = await RangeWorld.of(3);
    await world.seed(names(3).map((key) => ({ key, fate: 'live', held: everywhere })));
    for (const what of [{ from: 'k001', to: 'k001' }, { prefix: 'nothing' }, { from: 'z' }]) {
      expect(await world.page(what)).toMatchObject({
        edges: [],
        hasNextPage: false,
        hasPreviousPage: false,
      });
    }
  });

  test('take a prefix for bytes, never for a pattern', async () => {
    const world = await RangeWorld.of(3);
    const keys = ['a%b', 'a_b', 'axb', 'a\\b', '%', '%%', '_', '\u{10ffff}', '\u{10ffff}a'];
    await world.seed(keys.map((key) => ({ key, fate: 'live', held: everywhere })));
    const found = async (prefix: string) =>
      (await world.page({ prefix })).edges.map(({ entry }) => entry.key);
    expect(await found('a%')).toEqual(['a%b']);
    expect(await found('a_')).toEqual(['a_b']);
    expect(await found('a\\')).toEqual(['a\\b']);
    expect(await found('%')).toEqual(['%', '%%']);
    expect(await found('\u{10ffff}')).toEqual(['\u{10ffff}', '\u{10ffff}a']);
    expect(await found('')).toEqual(keys.toSorted(byBytes));
  });
});
