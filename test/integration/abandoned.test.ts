import { createServer, type AddressInfo, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { connect } from '../../src/replica/postgres/connection.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { startTestCluster, type TestCluster } from '../support/cluster.ts';
import { eventually, openReplica, pause } from '../support/store.ts';

let cluster: TestCluster;
const id = 'replica-1';

beforeAll(async () => {
  cluster = await startTestCluster({ replicas: 1 });
});
afterAll(() => cluster.stop());

/** Keeps every statement on `cells` waiting until it is told to let go. */
async function lockCells(): Promise<() => Promise<void>> {
  const client = new pg.Client(cluster.url(id));
  await client.connect();
  await client.query('begin');
  await client.query('lock table cells in access exclusive mode');
  return async () => {
    await client.query('rollback');
    await client.end();
  };
}

/** Statements that are being carried out on `cells`, but for our own. */
const underWay = () =>
  cluster.query<{ query: string }>(
    id,
    `select query from pg_stat_activity
     where state = 'active' and pid <> pg_backend_pid() and query like '%cells%'`,
  );

describe('a statement whose deadline has passed', () => {
  test('does not run on in Postgres: a read and a swap that wait for a lock are ended', async () => {
    const replica = openReplica(cluster.replicas[0]!);
    const soon = (ms: number) => ({ deadlineMs: systemClock.monotonicMs() + ms });
    const ref = { tenant: 't', keyspace: 'k', key: 'key' };
    await replica.read(ref, soon(5_000));
    const letGo = await lockCells();
    try {
      const abandoned = [
        replica.read(ref, soon(2_000)),
        replica.prepare({ ...ref, key: 'other' }, 1, soon(2_000)),
      ].map((call) => call.catch((error: unknown) => error));
      await eventually(async () => expect(await underWay()).toHaveLength(2));
      for (const fault of await Promise.all(abandoned))
        expect(fault).toMatchObject({ fault: 'TIMEOUT' });
      // Long before statement_timeout (30 s), and before lock_timeout (5 s) for the read.
      await eventually(async () => expect(await underWay()).toEqual([]), 2_500);
    } finally {
      await letGo();
      await replica.close();
    }
  });

  test('would run on without the setting of the connection: the control', async () => {
    const client = new pg.Client({ connectionString: cluster.url(id) });
    client.on('error', () => undefined);
    await client.connect();
    const letGo = await lockCells();
    try {
      const reading = client.query('select * from cells').catch(() => undefined);
      await eventually(async () => expect(await underWay()).toHaveLength(1));
      (client as unknown as { connection: { stream: Socket } }).connection.stream.destroy();
      await reading;
      await pause(1_000);
      expect(await underWay()).toHaveLength(1);
    } finally {
      await letGo();
    }
  });
});

describe('a connection is given up when it is not open in time', () => {
  const opening = (url: string) =>
    connect({ url, lane: 'read', connectMs: 300, clock: systemClock, onLost: () => undefined });

  test('to a server that takes it and says nothing', async () => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      sockets.push(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const startMs = systemClock.monotonicMs();
    await expect(opening(`postgres://nobody@127.0.0.1:${port}/nothing`)).rejects.toMatchObject({
      fault: 'DOWN',
      maybeApplied: false,
    });
    expect(systemClock.monotonicMs() - startMs).toBeLessThan(5_000);
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  test('to a frozen postmaster, whose kernel accepts for it; and is open again after it thaws', async () => {
    await cluster.freeze(id);
    try {
      await expect(opening(cluster.url(id))).rejects.toMatchObject({ fault: 'DOWN' });
    } finally {
      await cluster.thaw(id);
    }
    await eventually(async () => {
      const connection = await opening(cluster.url(id));
      expect(connection.identity.incarnation).toMatch(/-/);
      await connection.close();
    });
  });
});
