import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startGateway } from '../../src/assemble.ts';
import { checkConfig } from '../../src/config.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { startTestCluster, type TestCluster } from '../support/cluster.ts';
import { addresses, send, type Edge, type Reply } from '../support/edge.ts';
import { connectSocket, openSocket, type RawSocket } from '../support/socket.ts';
import { eventually } from '../support/store.ts';

const secret = 'the-key-of-the-operator';
const operator = { authorization: `Bearer ${secret}` };
let cluster: TestCluster;
let [one, two]: Edge[] = [];

beforeAll(async () => {
  cluster = await startTestCluster();
  const secretHash = createHash('sha256').update(secret).digest('hex');
  const start = async (): Promise<Edge> => {
    const config = checkConfig(
      {
        replicas: cluster.replicas.map(({ id, url }) => ({ id, url })),
        signingKeys: ['a signing key for tests, long enough'],
        listen: { port: 0, host: '127.0.0.1' },
        auth: { apiKeys: [{ tenant: 'house', role: 'OPERATOR', secretHash }] },
      },
      'test',
    );
    const gateway = await startGateway({ config, log: silentLog, mode: 'serve' });
    return { ...addresses(gateway.port), close: () => gateway.drain() };
  };
  [one, two] = [await start(), await start()];
});
afterAll(async () => {
  for (const gateway of [one, two]) await gateway?.close();
  await cluster.stop();
});

type Headers = Record<string, string>;

async function ask(edge: Edge | undefined, query: string, headers: Headers): Promise<Reply> {
  if (!edge) throw new Error('the gateway has not been started');
  return send(edge, query, { headers });
}
async function told<T>(reply: Promise<Reply>): Promise<T> {
  const { data, errors } = await reply;
  if (errors) throw new Error(JSON.stringify(errors));
  return data as never;
}

/** A tenant with this quota, a keyspace `carts` and a key of an ADMIN. */
async function tenant(name: string, quota = ''): Promise<Headers> {
  const create = `mutation { createTenant(input: { name: "${name}", quota: { ${quota} } }) { id } }`;
  await told(ask(one, create, operator));
  const key = `mutation { createApiKey(tenant: "${name}", role: ADMIN) { secret } }`;
  const { createApiKey } = await told<{ createApiKey: { secret: string } }>(
    ask(one, key, operator),
  );
  const headers = { authorization: `Bearer ${createApiKey.secret}` };
  await eventually(() =>
    told(ask(one, 'mutation { createKeyspace(input: { name: "carts" }) { name } }', headers)),
  );
  await eventually(() => told(ask(two, get, headers)));
  return headers;
}

const get = '{ get(keyspace: "carts", key: "k") { entry { current { value } } } }';
const put = (key: string, value: string): string =>
  `mutation { put(keyspace: "carts", key: "${key}", value: ${value}) { writeId } }`;
const update = (name: string, quota: string): string =>
  `mutation { updateTenant(name: "${name}", input: { quota: { ${quota} } }) { id } }`;

/** Asks both gateways without a pause, until it is told to stop; counts what came back. */
function flood(headers: Headers, lines: number) {
  const counts = { served: 0, refused: 0, others: new Set<string>() };
  let isOver = false;
  const line = async (edge: Edge | undefined): Promise<void> => {
    while (!isOver) {
      const { code } = await ask(edge, get, headers);
      if (code === undefined) counts.served += 1;
      else if (code === 'LIMIT_EXCEEDED') counts.refused += 1;
      else counts.others.add(code);
    }
  };
  const running = Promise.all(Array.from({ length: lines }, (_, nth) => line(nth % 3 ? one : two)));
  return {
    counts,
    async stop(): Promise<void> {
      isOver = true;
      await running;
    },
  };
}

// `charge` in graphql/engine.ts and `DemandExchange.start` in assemble-quotas.ts are the guards: without
// the first A gets all that it asks for, without the second twice its quota.
test('two gateways give a tenant that floods both its quota and no more, and serve his neighbour', async () => {
  const noisy = await tenant('noisy', 'requestsPerSecond: 40');
  const quiet = await tenant('quiet');
  const flooding = flood(noisy, 6);
  await eventually(async () => expect(flooding.counts.refused).toBeGreaterThan(200), 30_000);
  await systemClock.sleep(2_500); // the parts of both gateways have settled
  const neighbours = new Set<string | undefined>();
  const rateOfFourSeconds = async (): Promise<number> => {
    const startedMs = systemClock.monotonicMs();
    const before = flooding.counts.served;
    while (systemClock.monotonicMs() - startedMs < 4_000)
      neighbours.add((await ask(one, get, quiet)).code);
    const seconds = (systemClock.monotonicMs() - startedMs) / 1_000;
    return (flooding.counts.served - before) / seconds;
  };
  // A machine that has no time for the flood itself gives it less than its quota, and then is asked again.
  const rates: number[] = [];
  while (rates.length < 6 && Math.max(...rates) <= 30) rates.push(await rateOfFourSeconds());
  await flooding.stop();
  expect(flooding.counts.others).toEqual(new Set());
  expect(neighbours).toEqual(new Set([undefined]));
  // 40, and a burst of one second's at the most in these four; twice as much without the exchange.
  expect(Math.max(...rates)).toBeLessThanOrEqual(52);
  expect(Math.max(...rates)).toBeGreaterThan(25);
}, 120_000);

test('what an operator makes of a quota counts at both gateways within seconds', async () => {
  const headers = await tenant('changed');
  await told(ask(one, update('changed', 'documentCost: 1'), operator));
  const refused = async (edge: Edge | undefined): Promise<void> =>
    expect((await ask(edge, get, headers)).code).toBe('LIMIT_EXCEEDED');
  await eventually(() => refused(two));
  await eventually(() => refused(one));
  await told(ask(two, update('changed', ''), operator));
  await eventually(() => told(ask(one, get, headers)));
}, 60_000);

describe('what a tenant keeps', () => {
  test('is counted, and shown in his usage at any gateway', async () => {
    const headers = await tenant('counted');
    for (let nth = 0; nth < 5; nth++) await told(ask(one, put(`key-${nth}`, '"value"'), headers));
    await told(
      ask(one, 'mutation { delete(keyspace: "carts", key: "key-4") { writeId } }', headers),
    );
    const usage =
      '{ tenant { usage { keys storedBytes keyspaces requests refused sockets countedAt } } }';
    const socket = await connectSocket(two!, headers);
    await eventually(async () => {
      const { tenant } = await told<{ tenant: { usage: object } }>(ask(two, usage, headers));
      expect(tenant.usage).toEqual({
        keys: 4,
        keyspaces: 1,
        storedBytes: expect.any(Number),
        requests: expect.any(Number),
        refused: 0,
        sockets: 1,
        countedAt: expect.any(String),
      });
    });
    // What the other gateway has to say is a second old.
    await eventually(async () => {
      const { tenant } = await told<{ tenant: { usage: object } }>(ask(one, usage, headers));
      expect(tenant.usage).toMatchObject({ sockets: 1, keys: 4 });
    });
    await socket.close();
  });

  // The guard is `StoredRoom.growing`; without it the sixth key is written.
  test('is bounded by keys: a new one is refused, an old one may be written, a deletion makes room', async () => {
    const headers = await tenant('bounded', 'keys: 5');
    for (let nth = 0; nth < 5; nth++) await told(ask(one, put(`key-${nth}`, '"value"'), headers));
    const refused = await ask(two, put('one-more', '1'), headers);
    expect(refused.errors?.[0]?.extensions).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      quota: 'keys',
      limit: 5,
      used: 5,
      outcome: 'NONE',
      retryAfterMs: expect.any(Number),
    });
    await told(ask(one, put('key-0', '"other"'), headers));
    await told(
      ask(one, 'mutation { delete(keyspace: "carts", key: "key-1") { writeId } }', headers),
    );
    await eventually(() => told(ask(one, put('one-more', '1'), headers)), 30_000);
  });

  test('is bounded by bytes, by the size of one value and by keyspaces', async () => {
    const headers = await tenant('small', 'storedBytes: 5000, valueBytes: 3000, keyspaces: 2');
    const quotaOf = async (query: string): Promise<unknown> =>
      (await ask(one, query, headers)).errors?.[0]?.extensions['quota'];
    expect(await quotaOf(put('a', JSON.stringify('x'.repeat(3_000))))).toBe('valueBytes');
    expect(await quotaOf(put('a', JSON.stringify('x'.repeat(2_900))))).toBeUndefined();
    expect(await quotaOf(put('b', JSON.stringify('x'.repeat(2_900))))).toBe('storedBytes');
    const create = (name: string): string =>
      `mutation { createKeyspace(input: { name: "${name}" }) { name } }`;
    expect(await quotaOf(create('second'))).toBeUndefined();
    expect(await quotaOf(create('third'))).toBe('keyspaces');
  });
});

test('a level that the tenant may not ask for is refused, whether it is named, a number or the default', async () => {
  const headers = await tenant('levels', 'allowedLevels: [QUORUM, SESSION]');
  const code = async (query: string): Promise<string | undefined> =>
    (await ask(two, query, headers)).code;
  const read = (how: string): string => `{ get(keyspace: "carts", key: "k"${how}) { session } }`;
  expect(await code(read(''))).toBeUndefined();
  expect(await code(read(', replicas: 2'))).toBeUndefined();
  for (const how of [', consistency: ONE', ', replicas: 1', ', consistency: LINEARIZABLE'])
    expect([how, await code(read(how))]).toEqual([how, 'LEVEL_NOT_ALLOWED']);
  const swap = 'compareAndSet(keyspace: "carts", key: "k", expect: { absent: true }, value: 1)';
  expect(await code(`mutation { ${swap} { applied } }`)).toBe('LEVEL_NOT_ALLOWED');
  const range = '{ range(keyspace: "carts", consistency: ALL) { session } }';
  expect(await code(range)).toBe('LEVEL_NOT_ALLOWED');
  const socket = await connectSocket(two!, headers);
  const query = 'subscription { changes(keyspace: "carts", consistency: ONE) { __typename } }';
  socket.send({ id: '1', type: 'subscribe', payload: { query } });
  expect((await socket.next()).text).toContain('LEVEL_NOT_ALLOWED');
  await socket.close();
  // The weakest level that a feed has would be ONE: where it is not allowed, nobody gets it unnamed.
  await told(ask(one, update('levels', 'allowedLevels: [SESSION]'), operator));
  await eventually(async () => {
    const unnamed = await connectSocket(two!, headers);
    const plain = 'subscription { changes(keyspace: "carts") { __typename } }';
    unnamed.send({ id: '1', type: 'subscribe', payload: { query: plain } });
    const { text } = await unnamed.next();
    await unnamed.close();
    expect(text).toContain('LEVEL_NOT_ALLOWED');
  });
});

// The guard is `look` in quotas/admission.ts: without it each gateway takes all of the limit.
test('sockets at both gateways together are no more than the quota, and one that goes makes room', async () => {
  const headers = await tenant('sockets', 'sockets: 3');
  const opened: RawSocket[] = [];
  for (const edge of [one, two, two]) opened.push(await connectSocket(edge!, headers));
  for (const edge of [one, two]) {
    const refused = await openSocket(edge!);
    refused.send({ type: 'connection_init', payload: headers });
    expect(await refused.closed).toBe(1013);
  }
  await opened[0]!.close();
  await eventually(async () => opened.push(await connectSocket(two!, headers)));
  await Promise.all(opened.slice(1).map((socket) => socket.close()));
});
