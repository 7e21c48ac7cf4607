import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import type { AssembledStore } from '../../src/assemble-store.ts';
import { StoreError } from '../../src/errors.ts';
import { startTestCluster, type TestCluster } from '../support/cluster.ts';
import { openStore, pause } from '../support/store.ts';

const me = { tenant: 'locks' };
const keyspace = 'held';

let cluster: TestCluster;
let gateway: AssembledStore;

beforeAll(async () => {
  cluster = await startTestCluster({ replicas: 3 });
  gateway = openStore(cluster.replicas);
  await gateway.store.createKeyspace(me, keyspace, {});
});

afterAll(async () => {
  await gateway.close();
  await cluster.stop();
});

/** Holds the row of a key on these replicas, as a slow transaction of somebody else would. */
async function hold(ids: readonly string[], key: string): Promise<() => Promise<void>> {
  const clients = await Promise.all(
    ids.map(async (id) => {
      const client = new pg.Client(cluster.url(id));
      await client.connect();
      await client.query('begin');
      await client.query('select from cells where tenant = $1 and key = $2 for update', [
        me.tenant,
        key,
      ]);
      return client;
    }),
  );
  return async () => {
    await Promise.all(clients.map((client) => client.query('rollback').then(() => client.end())));
  };
}

const put = (key: string, value: string, context?: string) =>
  gateway.store.put(me, { keyspace, key, value, context }, { timeoutMs: 1_500 });
const valuesOf = async (key: string) =>
  (await gateway.store.get(me, { keyspace, key }, { level: 'ALL' })).entry.live.map(
    ({ value }) => value,
  );

test('a write that was told to have left nothing leaves nothing, though its row was locked until later', async () => {
  await put('everywhere', '"before"');
  const release = await hold(['replica-1', 'replica-2', 'replica-3'], 'everywhere');
  const refused: unknown = await put('everywhere', '"ghost"').then(
    () => undefined,
    (error: unknown) => error,
  );
  await pause(1_000);
  await release();
  await pause(1_500);
  expect(refused).toBeInstanceOf(StoreError);
  const shown = await valuesOf('everywhere');
  if ((refused as StoreError).outcome === 'NONE') expect(shown).toEqual(['"before"']);
  else expect(shown).toContain('"before"');
});

test('a version that was replaced does not come back from a replica whose row was locked meanwhile', async () => {
  const first = await put('somewhere', '"v0"');
  const coordinating = first.receipt.replicas[0]!.replica;
  const release = await hold([coordinating], 'somewhere');
  const told = await put('somewhere', '"v1"', gateway.store.contextOf(first.entry)).catch(
    () => undefined,
  );
  await release();
  await pause(1_500);
  if (told) await put('somewhere', '"v2"', gateway.store.contextOf(told.entry));
  await pause(500);
  const shown = await valuesOf('somewhere');
  expect(told ? shown : shown.filter((value) => value !== '"v1"')).toEqual(
    told ? ['"v2"'] : expect.anything(),
  );
});
