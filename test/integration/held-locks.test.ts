import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import type { AssembledStore } from '../../src/assemble-store.ts';
import { emptyCell, seenNothing, write } from '../../src/causality/cell.ts';
import { newestCell } from '../../src/causality/convergence.ts';
import { StoreError } from '../../src/errors.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { startTestCluster, type TestCluster } from '../support/cluster.ts';
import { allWell, eventually, openReplica, openStore, pause } from '../support/store.ts';

const me = { tenant: 'locks' };
const keyspace = 'held';

let cluster: TestCluster;
let gateway: AssembledStore;

beforeAll(async () => {
  cluster = await startTestCluster({ replicas: 3 });
  gateway = openStore(cluster.replicas);
  await allWell(gateway);
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
      client.on('error', () => undefined); // a test that failed has not released it
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

/** The values that a replica has stored, asked in SQL: no gateway repairs anything meanwhile. */
async function storedAt(id: string, key: string): Promise<unknown[]> {
  const sql = 'select siblings from cells where tenant = $1 and key = $2';
  const rows = await cluster.query<{ siblings: string }>(id, sql, [me.tenant, key]);
  const versions = rows.flatMap(({ siblings }) => JSON.parse(siblings) as { value: unknown }[]);
  return versions.map(({ value }) => value);
}

/** A row can be held where it is. */
const isEverywhere = (key: string): Promise<void> =>
  eventually(async () => {
    for (const { id } of cluster.replicas) expect(await storedAt(id, key)).toEqual(['before']);
  });

const put = (key: string, value: string, context?: string) =>
  gateway.store.put(me, { keyspace, key, value, context }, { timeoutMs: 1_500 });
const valuesOf = async (key: string) =>
  (await gateway.store.get(me, { keyspace, key }, { level: 'ALL' })).entry.live.map(
    ({ value }) => value,
  );

// The guard is in `judged` (replica/postgres/statements): a statement reads the time when it has its rows, not when it begins. The two
// swaps go in one statement, whose connection stays open because the first still has time. Without `all_locked` the ghost appears.
test('a swap that had to wait for its row until after its deadline changes nothing, though its statement goes on', async () => {
  await put('everywhere', '"before"');
  await isEverywhere('everywhere');
  const replica = openReplica(cluster.replicas[0]!);
  const { storageName } = (await gateway.store.keyspace(me, keyspace))!;
  const refOf = (key: string) => ({ ...me, keyspace: storageName, key });
  const now = systemClock.monotonicMs();
  const held = await replica.read(refOf('everywhere'), { deadlineMs: now + 5_000 });
  // Its connection for writes is open, so that the two below are sent at once.
  const nothing = { expected: 1n, next: emptyCell };
  await replica.swap(refOf('nowhere'), nothing, { deadlineMs: now + 5_000 });
  const release = await hold(['replica-1'], 'everywhere');
  const swap = (key: string, expected: bigint, withinMs: number) => {
    const dot = { actor: 'somebody', counter: 1 };
    const version = { dot, writeId: 'ghost', writtenAtUs: 1, value: '"ghost"' };
    const next = write(held.cell, seenNothing, version);
    const deadlineMs = systemClock.monotonicMs() + withinMs;
    return replica.swap(refOf(key), { expected, next }, { deadlineMs });
  };
  const inTime = swap('elsewhere', 0n, 20_000);
  await expect(swap('everywhere', held.digest, 400)).rejects.toMatchObject({ fault: 'TIMEOUT' });
  await pause(200);
  await release();
  expect(await inTime).toEqual({ status: 'swapped' });
  expect(await storedAt('replica-1', 'everywhere')).toEqual(['before']);
  await replica.close();
});

// The same where the last write wins, and for rows that are not there yet. Without `all_locked` the ghosts appear; and a deadline counts for
// its own call only: with one for the whole batch the last of these is refused.
test('a version that is kept if it is the newest is not, when it had to wait for its row until after its deadline', async () => {
  for (const key of ['newest', 'overwritten']) {
    await put(key, '"before"');
    await eventually(async () => expect(await storedAt('replica-1', key)).toEqual(['before']));
  }
  const replica = openReplica(cluster.replicas[0]!);
  const { storageName } = (await gateway.store.keyspace(me, keyspace))!;
  const keep = (key: string, withinMs: number) => {
    const dot = { actor: 'somebody', counter: 1 };
    const cell = newestCell({ dot, writeId: 'ghost', writtenAtUs: 1, value: '"ghost"' });
    const deadlineMs = systemClock.monotonicMs() + withinMs;
    const ref = { ...me, keyspace: storageName, key };
    return replica.keepNewest(ref, { cell, stamp: '9' }, { deadlineMs });
  };
  // Its connection for writes is open, so that the two below are sent at once.
  await keep('warm', 5_000);
  const release = await hold(['replica-1'], 'newest');
  const inTime = ['and-before-it', 'overwritten'].map((key) => keep(key, 20_000));
  const late = ['newest', 'not-there-yet'].map((key) => keep(key, 400));
  for (const one of await Promise.allSettled(late)) expect(one.status).toBe('rejected');
  await pause(200);
  await release();
  expect(await Promise.all(inTime)).toEqual([{ stored: true }, { stored: true }]);
  expect(await storedAt('replica-1', 'newest')).toEqual(['before']);
  expect(await storedAt('replica-1', 'not-there-yet')).toEqual([]);
  expect(await storedAt('replica-1', 'overwritten')).toEqual(['ghost']);
  await replica.close();
});

// Mostly because its connection is given up, and Postgres ends what nobody waits for; the test above shows what is left to the statement.
test('a write whose row was locked until after its time leaves nothing, whatever its client was told', async () => {
  // The first write to a cluster that has just been founded waits for it.
  await eventually(() => put('warm', '0'));
  await put('anywhere', '"before"');
  await isEverywhere('anywhere');
  const release = await hold(['replica-1', 'replica-2', 'replica-3'], 'anywhere');
  const refused: unknown = await put('anywhere', '"ghost"').catch((error: unknown) => error);
  await release();
  expect(refused).toBeInstanceOf(StoreError);
  await pause(500);
  for (const { id } of cluster.replicas) expect(await storedAt(id, 'anywhere')).toEqual(['before']);
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

/** Resolves when so many statements of the first replica wait for locks. */
function waitingForLocks(count: number): Promise<void> {
  const sql = `select from pg_stat_activity where wait_event_type = 'Lock'`;
  return eventually(async () => {
    expect(await cluster.query('replica-1', sql)).toHaveLength(count);
  });
}

// One call leaves beside one that is under way, and not beside two. The guard is in `mayLeave` (replica/postgres/under-way), which looks
// how long they have been out: without it the third waits until Postgres has ended one of them, 5 s later, and `ended` is not empty.
test('two batches that wait for locks hold up no other while there is a connection left', async () => {
  await Promise.all(['left', 'right'].map((key) => put(key, '"before"')));
  const held = await Promise.all(['left', 'right'].map((key) => hold(['replica-1'], key)));
  const replica = openReplica(cluster.replicas[0]!, { writeConnections: 3 });
  const { storageName } = (await gateway.store.keyspace(me, keyspace))!;
  const ended: string[] = [];
  const swap = async (key: string) => {
    const dot = { actor: 'somebody', counter: 1 };
    const version = { dot, writeId: 'other', writtenAtUs: 1, value: '"other"' };
    const next = write(emptyCell, seenNothing, version);
    const ref = { ...me, keyspace: storageName, key };
    const deadlineMs = systemClock.monotonicMs() + 20_000;
    const result = await replica.swap(ref, { expected: 0n, next }, { deadlineMs });
    ended.push(key);
    return result.status;
  };
  const left = swap('left');
  await waitingForLocks(1);
  const right = swap('right');
  await waitingForLocks(2);
  expect(await swap('free')).toBe('swapped');
  expect(ended).toEqual(['free']);
  await Promise.all(held.map((release) => release()));
  expect(await Promise.all([left, right])).toEqual(['mismatch', 'mismatch']);
  await replica.close();
});

// Batches of one gateway that write the same rows. A batch of prepares inserts new rows in the order of their keys; one of swaps locks those
// that are there and inserts the others then: each can have what the other waits for. The guard is `locksRow` of both kinds
// (replica/postgres/calls); without it swaps come back unapplied, or Postgres ends one of the two after a second.
test('an accept that overtakes the prepares of its keys waits in the gateway, and not in the server', async () => {
  const replica = openReplica(cluster.replicas[0]!);
  const options = { deadlineMs: systemClock.monotonicMs() + 20_000 };
  const refsOf = (name: string) =>
    Array.from({ length: 60 }, (_, nth) => ({ ...me, keyspace: 'rows', key: `${name}-${nth}` }));
  const statuses = new Set<string>();
  for (let round = 1; round <= 5; round += 1) {
    const [fresh, there] = [refsOf(`a${round}`), refsOf(`b${round}`)];
    await Promise.all(there.map((ref) => replica.prepare(ref, 4_096, options)));
    const both = [...fresh, ...there];
    const prepares = both.map((ref) => replica.prepare(ref, 8_192, options));
    await new Promise(setImmediate);
    const version = { writeId: 'w', writtenAtUs: 1, value: '1' };
    const next = write(emptyCell, seenNothing, { dot: { actor: 'a', counter: 1 }, ...version });
    const swaps = both.map((ref) => replica.swap(ref, { expected: 0n, next }, options));
    expect((await Promise.all(prepares)).every(({ promised }) => promised)).toBe(true);
    for (const { status } of await Promise.all(swaps)) statuses.add(status);
  }
  expect([...statuses]).toEqual(['swapped']);
  const sql = 'select deadlocks from pg_stat_database where datname = current_database()';
  expect(await cluster.query('replica-1', sql)).toEqual([{ deadlocks: '0' }]);
  await replica.close();
});
