import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { emptyCell, seenNothing, write } from '../../src/causality/cell.ts';
import { postgresChangeSource } from '../../src/replica/postgres/change-source.ts';
import { feedName } from '../../src/replica/postgres/wake-ups.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { startTestCluster, type TestCluster } from '../support/cluster.ts';
import { eventually, openReplica } from '../support/store.ts';

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startTestCluster({ replicas: 1 });
}, 60_000);
afterAll(() => cluster.stop());

test('trap 14: a NOTIFY says nothing and comes once a batch, whatever was written', async () => {
  // Guards: `wakeListeners` has no payload, and the batcher sends it after its batch, not in the
  // statement. With the change as payload these values would be refused: 8,000 bytes are its limit.
  const [first] = cluster.replicas;
  const listener = new pg.Client({ connectionString: first!.url });
  await listener.connect();
  const heard: (string | undefined)[] = [];
  listener.on('notification', ({ payload }) => heard.push(payload));
  await listener.query('listen quorate_changes');
  const replica = openReplica(first!);
  const options = { deadlineMs: systemClock.monotonicMs() + 20_000 };
  try {
    await replica.ping(options);
    const count = 200;
    const value = `"${'x'.repeat(20_000)}"`;
    const swaps = Array.from({ length: count }, (_, nth) => {
      const ref = { tenant: 't', keyspace: 'k', key: `key-${nth}` };
      const version = { dot: { actor: 'a', counter: 1 }, writeId: 'w', writtenAtUs: 1, value };
      const next = write(emptyCell, seenNothing, version);
      return replica.swap(ref, { expected: 0n, next }, options);
    });
    for (const result of await Promise.all(swaps)) expect(result.status).toBe('swapped');
    await eventually(async () => expect(heard.length).toBeGreaterThan(0));
    const sql = 'select count(distinct xid)::int as batches, count(*)::int as changes from changes';
    const [found] = await cluster.query<{ batches: number; changes: number }>(first!.id, sql);
    expect(found!.changes).toBe(count);
    expect(found!.batches).toBeLessThan(count / 2);
    expect(heard.length).toBeLessThanOrEqual(found!.batches);
    expect(new Set(heard)).toEqual(new Set(['']));
  } finally {
    await replica.close();
    await listener.end();
  }
});

test('a session that is not to be woken is not, and those who write do not count it, until it is again', async () => {
  const [first] = cluster.replicas;
  const times = { clock: systemClock, connectMs: 10_000, answerMs: 10_000 };
  const source = postgresChangeSource({ ...first!, ...times });
  let woken = 0;
  const onWake = (): void => void (woken += 1);
  const session = await source.open({ onWake, onLost: () => undefined });
  const history = await source.open({ onLost: () => undefined }); // what catches up is never woken
  /** As `wakeListeners` counts them; and what was notified before is there when the session has answered. */
  const listeners = async (): Promise<number> => {
    await cluster.query(first!.id, `select pg_notify('quorate_changes', '')`);
    await session.head();
    const sql = 'select count(*)::int as n from pg_stat_activity where application_name = $1';
    const [row] = await cluster.query<{ n: number }>(first!.id, sql, [feedName]);
    return row!.n;
  };
  try {
    expect(await listeners()).toBe(1);
    await eventually(async () => expect(woken).toBe(1));
    await session.listen(false);
    expect(await listeners()).toBe(0); // 1, and woken twice, without `unlisten` and the other name
    await session.listen(true);
    expect(await listeners()).toBe(1);
    await eventually(async () => expect(woken).toBe(2));
  } finally {
    session.close();
    history.close();
  }
});
