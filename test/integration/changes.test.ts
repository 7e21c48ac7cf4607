import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type Cell, emptyCell, join, seenNothing } from '../../src/causality/cell.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { A, B, C, ChangesCluster, ids, Listener } from '../feed/changes-cluster.ts';
import { chain, written } from '../feed/support.ts';

let cluster: ChangesCluster;
let serial = 0;
const closers: (() => Promise<void>)[] = [];

/** A gateway that is closed after the test, and a tenant that only this test writes to. */
function gateway(...settings: Parameters<ChangesCluster['gateway']>) {
  const feed = cluster.gateway(...settings);
  closers.push(() => feed.close());
  return feed;
}
const newTenant = (): string => `tenant-${++serial}`;
const nowUs = (): number => Math.floor(systemClock.nowMs() * 1000);
const states = (values: readonly string[], actor = 'a'): readonly Cell[] =>
  chain(actor, values, nowUs());

beforeAll(async () => {
  cluster = await ChangesCluster.start();
});
afterAll(() => cluster.stop());
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

describe('the change feed over three Postgres', () => {
  test('tells one write that three replicas report once, after a bookmark, and nothing older', async () => {
    const tenant = newTenant();
    const [v1, v2] = states(['v1', 'v2']) as [Cell, Cell];
    await cluster.putAll({ tenant, key: 'x', cell: v1 });
    const listener = await Listener.open(gateway(), tenant);
    await cluster.putAll({ tenant, key: 'x', cell: v2 });
    await listener.untilTold('x=v2');
    await listener.quiet();
    expect(listener.told).toEqual(['bookmark', 'x=v2']);
  });

  test('does not tell an older write that a slower replica logs after the bookmark', async () => {
    const tenant = newTenant();
    const [v1] = states(['v1']) as [Cell];
    await cluster.put(A, { tenant, key: 'x', cell: v1 });
    const listener = await Listener.open(gateway(), tenant);
    await cluster.put(B, { tenant, key: 'x', cell: v1 });
    await listener.quiet();
    expect(listener.told).toEqual(['bookmark']);
  });

  test('follows one key, a prefix or a range, of its own tenant', async () => {
    const [tenant, other] = [newTenant(), newTenant()];
    const feed = gateway();
    const one = await Listener.open(feed, tenant, { key: 'b' });
    const prefix = await Listener.open(feed, tenant, { prefix: 'b' });
    const range = await Listener.open(feed, tenant, { from: 'b', to: 'c' });
    const [v] = states(['v']) as [Cell];
    for (const key of ['a', 'b', 'b1', 'c']) await cluster.put(A, { tenant, key, cell: v });
    await cluster.put(A, { tenant: other, key: 'b', cell: v });
    await range.untilTold('b1=v');
    await range.quiet(100);
    expect([one.changes, prefix.changes, range.changes]).toEqual([
      ['b=v'],
      ['b=v', 'b1=v'],
      ['b=v', 'b1=v'],
    ]);
  });

  test('loses nothing when a transaction with an earlier number commits after a later one (trap 13)', async () => {
    const tenant = newTenant();
    const listener = await Listener.open(gateway(), tenant);
    const [v] = states(['v']) as [Cell];
    const early = await cluster.pools[A]!.connect();
    await early.query('begin');
    await cluster.put(A, { tenant, key: 'early', cell: v }, { client: early });
    await cluster.put(A, { tenant, key: 'late', cell: v });
    await listener.untilTold('late=v');
    expect(listener.changes).toEqual(['late=v']);
    const cursor = listener.cursor;
    await early.query('commit');
    early.release();
    await listener.untilTold('early=v');
    expect(listener.changes).toEqual(['late=v', 'early=v']);

    // A cursor from before that commit brings exactly what was open then.
    const resumed = await Listener.open(gateway(), tenant, { after: cursor });
    await resumed.untilTold('early=v');
    await resumed.quiet();
    expect(resumed.changes).toEqual(['early=v']);
  });

  test('keeps the order of a key when the later of two writes has the earlier transaction, and a third is still open', async () => {
    const tenant = newTenant();
    const listener = await Listener.open(gateway(), tenant, { key: 'x' });
    const [v1, v2] = states(['v1', 'v2']) as [Cell, Cell];
    const [older, between] = [await cluster.pools[A]!.connect(), await cluster.pools[A]!.connect()];
    await older.query('begin');
    await older.query('select pg_current_xact_id()'); // the number of v2's transaction is drawn first,
    await between.query('begin');
    await between.query('select pg_current_xact_id()'); // then that of one that stays open,
    await cluster.put(A, { tenant, key: 'x', cell: v1 }, { quiet: true }); // then v1's, which commits first.
    await cluster.put(A, { tenant, key: 'x', cell: v2 }, { client: older });
    await older.query('commit');
    await listener.untilTold('x=v2');
    expect(listener.changes).toEqual(['x=v1', 'x=v2']);
    await between.query('rollback');
    older.release();
    between.release();
  });

  test('tells a state before the one that replaced it, though only another replica holds it', async () => {
    const tenant = newTenant();
    const listener = await Listener.open(gateway({ pollMs: 60_000 }), tenant, { key: 'x' });
    const values = Array.from({ length: 20 }, (_, n) => `v${n}`);
    const all = states(values);
    for (const [n, cell] of all.entries()) {
      // Odd states reach only A, quietly; B logs the even ones, and its NOTIFY is the only one.
      if (n % 2 === 1) await cluster.put(A, { tenant, key: 'x', cell }, { quiet: true });
      else await cluster.put(B, { tenant, key: 'x', cell });
    }
    await cluster.put(A, { tenant, key: 'x', cell: all[19]! });
    await listener.untilTold('x=v19');
    expect(listener.changes).toEqual(values.map((value) => `x=${value}`));
  });

  test('joins concurrent versions of two replicas, and ends in the final state', async () => {
    const tenant = newTenant();
    const listener = await Listener.open(gateway(), tenant, { key: 'x' });
    const [v] = states(['v']) as [Cell];
    const w = written(emptyCell, { actor: 'b', at: nowUs(), value: 'w', seen: seenNothing });
    await cluster.put(A, { tenant, key: 'x', cell: v });
    await cluster.put(B, { tenant, key: 'x', cell: w });
    await cluster.putAll({ tenant, key: 'x', cell: join(v, w) });
    await listener.until(() => listener.changes.includes('x=v+w'), 'both versions');
    await listener.quiet();
    expect(listener.changes.at(-1)).toBe('x=v+w');
    expect(listener.changes).toHaveLength(2);
  });

  test('resumes at another gateway without loss, in order', async () => {
    const tenant = newTenant();
    const first = await Listener.open(gateway(), tenant);
    const values = Array.from({ length: 300 }, (_, n) => `v${n}`);
    const all = states(values);
    const write = async (from: number, to: number): Promise<void> => {
      for (const cell of all.slice(from, to))
        await Promise.all(ids.map((id) => cluster.put(id, { tenant, key: 'x', cell })));
    };
    await write(0, 100);
    await first.untilTold('x=v99');
    const cursor = first.events.find(
      (event) => event.__typename === 'EntryChanged' && event.entry.live[0]?.value === '"v57"',
    )!.cursor;
    await first.stop();
    await write(100, 200);
    const resuming = Listener.open(gateway(), tenant, { after: cursor });
    await write(200, 300);
    const second = await resuming;
    await second.untilTold('x=v299');
    expect(second.changes).toEqual(values.slice(58).map((value) => `x=${value}`));
  });

  test('at QUORUM and ALL waits for the confirmations, and says how many there were', async () => {
    const tenant = newTenant();
    const feed = gateway();
    const quorum = await Listener.open(feed, tenant, { consistency: 'QUORUM' });
    const all = await Listener.open(feed, tenant, { consistency: 'ALL' });
    const [v] = states(['v']) as [Cell];
    await cluster.put(A, { tenant, key: 'x', cell: v });
    await quorum.quiet(200);
    expect(quorum.changes).toEqual([]);
    await cluster.put(B, { tenant, key: 'x', cell: v });
    await quorum.untilTold('x=v');
    expect(quorum.events.at(-1)).toMatchObject({ confirmedBy: 2 });
    expect(all.changes).toEqual([]);
    await cluster.put(C, { tenant, key: 'x', cell: v });
    await all.untilTold('x=v');
    expect(all.events.at(-1)).toMatchObject({ confirmedBy: 3 });
  });

  test('a QUORUM feed that resumes counts what was reported before its cursor', async () => {
    const tenant = newTenant();
    const first = await Listener.open(gateway({ bookmarkMs: 50 }), tenant, {
      consistency: 'QUORUM',
    });
    const [v] = states(['v']) as [Cell];
    await cluster.put(A, { tenant, key: 'x', cell: v });
    await first.quiet(300);
    const { cursor } = first;
    await first.stop();
    const second = await Listener.open(gateway(), tenant, { consistency: 'QUORUM', after: cursor });
    await cluster.put(B, { tenant, key: 'x', cell: v });
    await second.untilTold('x=v');
    expect(second.events.at(-1)).toMatchObject({ confirmedBy: 2 });
  });

  test('a snapshot comes after the bookmark and before what is live', async () => {
    const tenant = newTenant();
    const [v1, v2] = states(['v1', 'v2']) as [Cell, Cell];
    for (let n = 100; n < 350; n++)
      await cluster.put(B, { tenant, key: `k${n}`, cell: v1 }, { quiet: true });
    const feed = gateway();
    const all = await Listener.open(feed, tenant, { snapshot: true });
    const absent = await Listener.open(feed, tenant, { key: 'nobody', snapshot: true });
    await all.until(() => all.changes.length === 250, 'all present entries');
    await cluster.put(B, { tenant, key: 'k100', cell: v2 });
    await all.untilTold('k100=v2');
    expect(all.changes.slice(0, 250)).toEqual(
      Array.from({ length: 250 }, (_, n) => `k${n + 100}=v1`),
    );
    await absent.untilTold('nobody=');
  });

  test('a burst of 5,000 changes arrives whole, each once, in order per key', async () => {
    const tenant = newTenant();
    const listener = await Listener.open(gateway({ queueEvents: 20_000 }), tenant);
    const keys = Array.from({ length: 50 }, (_, n) => `key${n}`);
    const values = Array.from({ length: 100 }, (_, n) => `v${n}`);
    const byKey = keys.map((_, n) => chain(`a${n}`, values, nowUs()));
    await Promise.all(
      keys.map(async (key, n) => {
        for (let at = 0; at < values.length; at += 10) {
          const row = { tenant, key, cells: byKey[n]!.slice(at, at + 10) };
          await Promise.all(ids.map((id) => cluster.putAtOnce(id, row)));
        }
      }),
    );
    await listener.until(() => listener.changes.length >= 5000, '5,000 changes');
    await listener.quiet();
    expect(listener.changes).toHaveLength(5000);
    for (const key of keys)
      expect(listener.changes.filter((text) => text.startsWith(`${key}=`))).toEqual(
        values.map((value) => `${key}=${value}`),
      );
  }, 60_000);

  test('a slow subscriber is told of the gap, and can resume without loss', async () => {
    const tenant = newTenant();
    const feed = gateway({ queueEvents: 20 });
    const prompt = await Listener.open(feed, tenant, { key: 'last' });
    const iterator = await feed.subscribe({ tenant }, { keyspace: 'k' });
    await iterator.next(); // the bookmark; and then it is slow
    const values = Array.from({ length: 100 }, (_, n) => `v${n}`);
    for (const cell of states(values)) await cluster.put(A, { tenant, key: 'x', cell });
    // The tail comes to this one after all of those, and what is left is to sort them into the queues.
    await cluster.put(A, { tenant, key: 'last', cell: states(['v'])[0]! });
    await prompt.untilTold('last=v');
    await prompt.quiet(1_000);
    const { value: gap } = (await iterator.next()) as IteratorYieldResult<{
      __typename: string;
      cursor: string;
      reason: string;
    }>;
    expect(gap).toMatchObject({ __typename: 'FeedGap', reason: expect.stringContaining('slow') });
    await iterator.return!();
    const resumed = await Listener.open(gateway(), tenant, { after: gap.cursor });
    await resumed.untilTold('last=v');
    expect(resumed.changes).toEqual([...values.map((value) => `x=${value}`), 'last=v']);
  });

  test('a dropped subscription to a silent key leaves nothing behind', async () => {
    const feed = gateway({ lingerMs: 50 });
    const sessions = async (): Promise<number> => {
      const { rows } = await cluster.query(
        A,
        `select count(*)::int as n from pg_stat_activity where application_name like 'quorate feed%'`,
      );
      return (rows as { n: number }[])[0]!.n;
    };
    const listener = await Listener.open(feed, newTenant(), { key: 'silent' });
    expect(feed.hub.subscriptionCount).toBe(1);
    await listener.stop();
    expect(feed.hub.subscriptionCount).toBe(0);
    for (let n = 0; n < 50 && (await sessions()) > 0; n++) await systemClock.sleep(50);
    expect(await sessions()).toBe(0);
  });

  test('bookmarks move a quiet cursor on', async () => {
    const tenant = newTenant();
    const listener = await Listener.open(gateway({ bookmarkMs: 100 }), tenant, { key: 'silent' });
    await listener.until(() => listener.told.length >= 3, 'two more bookmarks');
    expect(new Set(listener.told)).toEqual(new Set(['bookmark']));
  });

  test.each([
    [{ key: 'a', prefix: 'a' }, 'BAD_USER_INPUT'],
    [{ after: 'forged' }, 'BAD_USER_INPUT'],
    [{ consistency: 'SESSION' as const }, 'LEVEL_NOT_ALLOWED'],
    [{ keyspace: 'nowhere' }, 'KEYSPACE_NOT_FOUND'],
  ])('refuses %j', async (what, code) => {
    await expect(
      gateway().subscribe({ tenant: 't' }, { keyspace: 'k', ...what }),
    ).rejects.toMatchObject({ code });
  });

  test('refuses a cursor of another tenant, another key or another kind, and a level below the minimum', async () => {
    const [tenant, other] = [newTenant(), newTenant()];
    const feed = gateway();
    const { cursor } = await Listener.open(feed, tenant, { key: 'x' });
    expect(cursor.length).toBeLessThan(400);
    await expect(
      feed.subscribe({ tenant: other }, { keyspace: 'k', key: 'x', after: cursor }),
    ).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
    await expect(
      feed.subscribe({ tenant }, { keyspace: 'k', key: 'y', after: cursor }),
    ).rejects.toMatchObject({ details: { field: 'after' } });
    const strict = gateway({}, { minimumReadLevel: 'QUORUM' });
    await expect(
      strict.subscribe({ tenant }, { keyspace: 'k', consistency: 'ONE' }),
    ).rejects.toMatchObject({ code: 'LEVEL_NOT_ALLOWED' });
  });
});

test('two thousand subscriptions that open at once all become live', async () => {
  const tenant = newTenant();
  const feed = gateway();
  const keys = Array.from({ length: 2000 }, (_, n) => `key${n}`);
  const listeners = await Promise.all(keys.map((key) => Listener.open(feed, tenant, { key })));
  const [v] = states(['v']) as [Cell];
  for (const key of [keys[0]!, keys[999]!, keys[1999]!]) {
    await cluster.put(A, { tenant, key, cell: v });
    await listeners[Number(key.slice(3))]!.untilTold(`${key}=v`);
  }
  await feed.close();
  expect(feed.hub.subscriptionCount).toBe(0);
}, 180_000);
