import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { MemoryBoard } from '../../src/replica/memory-board.ts';
import { migrate } from '../../src/replica/postgres/migrate.ts';
import { postgresBoard } from '../../src/replica/postgres/postgres-board.ts';
import type { BoardNote, TenantBoard } from '../../src/replica/tenant-board.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { createMetrics } from '../../src/runtime/metrics.ts';
import { startTestCluster, type TestCluster } from '../support/cluster.ts';

const inTime = () => ({ deadlineMs: systemClock.monotonicMs() + 20_000 });
const believed = 60_000;
let cluster: TestCluster | undefined;

const memory = async (): Promise<TenantBoard> => new MemoryBoard(systemClock);
const postgres = async (): Promise<TenantBoard> => {
  cluster = await startTestCluster({ replicas: 1 });
  const [{ id, url } = { id: '', url: '' }] = cluster.replicas;
  await migrate(url, { replica: id, log: silentLog, timeoutMs: 20_000 });
  const metrics = createMetrics();
  return postgresBoard({ id, url, clock: systemClock, metrics, connectMs: 5_000 });
};

describe.each([
  ['in memory', memory],
  ['in Postgres', postgres],
])('a board %s', (kind, open) => {
  let board: TenantBoard;
  beforeAll(async () => void (board = await open()));
  afterAll(async () => {
    await board.close();
    if (kind === 'in Postgres') await cluster?.stop();
  });

  const tell = (gateway: string, told: Record<string, string>): Promise<readonly BoardNote[]> => {
    const tells = Object.entries(told).map(([tenant, text]) => ({ tenant, told: text }));
    return board.exchange({ gateway, tells, about: [], withinMs: believed }, inTime());
  };
  const hear = async (gateway: string, about: string[], withinMs = believed) => {
    const notes = await board.exchange({ gateway, tells: [], about, withinMs }, inTime());
    return notes
      .map(({ tenant, gateway: from, told }) => `${from} of ${tenant}: ${told}`)
      .toSorted();
  };

  test('tells what other gateways said last of the tenants that are asked about', async () => {
    await tell('one', { '': 'here', shop: 'old', bank: 'x' });
    await tell('one', { shop: 'new' });
    await tell('two', { shop: 'mine' });
    expect(await hear('two', ['shop', '', 'nobody'])).toEqual([
      'one of : here',
      'one of shop: new',
    ]);
    expect(await hear('one', ['shop'])).toEqual(['two of shop: mine']);
    expect(await hear('three', [])).toEqual([]);
  });

  test('answers in the same call that tells, and says how old a word is', async () => {
    await tell('one', { fresh: 'word' });
    const tells = [{ tenant: 'fresh', told: 'other' }];
    const about = ['fresh'];
    const [note, ...rest] = await board.exchange(
      { gateway: 'two', tells, about, withinMs: believed },
      inTime(),
    );
    expect([note, rest]).toMatchObject([{ gateway: 'one', told: 'word' }, []]);
    expect(note?.ageMs).toBeGreaterThanOrEqual(0);
    expect(note?.ageMs).toBeLessThan(20_000);
  });

  test('leaves out what is older than is asked for', async () => {
    await tell('one', { stale: 'word' });
    await systemClock.sleep(20);
    expect(await hear('two', ['stale'], 1)).toEqual([]);
    expect(await hear('two', ['stale'])).toHaveLength(1);
  });

  test('takes two gateways that tell of the same tenants at once', async () => {
    const tenants = Array.from({ length: 300 }, (_, nth) => [`tenant-${nth}`, 'told'] as const);
    const forth = Object.fromEntries(tenants);
    const back = Object.fromEntries(tenants.toReversed());
    await Promise.all([tell('one', forth), tell('two', back), tell('one', back)]);
    expect(await hear('three', ['tenant-7'])).toHaveLength(2);
  });
});

test('Postgres counts a tenant page by page: live keys only, and nobody else’s', async () => {
  cluster = await startTestCluster({ replicas: 1 });
  const [{ id, url } = { id: '', url: '' }] = cluster.replicas;
  await migrate(url, { replica: id, log: silentLog, timeoutMs: 20_000 });
  const board = postgresBoard({
    id,
    url,
    clock: systemClock,
    metrics: createMetrics(),
    connectMs: 5_000,
  });
  try {
    await cluster.query(
      id,
      `insert into cells (tenant, keyspace, key, siblings, context, digest, gone_at)
       select tenant, keyspace, 'key-' || lpad(n::text, 3, '0'), repeat('v', 10), '{}',
         case when n = 5 then 0 else n end, case n when 6 then 1 when 7 then 99999999999999 end
       from generate_series(1, 20) n, unnest(array['shop', 'bank']) tenant, unnest(array['a', 'b']) keyspace`,
    );
    for (const limit of [1, 3, 7, 20, 40, 41]) {
      const found = { a: { keys: 0, bytes: 0 }, b: { keys: 0, bytes: 0 } };
      let after;
      do {
        const page = await board.sizes({ tenant: 'shop', after, limit }, inTime());
        for (const { keyspace, keys, bytes } of page.sizes) {
          found[keyspace as 'a'].keys += keys;
          found[keyspace as 'a'].bytes += bytes;
        }
        after = page.last;
      } while (after);
      // 20 keys, of which one holds nothing and one was deleted; each has 7 + 10 bytes.
      const each = { keys: 18, bytes: 18 * 17 };
      expect([limit, found]).toEqual([limit, { a: each, b: each }]);
    }
  } finally {
    await board.close();
    await cluster.stop();
  }
});
