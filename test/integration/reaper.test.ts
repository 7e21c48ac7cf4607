import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { AssembledStore } from '../../src/assemble-store.ts';
import { digestOf } from '../../src/causality/cell-codec.ts';
import type { Cell } from '../../src/causality/cell.ts';
import type { Keyspace, KeyspaceSettings } from '../../src/consistency/keyspace.ts';
import { joinInto } from '../../src/repair/join-into.ts';
import type { Replica } from '../../src/replica/replica.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { startTestCluster, type TestCluster } from '../support/cluster.ts';
import { eventually, openStore } from '../support/store.ts';

/**
 * Tombstones and TTL on real Postgres. The grace is nothing at all here: what keeps a deletion are the
 * other conditions, and each test says what happens without the one that it is about.
 */
const ids = ['replica-1', 'replica-2', 'replica-3'];
const caller = { tenant: 't' };

let cluster: TestCluster;
let gateway: AssembledStore;
let keyspace: Keyspace;
let made = 0;

const open = (graceMs = 0): AssembledStore =>
  openStore(cluster.replicas, {
    repair: { antiEntropyEveryMs: 0, tombstoneGraceMs: graceMs },
    hints: { enabled: false },
  });

beforeAll(async () => {
  cluster = await startTestCluster({ replicas: 3 });
  gateway = open();
}, 120_000);
afterAll(async () => {
  await gateway.close();
  await cluster.stop();
});
beforeEach(() => make());
afterEach(async () => {
  for (const id of ids) await cluster.query(id, 'delete from hints');
});

async function make(settings: Partial<KeyspaceSettings> = {}): Promise<void> {
  keyspace = await eventually(() => gateway.store.createKeyspace(caller, `k${++made}`, settings));
}
const replicas = (): readonly Replica[] => gateway.cluster.replicas;
const view = () => gateway.cluster.repairView(keyspace);
const repair = () => gateway.repair.antiEntropy.run({ tenant: 't', keyspace: keyspace.name });
const reap = (by = gateway) => by.repair.reaper.reap(view());
const soon = () => ({ deadlineMs: systemClock.monotonicMs() + 10_000 });
const ref = (key: string) => ({ tenant: 't', keyspace: keyspace.storageName, key });
const put = (key: string, more = {}) =>
  gateway.store.put(
    caller,
    { keyspace: keyspace.name, key, value: '1', ...more },
    { level: 'QUORUM' },
  );
const remove = (key: string, level: 'QUORUM' | 'ALL' | 'LINEARIZABLE' = 'ALL') =>
  gateway.store.delete(caller, { keyspace: keyspace.name, key }, { level });

async function cellAt(replica: Replica, key: string): Promise<Cell> {
  return (await replica.read(ref(key), soon())).cell;
}

async function rows(id: string): Promise<number> {
  const sql = 'select count(*)::int as rows from cells where keyspace = $1';
  const [row] = await cluster.query<{ rows: number }>(id, sql, [keyspace.storageName]);
  return row!.rows;
}

/** The keys that a reader of all replicas is shown. */
async function shown(): Promise<readonly string[]> {
  const keys: string[] = [];
  const what = { keyspace: keyspace.name, first: 1_000 };
  for (let after: string | undefined; ;) {
    const page = await gateway.store.range(caller, { ...what, after }, { level: 'ALL' });
    keys.push(...page.edges.map(({ entry }) => entry.key));
    if (!page.hasNextPage) return keys;
    after = page.edges.at(-1)?.cursor;
  }
}

/** So many at a time as a busy machine can bear. */
async function inTurns(keys: readonly string[], act: (key: string) => Promise<unknown>) {
  for (let at = 0; at < keys.length; at += 50)
    await Promise.all(keys.slice(at, at + 50).map((key) => eventually(() => act(key), 30_000)));
}

/** Waits until no write is under way any more that a level did not wait for. */
async function settled(): Promise<void> {
  await eventually(async () => expect((await repair()).different).toBe(0), 30_000);
}

describe('a deletion', () => {
  test('is forgotten when all replicas hold it alike, and its row with it', async () => {
    await put('kept');
    await put('key');
    await remove('key');
    await settled();
    expect(await reap()).toEqual({ collected: 1, kept: 0 });
    expect(await Promise.all(ids.map(rows))).toEqual([1, 1, 1]);
    expect(await shown()).toEqual(['kept']);
    expect(await reap()).toEqual({ collected: 0, kept: 0 });
    await put('key');
    expect(await shown()).toEqual(['kept', 'key'].toSorted());
  });

  test('is kept while it is younger than the grace', async () => {
    await put('key');
    await remove('key');
    await settled();
    const patient = open(60_000);
    expect(await reap(patient)).toEqual({ collected: 0, kept: 0 });
    await patient.close();
    expect(await reap()).toEqual({ collected: 1, kept: 0 });
  });

  test('is kept while a hint of the key is open (trap 8: a late hint)', async () => {
    await put('key');
    await settled();
    const before = await cellAt(replicas()[0]!, 'key');
    await remove('key');
    await settled();
    const hint = { target: 'replica-3', ref: ref('key'), cell: before, stamp: '', epoch: 1 };
    await replicas()[0]!.putHint({ ...hint, lifeMs: 3_600_000 }, soon());
    expect(await reap()).toEqual({ collected: 0, kept: 1 });
    await cluster.query('replica-1', 'delete from hints');
    expect(await reap()).toEqual({ collected: 1, kept: 0 });
    // The guard is the look for hints: joined now, the hint would bring the value back.
    const convergence = view().convergence;
    await joinInto(replicas()[2]!, { ref: ref('key'), cell: before, convergence }, soon());
    expect(await shown()).toEqual(['key']);
  });

  test('that an older one is compared with loses nothing (trap 7: an older tombstone)', async () => {
    await put('key');
    await remove('key');
    const [first, second, third] = replicas();
    const tombstone = await cellAt(first!, 'key');
    await settled();
    await reap();
    await put('key');
    await settled();
    const { convergence } = view();
    await joinInto(third!, { ref: ref('key'), cell: tombstone, convergence }, soon());
    await repair();
    const cells = await Promise.all([first!, second!, third!].map((one) => cellAt(one, 'key')));
    expect(new Set(cells.map(digestOf)).size).toBe(1);
    expect(await shown()).toEqual(['key']);
  });

  test('by consensus leaves its promise: no ballot from before is taken again', async () => {
    await eventually(() =>
      gateway.store.put(
        caller,
        { keyspace: keyspace.name, key: 'key', value: '1' },
        { level: 'LINEARIZABLE' },
      ),
    );
    await settled();
    const before = await cellAt(replicas()[0]!, 'key');
    await remove('key', 'LINEARIZABLE');
    await settled();
    expect(await reap()).toEqual({ collected: 1, kept: 0 });
    const stored = await replicas()[0]!.read(ref('key'), soon());
    expect(stored).toMatchObject({ digest: 0n });
    expect(stored.promised).toBeGreaterThan(0);
    const { convergence } = view();
    const join = { ref: ref('key'), cell: before, convergence };
    expect(await joinInto(replicas()[0]!, join, soon())).toMatchObject({ status: 'refused' });
    expect(await shown()).toEqual([]);
  });

  test('is kept while a retry may ask what became of it', async () => {
    await put('key');
    const what = { keyspace: keyspace.name, key: 'key', idempotencyKey: 'once' };
    await gateway.store.delete(caller, what, { level: 'ALL' });
    await settled();
    expect(await reap()).toEqual({ collected: 0, kept: 1 });
    const again = await gateway.store.delete(caller, what, { level: 'ALL' });
    expect(again.entry.live).toEqual([]);
  });

  test('that only some have forgotten comes back as a deletion, and is forgotten again', async () => {
    await put('key');
    await remove('key');
    await settled();
    const [first] = replicas();
    const { digest } = await first!.read(ref('key'), soon());
    await first!.collect(ref('key'), digest, soon());
    expect(await reap()).toMatchObject({ collected: 0 });
    expect(await repair()).toMatchObject({ different: 1, repaired: 1 });
    expect(await shown()).toEqual([]);
    expect(await reap()).toEqual({ collected: 1, kept: 0 });
  });

  test('1,000 of them while a replica is away, collection, the replica back: no key returns', async () => {
    const keys = Array.from({ length: 1_000 }, (_, nth) => `key-${nth}`);
    await inTurns(keys, (key) => put(key));
    await settled();
    await cluster.kill('replica-3');
    await inTurns(keys, (key) => remove(key, 'QUORUM'));
    await eventually(async () => {
      expect(gateway.cluster.replicas.find(({ id }) => id === 'replica-3')?.state).toBe('DOWN');
    });
    const collected = await reap().catch(() => ({ collected: 0 }));
    expect(collected.collected).toBe(0);
    await cluster.restart('replica-3');
    await eventually(async () => expect((await repair()).failed).toBe(0), 60_000);
    await settled();
    expect(await shown()).toEqual([]);
    await cluster.query('replica-1', 'delete from hints');
    await cluster.query('replica-2', 'delete from hints');
    await eventually(async () => {
      await reap();
      expect(await Promise.all(ids.map(rows))).toEqual([0, 0, 0]);
    }, 60_000);
    expect((await repair()).compared).toBe(0);
  }, 240_000);

  test('CONTROL: forgotten by those that are up, it is undone by the one that comes back', async () => {
    await put('key');
    await settled();
    await cluster.kill('replica-3');
    await eventually(() => remove('key', 'QUORUM'), 30_000);
    // The guard that is left out: that all N hold the deletion.
    for (const replica of replicas().slice(0, 2)) {
      const { digest } = await replica.read(ref('key'), soon());
      await replica.collect(ref('key'), digest, soon());
    }
    for (const id of ids.slice(0, 2)) await cluster.query(id, 'delete from hints');
    await cluster.restart('replica-3');
    await eventually(async () => expect((await repair()).failed).toBe(0), 60_000);
    expect(await shown()).toEqual(['key']);
  }, 120_000);
});

describe('an expiry (trap 9: on one replica only)', () => {
  test('is the same instant on all replicas, in the version itself, and changes no digest', async () => {
    await put('key', { ttlSeconds: 2 });
    await settled();
    const [row] = await Promise.all(ids.map((id) => expiryAt(id, 'key')));
    expect(await Promise.all(ids.map((id) => expiryAt(id, 'key')))).toEqual([row, row, row]);
    const live = await cellAt(replicas()[0]!, 'key');
    expect(await shown()).toEqual(['key']);
    await eventually(async () => expect(await shown()).toEqual([]), 20_000);
    // The guard is that a digest holds the time that was set: nothing is different afterwards.
    expect(await repair()).toMatchObject({ compared: 1, different: 0, cellsRead: 0 });
    for (const replica of replicas()) expect(await cellAt(replica, 'key')).toEqual(live);
    expect(await reap()).toEqual({ collected: 1, kept: 0 });
    expect(await Promise.all(ids.map(rows))).toEqual([0, 0, 0]);
  });

  test('that one replica has not heard of reaches it by repair, as a deletion', async () => {
    await put('key');
    await settled();
    const [first, second, third] = replicas();
    const before = await third!.read(ref('key'), soon());
    await put('key', { context: await contextOf('key'), ttlSeconds: 1 });
    await settled();
    // As if it had been away.
    const { digest } = await third!.read(ref('key'), soon());
    await third!.collect(ref('key'), digest, soon());
    await third!.swap(ref('key'), { expected: 0n, next: before.cell }, soon());
    await eventually(async () => {
      const nowMs = systemClock.nowMs();
      const { siblings } = await cellAt(first!, 'key');
      expect(siblings.every(({ expiresAtMs }) => (expiresAtMs ?? Infinity) < nowMs)).toBe(true);
    }, 20_000);
    expect(await repair()).toMatchObject({ different: 1, repaired: 1 });
    expect(await cellAt(third!, 'key')).toEqual(await cellAt(second!, 'key'));
    expect(await shown()).toEqual([]);
  });
});

async function contextOf(key: string): Promise<string> {
  const { entry } = await gateway.store.get(caller, { keyspace: keyspace.name, key }, {});
  return gateway.store.contextOf(entry);
}

async function expiryAt(id: string, key: string): Promise<unknown> {
  const sql = `select siblings::json -> 0 ->> 'expiresAtMs' as at, gone_at, digest from cells where keyspace = $1 and key = $2`;
  const [row] = await cluster.query(id, sql, [keyspace.storageName, key]);
  return row;
}
