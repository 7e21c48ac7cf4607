import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { buildSchema } from 'graphql';
import { readFileSync } from 'node:fs';
import type { Role } from '../../src/config.ts';
import { fieldRules } from '../../src/graphql/field-rules.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { createAuthenticator } from '../../src/tenancy/authenticate.ts';
import { send, startMemoryEdge, type MemoryEdge } from '../support/edge.ts';
import { connectSocket, openSocket } from '../support/socket.ts';

const roles: readonly Role[] = ['READER', 'WRITER', 'ADMIN', 'OPERATOR'];
const keyOf = (role: Role): string => `key-of-a-${role.toLowerCase()}`;
const apiKeys = roles.map((role) => {
  return {
    tenant: 'demo',
    role,
    secretHash: createHash('sha256').update(keyOf(role)).digest('hex'),
  };
});
const bearer = (role: Role) => ({ authorization: `Bearer ${keyOf(role)}` });
const get = '{ get(keyspace: "demo", key: "k") { session } }';
const put = 'mutation { put(keyspace: "demo", key: "k", value: 1) { writeId } }';
const create = 'mutation { createKeyspace(input: { name: "new" }) { name } }';
const cluster = '{ cluster { epoch } }';

let edge: MemoryEdge;
beforeAll(async () => {
  const authenticator = createAuthenticator({ clock: systemClock, apiKeys });
  edge = await startMemoryEdge({ authenticator, mode: 'serve' });
});
afterAll(() => edge.close());
beforeEach(() => void (edge.memory.calls.length = 0));

describe('who asks', () => {
  test('without a credential, with a wrong one, with one of another kind: 401, and nothing is read', async () => {
    const wrong = [
      {},
      { authorization: 'Bearer nothing' },
      { authorization: 'Basic eDp5' },
      { authorization: 'Bearer' },
    ];
    for (const headers of wrong) {
      const reply = await send(edge, get, { headers });
      expect([reply.status, reply.code, reply.data]).toEqual([401, 'UNAUTHENTICATED', undefined]);
      expect(reply.headers.get('www-authenticate')).toBe('Bearer');
    }
    expect(edge.memory.calls).toEqual([]);
  });

  test('the tenant is the credential’s, whatever the request says', async () => {
    await send(edge, get, {
      headers: { ...bearer('READER'), 'x-tenant': 'other', host: 'other.example' },
    });
    expect(edge.memory.calls[0]?.caller.tenant).toBe('demo');
  });

  test('over WebSocket the same: in connection_init, or as a header', async () => {
    const first = await connectSocket(edge, bearer('READER'));
    const second = await connectSocket(edge, undefined, { headers: bearer('READER') });
    for (const socket of [first, second]) {
      socket.send({ id: '1', type: 'subscribe', payload: { query: get } });
      expect(await socket.next()).toMatchObject({ type: 'next', payload: { data: { get: {} } } });
      await socket.close();
    }
    for (const payload of [undefined, { authorization: 'Bearer nothing' }, { authorization: 7 }]) {
      const refused = await openSocket(edge);
      refused.send({ type: 'connection_init', ...(payload && { payload }) });
      expect(await refused.closed).toBe(4403);
    }
  });

  test('a wrong credential is refused even where none is needed', async () => {
    const open = await startMemoryEdge();
    expect((await send(open, get)).status).toBe(200);
    expect((await send(open, get, { headers: { authorization: 'Bearer nothing' } })).status).toBe(
      401,
    );
    await open.close();
  });
});

describe('what a role may', () => {
  const matrix: [string, Role][] = [
    [get, 'READER'],
    [put, 'WRITER'],
    [create, 'ADMIN'],
    [cluster, 'OPERATOR'],
  ];
  test.each(matrix)('%s needs %s, over both transports', async (query, needed) => {
    for (const role of roles) {
      const expected = roles.indexOf(role) < roles.indexOf(needed) ? 'FORBIDDEN' : undefined;
      expect([role, (await send(edge, query, { headers: bearer(role) })).code]).toEqual([
        role,
        expected,
      ]);
      const socket = await connectSocket(edge, bearer(role));
      socket.send({ id: '1', type: 'subscribe', payload: { query } });
      const { text } = await socket.next();
      expect([role, text.includes('"FORBIDDEN"')]).toEqual([role, expected === 'FORBIDDEN']);
      await socket.close();
    }
  });

  test('every root field of the contract has a row in the table of rules, and no row is left over', () => {
    const schema = buildSchema(readFileSync('schema.graphql', 'utf8'));
    const types = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
    const fields = types.map((type) => [
      type?.name,
      Object.keys(type?.getFields() ?? {}).toSorted(),
    ]);
    const rows = Object.entries(fieldRules).map(([type, rules]) => [
      type,
      Object.keys(rules).toSorted(),
    ]);
    expect(Object.fromEntries(rows)).toMatchObject(Object.fromEntries(fields) as object);
  });
});

describe('where a level comes from', () => {
  const asked = async (query: string, headers: Record<string, string> = {}): Promise<unknown> => {
    edge.memory.calls.length = 0;
    const reply = await send(edge, query, { headers: { ...bearer('OPERATOR'), ...headers } });
    const call = edge.memory.calls.at(-1);
    const { level, replicas, session, timeoutMs } = call?.asked ?? {};
    return call ? { level, replicas, session, timeoutMs } : reply.code;
  };
  const read = (argument = '', directive = ''): string =>
    `query ${directive} { get(keyspace: "demo", key: "k" ${argument}) { session } }`;
  const header = { 'quorate-consistency': 'ALL', 'quorate-session': 'from-header' };

  test('the field, then the directive, then the header, then the keyspace', async () => {
    const directive = '@consistency(read: QUORUM, session: "from-directive", timeoutMs: 700)';
    expect(
      await asked(read('consistency: ONE, session: "mine", timeoutMs: 5', directive), header),
    ).toEqual({ level: 'ONE', session: 'mine', timeoutMs: 5 });
    expect(await asked(read('', directive), header)).toEqual({
      level: 'QUORUM',
      session: 'from-directive',
      timeoutMs: 700,
    });
    expect(await asked(read(), header)).toEqual({ level: 'ALL', session: 'from-header' });
    expect(await asked(read())).toEqual({});
  });

  test('a number is the field’s own, and goes before the levels of directive and header', async () => {
    expect(await asked(read('replicas: 2', '@consistency(read: ALL)'), header)).toMatchObject({
      level: undefined,
      replicas: 2,
    });
  });

  test('reads and writes have each their own', async () => {
    const both = { 'quorate-consistency': 'read=ONE, write=ALL' };
    expect(await asked(read(), both)).toMatchObject({ level: 'ONE' });
    expect(await asked(put, both)).toMatchObject({ level: 'ALL' });
    expect(
      await asked(put.replace('mutation', 'mutation @consistency(read: ONE, write: QUORUM)'), both),
    ).toMatchObject({ level: 'QUORUM' });
  });

  test('variables reach the directive', async () => {
    const query =
      'query($l: ConsistencyLevel = ONE) @consistency(read: $l) { get(keyspace: "demo", key: "k") { session } }';
    expect(await asked(query, header)).toMatchObject({ level: 'ONE' });
  });

  test('a header that names no level is bad input', async () => {
    for (const text of ['quorum', 'read=', 'delete=ONE', '__proto__', 'read=ONE;write=ALL']) {
      expect(await asked(read(), { 'quorate-consistency': text })).toBe('BAD_USER_INPUT');
    }
  });

  test('the session comes back in the header, and goes from one mutation field to the next', async () => {
    const reply = await send(edge, get, { headers: bearer('READER') });
    expect(reply.headers.get('quorate-session')).toBe('session-token');
    const query =
      'mutation { put(keyspace: "demo", key: "k", value: 1) { writeId } get(keyspace: "demo", key: "k") { session } }';
    expect(await asked(query, header)).toMatchObject({ session: 'session-token' });
  });

  test('over WebSocket they come with connection_init', async () => {
    const socket = await connectSocket(edge, { ...bearer('READER'), ...header });
    socket.send({ id: '1', type: 'subscribe', payload: { query: get } });
    await socket.next();
    expect(edge.memory.calls.at(-1)?.asked).toMatchObject({ level: 'ALL', session: 'from-header' });
    await socket.close();
  });
});

describe('many reads in one document', () => {
  const reads = async (query: string): Promise<number> => {
    edge.memory.calls.length = 0;
    await send(edge, query, { headers: bearer('OPERATOR') });
    return edge.memory.calls.filter(({ method }) => method === 'get').length;
  };
  const field = (alias: string, key: string, more = ''): string =>
    `${alias}: get(keyspace: "demo", key: "${key}" ${more}) { session }`;

  test('identical reads are one, reads at another level are their own (trap 11)', async () => {
    expect(
      await reads(
        `{ ${field('a', 'k')} ${field('b', 'k')} ${field('c', 'k', 'consistency: ONE')} ${field('d', 'l')} }`,
      ),
    ).toBe(3);
  });

  test('a read after a write is made, even when the same was read before', async () => {
    const write = 'put(keyspace: "demo", key: "k", value: 1) { writeId }';
    expect(await reads(`mutation { ${field('a', 'k')} ${write} ${field('b', 'k')} }`)).toBe(2);
  });

  test('a node is found again by its id, and not by another tenant’s', async () => {
    const headers = bearer('OPERATOR');
    const query =
      '{ get(keyspace: "demo", key: "ä/ö") { entry { id } } keyspaces { id name } tenant { id } }';
    const { data } = await send(edge, query, { headers });
    const {
      get: one,
      keyspaces,
      tenant,
    } = data as never as {
      get: { entry: { id: string } };
      keyspaces: { id: string }[];
      tenant: { id: string };
    };
    const nodes =
      'query($e: ID!, $k: ID!, $t: ID!, $o: ID!) { e: node(id: $e) { id ... on Entry { key } } k: node(id: $k) { id __typename } t: node(id: $t) { id __typename } o: node(id: $o) { id } }';
    const other = Buffer.from('tenant/other').toString('base64url');
    const variables = { e: one.entry.id, k: keyspaces[0]?.id, t: tenant.id, o: other };
    expect((await send(edge, nodes, { variables, headers })).data).toEqual({
      e: { id: variables.e, key: 'ä/ö' },
      k: { id: variables.k, __typename: 'Keyspace' },
      t: { id: variables.t, __typename: 'Tenant' },
      o: null,
    });
  });
});

test('trap 1: what one tenant is refused, another may do with the very same document', async () => {
  expect((await send(edge, put, { headers: bearer('READER') })).code).toBe('FORBIDDEN');
  expect((await send(edge, put, { headers: bearer('WRITER') })).code).toBeUndefined();
  expect((await send(edge, put, { headers: bearer('READER') })).code).toBe('FORBIDDEN');
});
