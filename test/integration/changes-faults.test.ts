import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Cell } from '../../src/causality/cell.ts';
import { trimOnce } from '../../src/feed/trim.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { systemRandom } from '../../src/runtime/random.ts';
import { A, B, C, ChangesCluster, Listener } from '../feed/changes-cluster.ts';
import { chain } from '../feed/support.ts';
import { eventually } from '../support/store.ts';

let cluster: ChangesCluster;
let serial = 0;
const closers: (() => Promise<void>)[] = [];

function gateway(...settings: Parameters<ChangesCluster['gateway']>) {
  const feed = cluster.gateway(...settings);
  closers.push(() => feed.close());
  return feed;
}
const newTenant = (): string => `tenant-${++serial}`;
const states = (values: readonly string[]): readonly Cell[] =>
  chain('a', values, Math.floor(systemClock.nowMs() * 1000));
const trim = (hours: number): Promise<number> =>
  trimOnce({
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    sources: () => cluster.sources(),
    changeLogHours: hours,
    stepRows: 10,
  });
const age = (hours: number, tenant: string): Promise<unknown[]> =>
  Promise.all(
    [A, B, C].map((id) =>
      cluster.query(id, `update changes set at = at - $1 * interval '1 hour' where tenant = $2`, [
        hours,
        tenant,
      ]),
    ),
  );

beforeAll(async () => {
  cluster = await ChangesCluster.start();
});
afterAll(() => cluster.stop());
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

describe('the change feed while things break', () => {
  test('a cursor from before the trimmed part meets a gap, and then what is new; a later cursor meets none', async () => {
    const tenant = newTenant();
    const first = await Listener.open(gateway(), tenant);
    const [v1, v2, v3] = states(['v1', 'v2', 'v3']) as [Cell, Cell, Cell];
    const { cursor: before } = first;
    for (let n = 0; n < 25; n++) await cluster.putAll({ tenant, key: `k${n}`, cell: v1 });
    await first.untilTold('k24=v1');
    await systemClock.sleep(200);
    const later = await Listener.open(gateway(), tenant);
    await age(25, tenant);
    await cluster.putAll({ tenant, key: 'young', cell: v2 });
    let gone = 0;
    await eventually(async () => expect((gone += await trim(24))).toBe(75), 30_000);
    expect(await trim(24)).toBe(0);
    const resumed = await Listener.open(gateway(), tenant, { after: before });
    await resumed.until(() => resumed.told.includes('gap'), 'the gap');
    await cluster.putAll({ tenant, key: 'x', cell: v3 });
    await resumed.untilTold('x=v3');
    expect(resumed.changes.filter((text) => text.startsWith('k'))).toEqual([]);
    expect(resumed.events.find((event) => event.__typename === 'FeedGap')).toMatchObject({
      reason: expect.stringContaining('reach back'),
    });

    const unharmed = await Listener.open(gateway(), tenant, { after: later.events[0]!.cursor });
    await unharmed.untilTold('young=v2');
    await unharmed.untilTold('x=v3');
    expect(unharmed.told).not.toContain('gap');
  });

  test('trimming leaves alone what a running transaction may still precede', async () => {
    const tenant = newTenant();
    const open = await cluster.pools[A]!.connect();
    await open.query('begin');
    await open.query('select pg_current_xact_id()');
    await cluster.put(A, { tenant, key: 'x', cell: states(['v'])[0]! });
    await age(30, tenant);
    const left = async (): Promise<number> =>
      (await cluster.query(A, 'select 1 from changes where tenant = $1', [tenant])).rowCount ?? 0;
    await trim(24);
    expect(await left()).toBe(1);
    await open.query('commit');
    open.release();
    // The one before may not have let go of its lock yet: a server takes its time over a goodbye.
    await eventually(async () => {
      await trim(24);
      expect(await left()).toBe(0);
    }, 30_000);
  });

  test('a wiped replica is a gap, for live subscribers and for cursors', async () => {
    const tenant = newTenant();
    const live = await Listener.open(gateway(), tenant);
    const { cursor } = live;
    await cluster.query(C, 'update replica set incarnation = gen_random_uuid()');
    await live.until(() => live.told.includes('gap'), 'the gap');
    const resumed = await Listener.open(gateway(), tenant, { after: cursor });
    await resumed.until(() => resumed.told.includes('gap'), 'the gap');
    await cluster.putAll({ tenant, key: 'x', cell: states(['v'])[0]! });
    await live.untilTold('x=v');
    await resumed.untilTold('x=v');
    const again = await Listener.open(gateway(), tenant, { after: live.cursor });
    await again.quiet();
    expect(again.told).not.toContain('gap');
  });

  test('a frozen replica holds up neither running nor new subscriptions, and its changes come when it thaws', async () => {
    const tenant = newTenant();
    const feed = gateway();
    const running = await Listener.open(feed, tenant);
    const [v, w] = states(['v', 'w']) as [Cell, Cell];
    await cluster.put(C, { tenant, key: 'on C alone', cell: v }, { quiet: true });
    await running.untilTold('on C alone=v');
    await cluster.local.freeze(C);
    try {
      await cluster.put(A, { tenant, key: 'x', cell: v });
      await running.untilTold('x=v'); // it is thawed later
      const fresh = await Listener.open(gateway(), tenant);
      await cluster.put(B, { tenant, key: 'y', cell: v });
      await fresh.untilTold('y=v');
      await running.untilTold('y=v');
      await cluster.local.thaw(C);
      await cluster.put(C, { tenant, key: 'z', cell: w });
      await Promise.all([running.untilTold('z=w'), fresh.untilTold('z=w')]);
      expect(running.told).not.toContain('gap');
    } finally {
      await cluster.local.thaw(C);
    }
  });

  test('a killed replica is followed again from where it was, and a cursor made without it brings what it logged meanwhile', async () => {
    const tenant = newTenant();
    const feed = gateway();
    const running = await Listener.open(feed, tenant);
    const [v, w, x] = states(['v', 'w', 'x']) as [Cell, Cell, Cell];
    // Transactions that leave nothing durable behind: after the crash their ids are given out again, to real writes.
    for (let n = 0; n < 30; n++) await cluster.query(C, 'select pg_current_xact_id()');
    await systemClock.sleep(700); // a poll later the feed has seen them all
    await cluster.local.kill(C);
    await cluster.put(A, { tenant, key: 'a', cell: v });
    await running.untilTold('a=v');
    const without = await Listener.open(gateway(), tenant);
    const { cursor } = without;
    await without.stop();
    await cluster.local.restart(C);
    await cluster.put(C, { tenant, key: 'c', cell: w });
    await running.untilTold('c=w');
    const resumed = await Listener.open(gateway(), tenant, { after: cursor });
    await resumed.untilTold('c=w');
    await cluster.put(C, { tenant, key: 'd', cell: x });
    await Promise.all([running.untilTold('d=x'), resumed.untilTold('d=x')]);
    expect([...running.told, ...resumed.told]).not.toContain('gap');
  });

  test('without any replica a subscription is refused in bounded time', async () => {
    await Promise.all([A, B, C].map((id) => cluster.local.kill(id)));
    try {
      const startMs = systemClock.monotonicMs();
      await expect(gateway().subscribe({ tenant: 't' }, { keyspace: 'k' })).rejects.toMatchObject({
        code: 'QUORUM_UNAVAILABLE',
      });
      // 1.5 s (`readyMs`), however busy the machine is.
      expect(systemClock.monotonicMs() - startMs).toBeLessThan(20_000);
    } finally {
      await Promise.all([A, B, C].map((id) => cluster.local.restart(id)));
    }
  });
});
