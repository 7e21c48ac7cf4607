import { Agent, request } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import type { ConfigInput } from '../../src/config.ts';
import { startTestCluster, type TestCluster } from '../support/cluster.ts';
import { send } from '../support/edge.ts';
import { Quorate, type ServedGateway } from '../support/quorate.ts';
import { connectSocket } from '../support/socket.ts';
import { eventually, openStore, pause } from '../support/store.ts';

let cluster: TestCluster;
let quorate: Quorate;
const all = ['replica-1', 'replica-2', 'replica-3'];
const undo: (() => unknown)[] = [];

beforeAll(async () => {
  cluster = await startTestCluster();
});
afterAll(() => cluster.stop());
beforeEach(() => {
  quorate = new Quorate();
});
afterEach(async () => {
  for (const task of undo.splice(0).reverse()) await task();
  await quorate.close();
});

function serve(changes: Partial<ConfigInput> = {}, over = cluster): Promise<ServedGateway> {
  const config: ConfigInput = {
    replicas: over.replicas.map(({ id, url }) => ({ id, url })),
    partitions: 64,
    signingKeys: ['the key that all gateways of this test share'],
    listen: { port: 0, host: '127.0.0.1' },
    auth: { anonymousTenant: 't' },
    keyspaces: [{ tenant: 't', name: 'demo' }],
    logLevel: 'warn',
    ...changes,
  };
  return quorate.serve(quorate.configure('quorate.yaml', config));
}

const shown = `select siblings, context, digest::text from cells where key = $1 and siblings <> '[]'`;
const put = (edge: ServedGateway, key: string, level: string) =>
  send(
    edge,
    `mutation { put(keyspace: "demo", key: "${key}", value: 1, consistency: ${level}) {
    receipt { answered } } }`,
  );
const get = (key: string) =>
  `{ get(keyspace: "demo", key: "${key}", timeoutMs: 20000) { receipt { answered } } }`;

/** Keeps every statement on `cells` waiting, at every replica, until it is told to let go. */
async function lockCells(): Promise<() => Promise<void>> {
  const clients = await Promise.all(
    all.map(async (id) => {
      const client = new pg.Client(cluster.url(id));
      await client.connect();
      await client.query('begin');
      await client.query('lock table cells in access exclusive mode');
      return client;
    }),
  );
  let held = true;
  const letGo = async (): Promise<void> => {
    if (!held) return;
    held = false;
    await Promise.all(clients.map((client) => client.query('rollback').then(() => client.end())));
  };
  undo.push(letGo);
  return letGo;
}

/** A request has been taken: it waits for the rows at so many replicas at least. */
async function areWaiting(count: number): Promise<void> {
  const sql = `select count(*)::int as n from pg_stat_activity
    where application_name = 'quorate' and wait_event_type = 'Lock'`;
  await eventually(async () => {
    const counts = await Promise.all(all.map((id) => cluster.query<{ n: number }>(id, sql)));
    expect(counts.reduce((sum, [row]) => sum + row!.n, 0)).toBeGreaterThanOrEqual(count);
  });
}

/** One request on a connection that the client would like to keep. */
function requestBy(agent: Agent, { origin }: ServedGateway, path = '/readyz'): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(new URL(path, origin), { agent }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
    sent.on('error', reject);
    sent.end();
  });
}

const sessions = async (): Promise<number> => {
  const sql = `select count(*)::int as n from pg_stat_activity where application_name = 'quorate'`;
  const counts = await Promise.all(all.map((id) => cluster.query<{ n: number }>(id, sql)));
  return counts.reduce((sum, [row]) => sum + row!.n, 0);
};

describe('a start', () => {
  test('the first one ever works with one replica down, which is migrated and used when it comes', async () => {
    const empty = await startTestCluster({ migrated: false });
    undo.push(() => empty.stop());
    await empty.kill('replica-3');
    const gateway = await serve({}, empty);
    expect((await fetch(`${gateway.origin}/readyz`)).status).toBe(200);
    expect((await put(gateway, 'first', 'QUORUM')).errors).toBeUndefined();
    await empty.restart('replica-3');
    await eventually(async () => {
      const answer = await put(gateway, 'first', 'ALL');
      expect(answer.data).toMatchObject({ put: { receipt: { answered: 3 } } });
    });
    await gateway.close();
  });

  test('a later one works with one replica down, and with one that is frozen', async () => {
    // All are there at the first one: who comes later has no vote before it has been compared.
    await (await serve()).close();
    for (const how of ['kill', 'freeze'] as const) {
      await cluster[how]('replica-2');
      undo.push(() => (how === 'kill' ? cluster.restart('replica-2') : cluster.thaw('replica-2')));
      const gateway = await serve();
      expect((await put(gateway, `later-${how}`, 'QUORUM')).errors).toBeUndefined();
      await gateway.close();
      expect(await gateway.program.ended).toBe(0);
      await undo.pop()!();
    }
  });
});

describe('SIGTERM', () => {
  test('drains in order: not ready, no new sockets, subscribers sent elsewhere, requests answered, nothing left', async () => {
    const gateway = await serve({ shutdown: { notReadyMs: 2_000, withinMs: 30_000 } });
    const { child, ended } = gateway.program;
    await put(gateway, 'k', 'ALL');
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    undo.push(() => agent.destroy());
    expect(await requestBy(agent, gateway)).toBe(200);
    const subscriber = await connectSocket(gateway);
    const query = 'subscription { changes(keyspace: "demo") { __typename } }';
    subscriber.send({ id: '1', type: 'subscribe', payload: { query } });
    const asker = await connectSocket(gateway);

    const letGo = await lockCells();
    let answered = 0;
    const reading = send(gateway, get('k')).finally(() => (answered += 1));
    await areWaiting(2);
    asker.send({ id: '2', type: 'subscribe', payload: { query: get('other') } });
    await pause(200); // taken too; it would be for two seconds more
    child.kill('SIGTERM');

    await eventually(async () => {
      expect((await fetch(`${gateway.origin}/readyz`)).status).toBe(503);
    }, 1_900);
    await eventually(async () => {
      await expect(fetch(`${gateway.origin}/readyz`)).rejects.toThrow();
    });
    expect(await subscriber.closed).toBe(1012);
    expect(answered).toBe(0); // still under way, and not cut
    await letGo();
    expect((await reading).data).toMatchObject({ get: { receipt: { answered: 2 } } });
    expect(await asker.next()).toMatchObject({ id: '2', type: 'next' });
    expect(await asker.closed).toBe(1012);
    expect(await ended).toBe(0);
    await eventually(async () => expect(await sessions()).toBe(0));
  });

  test('waits for forwards that are under way, and hands over what a replica that is down has missed', async () => {
    const gateway = await serve();
    const { child, ended } = gateway.program;
    await put(gateway, 'warm', 'ALL');
    await cluster.kill('replica-2');
    undo.push(() => cluster.restart('replica-2'));
    await cluster.freeze('replica-3');
    undo.push(() => cluster.thaw('replica-3'));
    expect((await put(gateway, 'late', 'ONE')).errors).toBeUndefined();
    child.kill('SIGTERM');
    await pause(300);
    await undo.pop()!();
    expect(await ended).toBe(0);

    // Nobody has read it, and no gateway is left: guard: `hints.idle` in assembleStore.
    const [minted, forwarded] = await Promise.all(
      ['replica-1', 'replica-3'].map((id) => cluster.query(id, shown, ['late'])),
    );
    expect(minted).toHaveLength(1);
    expect(forwarded).toEqual(minted);
    const status = quorate.run(['status', '--config', `${quorate.directory}/quorate.yaml`]);
    expect(await status.ended).toBe(1);
    expect(status.output()).toMatch(/replica-1 .* 0 +0 s .*\n/);
    expect(status.output()).toMatch(/replica-2 .* DOWN .* 64 +1 +\d+ m?s +- +-\n/);
  });

  test('is not held up by a connection that is kept alive, nor by a client that never reads on', async () => {
    const gateway = await serve({ shutdown: { withinMs: 1_500 } });
    const agent = new Agent({ keepAlive: true });
    undo.push(() => agent.destroy());
    expect(await requestBy(agent, gateway)).toBe(200);
    await lockCells();
    const stuck = send(gateway, get('k')).catch(() => 'cut');
    await areWaiting(2);
    gateway.program.child.kill('SIGTERM');
    // The request would take 20 s. It is cut after two thirds of the time, and the end comes in time.
    expect(await stuck).toBe('cut');
    expect(await gateway.program.ended).toBe(0);
  });

  test('sent a second time, more than a second later, ends the process at once', async () => {
    const gateway = await serve({ shutdown: { withinMs: 60_000 } });
    await lockCells();
    const stuck = send(gateway, get('k')).catch(() => 'cut');
    await areWaiting(2);
    gateway.program.child.kill('SIGTERM');
    await pause(200);
    gateway.program.child.kill('SIGTERM'); // npm and service managers repeat theirs: not a second wish
    await pause(1_200);
    expect(gateway.program.child.exitCode).toBeNull();
    // Again until it is over: to a gateway that has not come to the first yet, this one is a repetition.
    const insisting = setInterval(() => gateway.program.child.kill('SIGTERM'), 500);
    undo.push(() => clearInterval(insisting));
    gateway.program.child.kill('SIGTERM');
    expect(await gateway.program.ended).toBe(128 + 15);
    expect(await stuck).toBe('cut');
  });
});

describe('a gateway that is killed between the swap and the forwards', () => {
  const keys = Array.from({ length: 8 }, (_, nth) => `cut-${nth}`);
  const rows = async (key: string) => {
    const found = await Promise.all(all.map((id) => cluster.query(id, shown, [key])));
    return found.map((row) => JSON.stringify(row));
  };

  test('leaves acknowledged writes at one replica, and reads bring them to all', async () => {
    const gateway = await serve();
    await put(gateway, 'warm', 'ALL');
    await Promise.all(['replica-2', 'replica-3'].map((id) => cluster.freeze(id)));
    undo.push(() => Promise.all(['replica-2', 'replica-3'].map((id) => cluster.thaw(id))));
    const told = await Promise.all(keys.map((key) => put(gateway, key, 'ONE')));
    gateway.program.child.kill('SIGKILL');
    expect(await gateway.program.ended).toBe('SIGKILL');
    for (const answer of told) expect(answer.errors).toBeUndefined();
    await pause(2_500); // forwards that lie in the frozen servers' sockets are too late then
    await undo.pop()!();
    const apart = await Promise.all(keys.map(async (key) => new Set(await rows(key)).size));
    expect(Math.max(...apart)).toBe(2); // the control: nothing has healed them yet

    const other = openStore(cluster.replicas);
    undo.push(() => other.close());
    const ask = { tenant: 't' };
    for (const key of keys) {
      await eventually(async () => {
        await other.store.get(ask, { keyspace: 'demo', key }, {});
        await other.deps.repair.idle();
        const found = await rows(key);
        expect(found[0]).not.toBe('[]');
        expect(new Set(found).size).toBe(1);
      });
    }
  });
});
