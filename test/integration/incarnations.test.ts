import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { startGateway } from '../../src/assemble.ts';
import type { AssembledStore } from '../../src/assemble-store.ts';
import { checkConfig } from '../../src/config.ts';
import type { Asked } from '../../src/consistency/store.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { statuses } from '../coordinator/bench.ts';
import { startTestCluster, type TestCluster } from '../support/cluster.ts';
import { allWell, eventually, openStore, pause } from '../support/store.ts';

const me = { tenant: 'acme' };
const keyspace = 'carts';
const victim = 'replica-2';
/** Longer than any request of these tests. */
const identity = { settleMs: 2_500 };
let cluster: TestCluster;
let gateway: AssembledStore;

beforeAll(async () => {
  cluster = await startTestCluster();
  gateway = openStore(cluster.replicas, { identity });
  await allWell(gateway);
  await gateway.store.createKeyspace(me, keyspace, {});
});
afterAll(async () => {
  await gateway.close();
  await cluster.stop();
});

const put = (key: string, value: string, asked: Asked = {}, context?: string) =>
  gateway.store.put(me, { keyspace, key, value, context }, asked);
const get = (key: string, asked: Asked = {}) => gateway.store.get(me, { keyspace, key }, asked);
const values = async (key: string, asked: Asked = {}) =>
  (await get(key, asked)).entry.live.map(({ value }) => value);

function shown(id = victim) {
  return gateway.store.cluster().replicas.find((replica) => replica.id === id)!;
}

async function row(id = victim) {
  const sql =
    'select incarnation::text, state, repair_cause, promise_floor::text, fence::int from replica';
  const [found] = await cluster.query<{
    incarnation: string;
    state: string;
    repair_cause: string;
    promise_floor: string;
    fence: number;
  }>(id, sql);
  return found!;
}

/** Reads until the gateway has met the replica again, and shows it as it should be. */
async function seenAs(state: string): Promise<void> {
  await eventually(async () => {
    await get('any', { level: 'ALL' }).catch(() => undefined);
    expect(shown().state).toBe(state);
  }, 40_000);
}

/** The others have been told of the victim's last write: a restore that takes less than a beat is not what this is about. */
async function witnessed(): Promise<void> {
  const greatest = 'select max(xid)::text as xid from changes';
  const [last] = await cluster.query<{ xid: string }>(victim, greatest);
  const others = cluster.replicas.filter(({ id }) => id !== victim);
  await eventually(async () => {
    for (const { id } of others) {
      const told = `select xid >= $1::xid8 as told from witnesses where replica = $2`;
      expect(await cluster.query(id, told, [last!.xid, victim])).toEqual([{ told: true }]);
    }
  }, 30_000);
}

/** As if another gateway were bringing it up to date: it stays REPAIRING until it is let go of. */
async function holdAdmission(): Promise<() => Promise<void>> {
  const lease = `update replica set repair_owner = 'a test', repair_until = clock_timestamp() + interval '5 minutes'`;
  const release = `update replica set repair_owner = '', repair_until = '-infinity'`;
  await cluster.query(victim, lease);
  return async () => {
    await cluster.query(victim, release);
  };
}

/** What every replica holds of the keyspace, by key. */
async function holdings(): Promise<string[]> {
  const sql = `select key, digest::text from cells where keyspace = $1 and digest <> 0 order by key`;
  const all = await Promise.all(
    cluster.replicas.map(({ id }) => cluster.query(id, sql, [keyspace])),
  );
  return all.map((rows) => JSON.stringify(rows));
}

const writers: (() => void)[] = [];
afterEach(() => writers.forEach((stop) => stop()));

/** Writes at QUORUM until it is told to stop; answers with what was acknowledged. */
function writing(prefix: string): () => Promise<string[]> {
  const acknowledged: string[] = [];
  let isOver: boolean = false;
  writers.push(() => (isOver = true));
  const writer = (async () => {
    const isStopped = (): boolean => isOver;
    for (let nth = 0; !isStopped(); nth += 1) {
      const key = `${prefix}-${nth}`;
      const done = await put(key, `${nth}`).catch(() => undefined);
      if (done) acknowledged.push(key);
      await pause(20);
    }
  })();
  return async () => {
    isOver = true;
    await writer;
    return acknowledged;
  };
}

test('the databases of a first start are one cluster, under their names, and all of them vote', async () => {
  const sql = "select cluster, name, state, server <> '' as placed from replica";
  const rows = await Promise.all(cluster.replicas.map(({ id }) => cluster.query(id, sql)));
  const [first] = rows[0] as { cluster: string }[];
  expect(rows.flat()).toEqual(
    cluster.replicas.map(({ id }) => ({
      cluster: first!.cluster,
      name: id,
      state: 'admitted',
      placed: true,
    })),
  );
});

describe('a replica whose data directory was wiped', () => {
  // Guard: `GuardedReplica.votes`. Without it, reads at ONE and QUORUM meet an empty replica.
  test('takes writes and has no vote until it has been brought up to date, and nothing is lost', async () => {
    const before = await row();
    const keys = Array.from({ length: 20 }, (_, nth) => `wiped-${nth}`);
    await Promise.all(keys.map((key) => put(key, '"old"')));
    const stop = writing('wiped-meanwhile');
    await cluster.disks.wipe(victim);
    await seenAs('REPAIRING');
    const letGo = await holdAdmission();
    expect((await row()).repair_cause).toBe('empty');
    const written = await eventually(() => put('wiped-now', '1', { level: 'ALL' }));
    expect(statuses(written.receipt.replicas)).toMatchObject({ [victim]: 'OK' });
    for (const key of keys) {
      expect(await values(key, { level: 'ONE' })).toEqual(['"old"']);
      const read = await get(key);
      expect(statuses(read.receipt.replicas)[victim]).not.toBe('OK');
      expect(read.entry.live.map(({ value }) => value)).toEqual(['"old"']);
    }
    await letGo();
    await seenAs('UP');
    const acknowledged = await stop();
    expect(acknowledged.length).toBeGreaterThan(10);
    const after = await row();
    expect(after).toMatchObject({ state: 'admitted' });
    expect(after.incarnation).not.toBe(before.incarnation);
    expect(shown().incarnation).toBe(after.incarnation);
    expect(BigInt(after.promise_floor)).toBeGreaterThan(0n);
    await gateway.deps.repair.idle();
    for (const key of acknowledged) expect(await values(key)).toHaveLength(1);
    const [a, b, c] = await holdings();
    expect([b, c]).toEqual([a, a]);
  });

  test('takes part in consensus again', async () => {
    await cluster.kill('replica-3');
    const asked = { level: 'LINEARIZABLE' } as const;
    const done = await gateway.store.compareAndSet(
      me,
      { keyspace, key: 'elected', expect: { absent: true }, value: '"me"' },
      {},
    );
    expect(done.applied).toBe(true);
    expect(await values('elected', asked)).toEqual(['"me"']);
    await cluster.restart('replica-3');
    await allWell(gateway);
  });
});

describe('a replica of which an older copy was put back', () => {
  // Guards: `whyBehind` (without it the copy votes under its old name, and reads at QUORUM with one of
  // the others miss what only the third has), and the distrust of its old versions.
  test('gets a new incarnation, and no deleted key comes back', async () => {
    await put('kept', '"first"');
    const doomed = await put('doomed', '"alive"', { level: 'ALL' });
    const copy = await cluster.disks.copyDisk(victim);
    await allWell(gateway);
    const before = await row();
    await put('kept', '"second"', {}, gateway.store.contextOf((await get('kept')).entry));
    const context = gateway.store.contextOf(doomed.entry);
    await gateway.store.delete(me, { keyspace, key: 'doomed', context }, { level: 'ALL' });
    const late = Array.from({ length: 20 }, (_, nth) => `late-${nth}`);
    await Promise.all(late.map((key) => put(key, '1')));
    await witnessed();
    const stop = writing('restored-meanwhile');
    await cluster.disks.putDiskBack(victim, copy);
    await seenAs('REPAIRING');
    const letGo = await holdAdmission();
    const repairing = await row();
    expect(repairing).toMatchObject({ repair_cause: 'copy' });
    expect(repairing.incarnation).not.toBe(before.incarnation);
    expect(await values('kept', { level: 'ONE' })).toEqual(['"second"']);
    expect(await values('doomed', { level: 'ONE' })).toEqual([]);
    await letGo();
    await seenAs('UP');
    const acknowledged = await stop();
    expect((await row()).incarnation).toBe(repairing.incarnation);
    expect(await values('kept', { level: 'ALL' })).toEqual(['"second"']);
    expect(await values('doomed', { level: 'ALL' })).toEqual([]);
    for (const key of [...late, ...acknowledged]) expect(await values(key)).toHaveLength(1);
  });

  test('is noticed by a gateway that has never met it before, from what the others have seen', async () => {
    const copy = await cluster.disks.copyDisk(victim);
    await allWell(gateway);
    await put('unseen', '1', { level: 'ALL' });
    await witnessed();
    const { incarnation } = await row();
    await gateway.close();
    await cluster.disks.putDiskBack(victim, copy);
    gateway = openStore(cluster.replicas, { identity });
    await seenAs('REPAIRING');
    expect((await row()).incarnation).not.toBe(incarnation);
    await seenAs('UP');
    expect(await values('unseen', { level: 'ALL' })).toEqual(['1']);
  });

  test('a standby that was promoted in its place is taken for another one, though it seems to lack nothing', async () => {
    // Guard: the timeline in `movedFrom`. Its fence and its transactions are those that were seen last, so
    // without the guard it would vote under the old name, whatever it had not been sent before.
    await allWell(gateway);
    await put('failed-over', '1', { level: 'ALL' });
    await gateway.close();
    const before = await row();
    const standby = await cluster.disks.copyDisk(victim);
    writeFileSync(join(standby, 'standby.signal'), '');
    const started = cluster.disks.putDiskBack(victim, standby);
    await eventually(() => cluster.query(victim, 'select pg_promote(true, 30)'), 40_000);
    await started;
    gateway = openStore(cluster.replicas, { identity });
    await seenAs('REPAIRING');
    const after = await row();
    expect(after).toMatchObject({ repair_cause: 'copy' });
    expect(after.incarnation).not.toBe(before.incarnation);
    expect(await cluster.query(victim, 'select timeline from replica')).toEqual([{ timeline: 2 }]);
    await seenAs('UP');
    expect(await values('failed-over', { level: 'ALL' })).toEqual(['1']);
  }, 90_000);

  test('a clean restart, and a kill, change nothing', async () => {
    const before = await row();
    await allWell(gateway);
    await put('restarted', '1', { level: 'ALL' });
    await cluster.restart(victim);
    await allWell(gateway);
    await put('restarted', '2', { level: 'ALL' });
    await cluster.kill(victim);
    await cluster.restart(victim);
    await seenAs('UP');
    expect((await row()).incarnation).toBe(before.incarnation);
  });
});

describe('a gateway refuses to start', () => {
  let foreign: TestCluster;

  beforeAll(async () => {
    foreign = await startTestCluster({ replicas: 1 });
    const other = openStore(foreign.replicas);
    await allWell(other);
    await other.store.createKeyspace(me, keyspace, {});
    await other.close();
  });
  afterAll(() => foreign.stop());

  async function refusalOf(urls: readonly (readonly [string, string])[]): Promise<string> {
    const config = checkConfig(
      {
        replicas: urls.map(([id, url]) => ({ id, url })),
        signingKeys: ['a signing key that nobody else has'],
        listen: { port: 0, host: '127.0.0.1' },
      },
      'test',
    );
    const options = { config, log: silentLog, mode: 'serve' } as const;
    const started = await startGateway(options).catch((error: unknown) => error);
    if (started instanceof Error) return started.message;
    await (started as Awaited<ReturnType<typeof startGateway>>).drain();
    return 'it started';
  }
  const url = (id: string): string => cluster.url(id);
  const own = () => cluster.replicas.map(({ id }) => [id, url(id)] as const);

  test('over two URLs of one database', async () => {
    const again = new URL(url('replica-1'));
    again.hostname = 'localhost';
    const [one, two] = own();
    expect(await refusalOf([one!, two!, ['replica-3', again.href]])).toBe(
      'Replicas "replica-1" and "replica-3" are the same database: every replica needs one of its own.',
    );
  });

  test('over the database of another cluster', async () => {
    const [one, two] = own();
    const theirs = [['replica-3', foreign.url('replica-1')]] as const;
    expect(await refusalOf([one!, two!, ...theirs])).toMatch(/belongs to another cluster/);
  });

  test('over URLs that were swapped', async () => {
    const swapped = [
      ['replica-1', url('replica-2')],
      ['replica-2', url('replica-1')],
      ['replica-3', url('replica-3')],
    ] as const;
    expect(await refusalOf(swapped)).toMatch(
      /^The URL of replica "replica-[12]" leads to the database of replica "replica-[21]"/,
    );
  });

  test('and over its own databases it starts', async () => {
    expect(await refusalOf(own())).toBe('it started');
  });
});
