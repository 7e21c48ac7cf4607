import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { emptyCell, seenNothing, write } from '../../src/causality/cell.ts';
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
