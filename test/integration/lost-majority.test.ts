import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { AssembledStore } from '../../src/assemble-store.ts';
import { startTestCluster, type TestCluster } from '../support/cluster.ts';
import { Quorate } from '../support/quorate.ts';
import { allWell, eventually, openStore } from '../support/store.ts';

/** Two of three replicas lose their disks at once: neither can be vouched for. */
const me = { tenant: 'acme' };
const keyspace = 'carts';
const lost = ['replica-2', 'replica-3'];
const longMs = 60_000;
const keys = Array.from({ length: 10 }, (_, nth) => `key-${nth}`);
let cluster: TestCluster;
let gateway: AssembledStore;
let quorate: Quorate;
let file: string;

beforeAll(async () => {
  cluster = await startTestCluster();
  quorate = new Quorate();
  const replicas = cluster.replicas.map(({ id, url }) => ({ id, url }));
  const signingKeys = ['the key that all gateways of this test share'];
  file = quorate.configure('quorate.json', { replicas, signingKeys, partitions: 64 });
  gateway = openStore(cluster.replicas, { identity: { settleMs: 2_500 } });
  await allWell(gateway);
  await gateway.store.createKeyspace(me, keyspace, {});
  for (const key of keys)
    await gateway.store.put(me, { keyspace, key, value: '1' }, { level: 'ALL' });
  await Promise.all(lost.map((id) => cluster.disks.wipe(id)));
  await seenAs({ 'replica-1': 'UP', 'replica-2': 'REPAIRING', 'replica-3': 'REPAIRING' });
}, 120_000);
afterAll(async () => {
  await gateway.close();
  await quorate.close();
  await cluster.stop();
});

async function seenAs(wanted: Readonly<Record<string, string>>): Promise<void> {
  await eventually(async () => {
    const all = await Promise.allSettled(
      keys.map((key) => gateway.store.get(me, { keyspace, key }, { level: 'ALL' })),
    );
    expect(all).toHaveLength(keys.length);
    const { replicas } = gateway.store.cluster();
    expect(Object.fromEntries(replicas.map(({ id, state }) => [id, state]))).toEqual(wanted);
  }, longMs);
}

async function admit(...args: string[]): Promise<{ code: unknown; output: string }> {
  const program = quorate.run(['admit', '--config', file, ...args]);
  return { code: await program.ended, output: program.output() };
}

const voters = () =>
  Promise.all(
    cluster.replicas.map(async ({ id }) => {
      const [row] = await cluster.query<{ state: string }>(id, 'select state from replica');
      return row?.state;
    }),
  );

describe('two of three replicas that lose their data at once', () => {
  test('wait for each other: no gateway admits either, and no quorum answers', async () => {
    // Guard: `votes` of all others in `Admission`. Without it the first would be admitted behind nobody's back.
    await gateway.admission.pass();
    expect(await voters()).toEqual(['admitted', 'repairing', 'repairing']);
    const read = gateway.store.get(me, { keyspace, key: keys[0]! }, { timeoutMs: 500 });
    await expect(read).rejects.toMatchObject({ code: 'QUORUM_UNAVAILABLE' });
  });

  test('are not admitted by a command that does not accept the loss, nor where nothing is lost', async () => {
    const plain = await admit('--replica', 'replica-2');
    expect(plain.code).toBe(2);
    expect(plain.output).toMatch(/Not without --accept-loss: "replica-2" may lack writes/);
    const voting = await admit('--replica', 'replica-1', '--accept-loss');
    expect(voting.code).toBe(1);
    expect(voting.output).toMatch(/"replica-1" is not REPAIRING/);
    expect(await voters()).toEqual(['admitted', 'repairing', 'repairing']);
  });

  test('one is admitted by who accepts the loss, the other then by the gateways, and what the third held is everywhere', async () => {
    // As if every request that the lost ones had answered were long over.
    const older = `update replica set state_since = state_since - interval '1 minute'`;
    await cluster.query('replica-2', older);
    const done = await admit('--replica', 'replica-2', '--accept-loss');
    expect(done.output).toMatch(/replica-2 votes again.*lost.\nIt is in the audit log/s);
    expect(done.code).toBe(0);
    await seenAs({ 'replica-1': 'UP', 'replica-2': 'UP', 'replica-3': 'UP' });
    for (const key of keys) {
      const { entry } = await gateway.store.get(me, { keyspace, key }, { level: 'ALL' });
      expect(entry.live.map(({ value }) => value)).toEqual(['1']);
    }
    const sql = `select siblings from cells where tenant = '$system' and keyspace = 'audit'`;
    const [entry] = await cluster.query<{ siblings: string }>('replica-1', sql);
    expect(entry?.siblings).toMatch(/admit --accept-loss.*replica-2/);
    const [floor] = await cluster.query<{ floor: string }>(
      'replica-2',
      'select promise_floor::text as floor from replica',
    );
    expect(BigInt(floor!.floor)).toBeGreaterThan(0n);
  }, 120_000);
});

describe('all replicas that lose their data at once', () => {
  test('are admitted one by one by who accepts it: the first as it is, and what is written then stays', async () => {
    await Promise.all(cluster.replicas.map(({ id }) => cluster.disks.wipe(id)));
    await seenAs({ 'replica-1': 'REPAIRING', 'replica-2': 'REPAIRING', 'replica-3': 'REPAIRING' });
    const older = `update replica set state_since = state_since - interval '1 minute'`;
    for (const { id } of cluster.replicas) await cluster.query(id, older);
    for (const id of ['replica-1', 'replica-2']) {
      const done = await admit('--replica', id, '--accept-loss');
      expect(done.output).toMatch(new RegExp(`${id} votes again`));
      expect(done.code).toBe(0);
    }
    await seenAs({ 'replica-1': 'UP', 'replica-2': 'UP', 'replica-3': 'UP' });
    const afresh = openStore(cluster.replicas);
    expect(await afresh.store.keyspaces(me)).toEqual([]);
    await afresh.store.createKeyspace(me, keyspace, {});
    await afresh.store.put(me, { keyspace, key: keys[0]!, value: '2' }, { level: 'LINEARIZABLE' });
    for (const at of [gateway, afresh]) {
      const { entry } = await at.store.get(me, { keyspace, key: keys[0]! }, { level: 'ALL' });
      expect(entry.live.map(({ value }) => value)).toEqual(['2']);
    }
    await afresh.close();
  }, 120_000);
});
