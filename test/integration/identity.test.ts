import { createHash, generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { exportJWK, SignJWT } from 'jose';
import { startGateway } from '../../src/assemble.ts';
import { checkConfig, type ConfigInput } from '../../src/config.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { startTestCluster, type TestCluster } from '../support/cluster.ts';
import { addresses, send, type Edge, type Reply } from '../support/edge.ts';
import { connectSocket, openSocket, type RawSocket } from '../support/socket.ts';
import { eventually } from '../support/store.ts';

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const operator = { authorization: 'Bearer the-key-of-the-operator' };
const operatorHash = createHash('sha256').update('the-key-of-the-operator').digest('hex');
const signingKeys = ['a signing key for tests, long enough', 'one that came before, long enough'];

let cluster: TestCluster;
let gateways: Edge[];
let [one, two, rotated]: Edge[] = [];

beforeAll(async () => {
  cluster = await startTestCluster();
  const jwk = { ...(await exportJWK(pair.publicKey)), kid: 'k' };
  const start = async (changes: Partial<ConfigInput> = {}): Promise<Edge> => {
    const config = checkConfig(
      {
        replicas: cluster.replicas.map(({ id, url }) => ({ id, url })),
        signingKeys,
        listen: { port: 0, host: '127.0.0.1' },
        auth: {
          apiKeys: [{ tenant: 'house', role: 'OPERATOR', secretHash: operatorHash }],
          jwt: { issuer: 'issuer', audience: 'quorate', keys: [jwk], clockToleranceSeconds: 0 },
        },
        ...changes,
      },
      'test',
    );
    const gateway = await startGateway({ config, log: silentLog, mode: 'serve' });
    return { ...addresses(gateway.port), close: () => gateway.drain() };
  };
  // The third has forgotten the key that the others sign with.
  gateways = [await start(), await start(), await start({ signingKeys: [signingKeys[1]!] })];
  [one, two, rotated] = gateways;
});
afterAll(async () => {
  await Promise.all(gateways.map((gateway) => gateway.close()));
  await cluster.stop();
});

const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });

async function ask(edge: Edge | undefined, query: string, headers: Record<string, string>) {
  return send(edge!, query, { headers });
}
async function told<T>(reply: Promise<Reply>): Promise<T> {
  const { data, errors } = await reply;
  if (errors) throw new Error(JSON.stringify(errors));
  return data as never;
}
async function tenant(name: string): Promise<void> {
  await told(ask(one, `mutation { createTenant(input: { name: "${name}" }) { id } }`, operator));
}
async function key(
  name: string,
  role = 'ADMIN',
  more = '',
): Promise<{ secret: string; prefix: string }> {
  const query = `mutation { createApiKey(tenant: "${name}", role: ${role}${more}) { secret apiKey { prefix role } } }`;
  const { createApiKey } = await told<{
    createApiKey: { secret: string; apiKey: { prefix: string } };
  }>(ask(one, query, operator));
  return { secret: createApiKey.secret, prefix: createApiKey.apiKey.prefix };
}
function token(claims: object, endsInMs = 600_000): Promise<string> {
  return new SignJWT({ iss: 'issuer', aud: 'quorate', role: 'READER', ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: 'k' })
    .setExpirationTime(Math.ceil((systemClock.nowMs() + endsInMs) / 1000))
    .sign(pair.privateKey);
}
const changes = 'subscription { changes(keyspace: "carts") { __typename } }';

/** A subscription that is live: its first event has come. */
async function subscribed(edge: Edge | undefined, secret: string): Promise<RawSocket> {
  const socket = await connectSocket(edge!, bearer(secret));
  socket.send({ id: '1', type: 'subscribe', payload: { query: changes } });
  expect((await socket.next()).text).toContain('FeedBookmark');
  return socket;
}

/** All that a stream of events says until it ends. */
async function streamed(edge: Edge | undefined, secret: string): Promise<string> {
  const response = await fetch(edge!.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      ...bearer(secret),
    },
    body: JSON.stringify({ query: changes }),
  });
  return response.text();
}

const createCarts = 'mutation { createKeyspace(input: { name: "carts" }) { name } }';
const getCart = '{ get(keyspace: "carts", key: "k") { entry { current { value } } } }';

// The guards: `watch.add` in gateway/websocket.ts and graphql-http.ts (without it the sockets, and the
// streams, stay open), and `freshMs` of tenancy/tenant-record.ts.
describe('a key that was made at one gateway', () => {
  test('opens its tenant at both, and once revoked at neither within 5 s, open sockets and streams included', async () => {
    await tenant('revoked');
    const { secret, prefix } = await key('revoked');
    await told(ask(one, createCarts, bearer(secret)));
    await eventually(() => told(ask(two, getCart, bearer(secret))));
    const sockets = [await subscribed(one, secret), await subscribed(two, secret)];
    const streams = [streamed(one, secret), streamed(two, secret)];
    const other = await key('revoked');
    const spared = await subscribed(two, other.secret);

    await told(ask(two, `mutation { revokeApiKey(prefix: "${prefix}") }`, operator));
    const revokedMs = systemClock.monotonicMs();
    expect(await Promise.all(sockets.map(({ closed }) => closed))).toEqual([4403, 4403]);
    for (const stream of streams) expect(await stream).toContain('UNAUTHENTICATED');
    for (const edge of [one, two]) {
      await eventually(async () => {
        expect((await ask(edge, getCart, bearer(secret))).status).toBe(401);
      });
      const late = await openSocket(edge!);
      late.send({ type: 'connection_init', payload: bearer(secret) });
      expect(await late.closed).toBe(4403);
    }
    const elapsedMs = systemClock.monotonicMs() - revokedMs;
    // 5 s are promised; a machine under test may be as busy as it likes.
    expect(elapsedMs).toBeLessThan(15_000);
    expect(spared.socket.readyState).toBe(spared.socket.OPEN);
    await spared.close();
    const query = '{ tenant { apiKeys { prefix revokedAt } } }';
    const listed = await told<{ tenant: { apiKeys: object[] } }>(
      ask(one, query, bearer(other.secret)),
    );
    expect(listed.tenant.apiKeys).toEqual([
      { prefix, revokedAt: expect.any(String) },
      { prefix: other.prefix, revokedAt: null },
    ]);
  });
});

describe('a token', () => {
  test('is served for its tenant while it lasts, and its subscription no longer', async () => {
    await tenant('issued');
    const { secret } = await key('issued');
    await told(ask(one, createCarts, bearer(secret)));
    const short = await token({ tenant: 'issued' }, 6_000);
    const socket = await subscribed(two, short);
    const stream = streamed(two, short);
    await told(ask(one, getCart, bearer(short)));
    expect(await socket.closed).toBe(4403);
    expect(await stream).toContain('UNAUTHENTICATED');
    expect((await ask(one, getCart, bearer(short))).status).toBe(401);
    const writer = await token({ tenant: 'issued' });
    const put = 'mutation { put(keyspace: "carts", key: "k", value: 1) { writeId } }';
    expect((await ask(one, put, bearer(writer))).code).toBe('FORBIDDEN');
    for (const name of ['never-created', '$system', '../issued', 'issued@1', ''])
      expect((await ask(one, getCart, bearer(await token({ tenant: name })))).status).toBe(401);
  });
});

// The guards: `boundTo` of each `seal` and `open` in consistency/ and feed/.
describe('what belongs to one tenant', () => {
  interface Strings {
    context: string;
    session: string;
    cursor: string;
    bookmark: string;
    writeId: string;
  }
  let mine: string;
  let theirs: string;

  async function stringsOf(secret: string): Promise<Strings> {
    const { put } = await told<{ put: { writeId: string } }>(
      ask(
        one,
        'mutation { put(keyspace: "carts", key: "k", value: "mine") { writeId } }',
        bearer(secret),
      ),
    );
    const query =
      '{ get(keyspace: "carts", key: "k") { session entry { current { context } } } range(keyspace: "carts", first: 1) { edges { cursor } } }';
    const { get, range } = await told<{
      get: { session: string; entry: { current: { context: string } } };
      range: { edges: { cursor: string }[] };
    }>(ask(one, query, bearer(secret)));
    const socket = await connectSocket(one!, bearer(secret));
    const payload = {
      query: 'subscription { changes(keyspace: "carts") { ... on FeedBookmark { cursor } } }',
    };
    socket.send({ id: '1', type: 'subscribe', payload });
    const { text } = await socket.next();
    await socket.close();
    const bookmark = /"cursor":"([^"]+)"/.exec(text)![1]!;
    return {
      context: get.entry.current.context,
      session: get.session,
      cursor: range.edges[0]!.cursor,
      bookmark,
      writeId: put.writeId,
    };
  }

  /** Every way in which a string of each kind comes back. */
  const uses: Record<keyof Strings, (text: string, key?: string) => string[]> = {
    context: (text, key = 'k') => [
      `mutation { put(keyspace: "carts", key: "${key}", value: "stolen", context: "${text}") { writeId } }`,
      `mutation { delete(keyspace: "carts", key: "${key}", context: "${text}") { writeId } }`,
      `mutation { compareAndSet(keyspace: "carts", key: "${key}", expect: { context: "${text}" }, value: "stolen") { applied } }`,
    ],
    session: (text) => [
      `{ get(keyspace: "carts", key: "k", session: "${text}") { entry { current { value } } } }`,
      `{ range(keyspace: "carts", session: "${text}") { nodes { current { value } } } }`,
      `mutation { put(keyspace: "carts", key: "k", value: "stolen", session: "${text}") { writeId } }`,
    ],
    cursor: (text) => [
      `{ range(keyspace: "carts", after: "${text}") { nodes { key } } }`,
      `{ range(keyspace: "carts", last: 5, before: "${text}") { nodes { key } } }`,
    ],
    bookmark: (text) => [
      `subscription { changes(keyspace: "carts", after: "${text}") { __typename } }`,
    ],
    // A write that is not to be found would be fenced, and that leaves something.
    writeId: (text, key = 'k') => [
      `mutation { resolveWrite(keyspace: "carts", key: "${key}", writeId: "${text}") }`,
      `mutation { awaitReplication(keyspace: "carts", key: "${key}", writeId: "${text}", consistency: ALL) { answered } }`,
    ],
  };

  async function refusalOf(edge: Edge | undefined, query: string, secret: string): Promise<string> {
    const socket = await connectSocket(edge!, bearer(secret));
    socket.send({ id: '1', type: 'subscribe', payload: { query } });
    const { text } = await socket.next();
    await socket.close();
    if (!query.startsWith('subscription')) {
      const reply = await ask(edge, query, bearer(secret));
      expect(reply.text).not.toContain('mine');
      expect(text).toContain(String(reply.code));
    }
    return /"code":"(\w+)"/.exec(text)?.[1] ?? text;
  }

  const rows = async (): Promise<unknown> => {
    const sql = `select tenant, keyspace, key, siblings, context from cells where tenant in ('mine', 'theirs') order by 1, 2, 3`;
    return Promise.all(cluster.replicas.map(({ id }) => cluster.query(id, sql)));
  };

  beforeAll(async () => {
    await Promise.all([tenant('mine'), tenant('theirs')]);
    [mine, theirs] = [(await key('mine')).secret, (await key('theirs')).secret];
    for (const secret of [mine, theirs]) await told(ask(one, createCarts, bearer(secret)));
    await eventually(() => told(ask(rotated, getCart, bearer(mine))));
    await eventually(() => told(ask(rotated, getCart, bearer(theirs))));
  });

  test('opens nothing for another, nor changed, nor elsewhere, nor after its key was rotated away; nothing is read or written', async () => {
    const strings = await stringsOf(mine);
    await told(
      ask(one, '{ range(keyspace: "carts", consistency: ALL) { nodes { key } } }', bearer(mine)),
    );
    const before = await rows();
    const tried: string[] = [];
    for (const [kind, text] of Object.entries(strings) as [keyof Strings, string][]) {
      const flipped = text.replace(/.(?=.{3}$)/, (letter) => (letter === 'A' ? 'B' : 'A'));
      const changed = [text.slice(0, -1), text.slice(1), flipped, `${text}A`, text.split('.')[0]!];
      const other = kind === 'session' ? strings.context : strings.session;
      type Attempt = [name: string, edge: Edge | undefined, secret: string, queries: string[]];
      const attempts: Attempt[] = [
        ['another tenant’s', one, theirs, uses[kind](text)],
        ['as another kind', one, mine, uses[kind](other)],
        ['after rotation', rotated, mine, uses[kind](text)],
        ...changed.map((bad): Attempt => ['changed', two, mine, uses[kind](bad)]),
        ...(kind === 'context' || kind === 'writeId'
          ? [['for another key', one, mine, uses[kind](text, 'l')] as Attempt]
          : []),
      ];
      for (const [name, edge, secret, queries] of attempts) {
        for (const query of queries) {
          const code = await refusalOf(edge, query, secret);
          tried.push(`${name} ${kind}`);
          expect([name, query.slice(0, 60), code]).toEqual([
            name,
            query.slice(0, 60),
            'BAD_USER_INPUT',
          ]);
        }
      }
    }
    expect(new Set(tried).size).toBe(22);
    expect(await rows()).toEqual(before);
    // And they are good for their own, at any gateway that has the key.
    const { session, cursor, writeId } = strings;
    for (const query of [
      ...uses.writeId(writeId),
      ...uses.session(session),
      ...uses.cursor(cursor),
    ])
      expect((await ask(two, query, bearer(mine))).code).toBeUndefined();
  });

  test('is not found by another under its id', async () => {
    const query = '{ get(keyspace: "carts", key: "k") { entry { id } } tenant { id } }';
    const { get, tenant: own } = await told<{
      get: { entry: { id: string } };
      tenant: { id: string };
    }>(ask(one, query, bearer(mine)));
    const ids = `{ a: node(id: "${get.entry.id}") { ... on Entry { current { exists } } } b: node(id: "${own.id}") { id } }`;
    expect(await told(ask(one, ids, bearer(theirs)))).toEqual({
      a: { current: { exists: false } },
      b: null,
    });
  });
});

// The guard: `filedAs` in tenancy/principal.ts; with the plain name, the old session opens.
describe('a tenant that is dropped', () => {
  test('takes its rows and keys along on every replica, and leaves nothing to the next of its name', async () => {
    await tenant('gone');
    const { secret } = await key('gone');
    await told(ask(one, createCarts, bearer(secret)));
    const puts = Array.from({ length: 50 }, (_, nth) => `{ key: "k${nth}", value: ${nth} }`);
    await told(
      ask(
        one,
        `mutation { putMany(keyspace: "carts", items: [${puts.join()}]) { session } }`,
        bearer(secret),
      ),
    );
    const { get } = await told<{ get: { session: string } }>(
      ask(one, '{ get(keyspace: "carts", key: "k1") { session } }', bearer(secret)),
    );
    const socket = await subscribed(two, secret);
    expect(await told(ask(one, 'mutation { dropTenant(name: "gone") }', operator))).toEqual({
      dropTenant: true,
    });
    expect(await socket.closed).toBe(4403);
    const left = `select count(*)::int as n from cells where tenant like 'gone%'`;
    for (const { id } of cluster.replicas) {
      await eventually(async () => {
        expect(await cluster.query(id, left)).toEqual([{ n: 0 }]);
      });
    }
    await eventually(async () => {
      for (const edge of [one, two])
        expect((await ask(edge, getCart, bearer(secret))).status).toBe(401);
    });
    await tenant('gone');
    const again = await key('gone');
    const session = `{ get(keyspace: "carts", key: "k1", session: "${get.session}") { entry { current { value } } } }`;
    await eventually(async () => {
      const found = await told(
        ask(two, '{ keyspaces { name } tenant { name apiKeys { prefix } } }', bearer(again.secret)),
      );
      expect(found).toEqual({
        keyspaces: [],
        tenant: { name: 'gone', apiKeys: [{ prefix: again.prefix }] },
      });
    });
    await told(ask(two, createCarts, bearer(again.secret)));
    const { data } = await ask(
      two,
      '{ get(keyspace: "carts", key: "k1") { entry { current { exists } } } }',
      bearer(again.secret),
    );
    expect(data).toEqual({ get: { entry: { current: { exists: false } } } });
    expect((await ask(two, session, bearer(again.secret))).code).toBe('BAD_USER_INPUT');
    expect((await ask(one, getCart, bearer(secret))).status).toBe(401);
  });
});

// Last: it takes two replicas away.
describe('while the directory cannot be reached', () => {
  test('known keys go on; a key that is not known is told that nothing is wrong with it', async () => {
    await tenant('patient');
    const [known, unknown] = [await key('patient'), await key('patient')];
    await told(ask(one, createCarts, bearer(known.secret)));
    const put =
      'mutation { put(keyspace: "carts", key: "k", value: 1, consistency: ALL) { writeId } }';
    await told(ask(one, put, bearer(known.secret)));
    await eventually(() => told(ask(two, getCart, bearer(known.secret))));
    await cluster.kill('replica-2');
    await cluster.kill('replica-3');
    const read =
      '{ get(keyspace: "carts", key: "k", consistency: ONE) { entry { current { value } } } }';
    for (let tries = 0; tries < 5; tries++) {
      await systemClock.sleep(700);
      expect(await told(ask(two, read, bearer(known.secret)))).toEqual({
        get: { entry: { current: { value: 1 } } },
      });
    }
    const invented = `qk_${'0'.repeat(12)}_${'0'.repeat(64)}`;
    const reply = await ask(two, read, bearer(invented));
    expect([reply.status, reply.code]).toEqual([503, 'QUORUM_UNAVAILABLE']);
    expect(reply.errors?.[0]?.extensions).toMatchObject({ outcome: 'NONE', retryable: true });
    const socket = await openSocket(two!);
    socket.send({ type: 'connection_init', payload: bearer(invented) });
    expect(await socket.closed).toBe(1013);
    // One that is there, and that this gateway has not seen: one replica is enough to know it.
    expect((await ask(two, read, bearer(unknown.secret))).code).toBeUndefined();
  });
});
