import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  buildSchema,
  getNamedType,
  isCompositeType,
  isRequiredArgument,
  type GraphQLField,
} from 'graphql';
import { fieldRules } from '../../src/graphql/field-rules.ts';
import { entryId } from '../../src/graphql/global-id.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { createAuthenticator } from '../../src/tenancy/authenticate.ts';
import { mayActAs, roles, type Role } from '../../src/tenancy/principal.ts';
import { send, startMemoryEdge, type MemoryEdge } from '../support/edge.ts';
import { connectSocket, type RawSocket } from '../support/socket.ts';

const schema = buildSchema(readFileSync('schema.graphql', 'utf8'));
const bearer = (role: string) => ({ authorization: `Bearer key-${role}` });
const limited = bearer('LIMITED');

/** What docs/security.md says: field → role → whether. */
const documented = new Map(
  [...readFileSync('docs/security.md', 'utf8').matchAll(/^\| `(\w+\.\w+)` +\|(.*)\|$/gm)].map(
    ([, field = '', cells = '']) => [field, cells.split('|').map((cell) => cell.trim())],
  ),
);

/** A value for every argument that must be given. */
const given: Readonly<Record<string, string>> = {
  keyspace: '"demo"',
  key: '"k"',
  keys: '["k"]',
  value: '1',
  expect: '{ absent: true }',
  items: '[{ key: "k", value: 1 }]',
  id: JSON.stringify(entryId('demo', 'k')),
  writeId: '"w"',
  consistency: 'ONE',
  tenant: '"other"',
  role: 'READER',
  prefix: '"qk_000000000000"',
};

function documentOf(path: string, keyspace = 'demo'): string {
  const [type = '', name = ''] = path.split('.');
  if (type === 'Tenant') return '{ tenant { apiKeys { prefix } } }';
  const root = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  const field = root.find((one) => one?.name === type)!.getFields()[name]!;
  const call = `${name}${argumentsOf(field, keyspace)}`;
  const selected = isCompositeType(getNamedType(field.type)) ? `${call} { __typename }` : call;
  return `${type.toLowerCase()} { ${selected} }`;
}

function argumentsOf(field: GraphQLField<unknown, unknown>, keyspace: string): string {
  const own = field.name.endsWith('Tenant') ? 'other' : keyspace;
  const special: Readonly<Record<string, string>> = {
    name: `"${own}"`,
    keyspace: `"${keyspace}"`,
    id: JSON.stringify(entryId(keyspace, 'k')),
    input: field.name.startsWith('create') ? `{ name: "${own}" }` : '{}',
  };
  const list = field.args
    .filter(isRequiredArgument)
    .map(({ name }) => `${name}: ${special[name] ?? given[name] ?? 'null'}`);
  return list.length === 0 ? '' : `(${list.join(', ')})`;
}

let edge: MemoryEdge;
beforeAll(async () => {
  const keys = [...roles, 'LIMITED'].map((name) => {
    const secretHash = createHash('sha256').update(`key-${name}`).digest('hex');
    const isLimited = name === 'LIMITED';
    const role: Role = isLimited ? 'ADMIN' : (name as Role);
    return { tenant: 'demo', role, secretHash, ...(isLimited && { keyspaces: ['pro*'] }) };
  });
  const authenticator = createAuthenticator({ clock: systemClock, apiKeys: keys });
  edge = await startMemoryEdge({ authenticator, mode: 'serve' });
});
afterAll(() => edge.close());

/** Everything that comes back first, over HTTP: as JSON, or as the first event. */
async function overHttp(query: string, headers: Record<string, string>): Promise<string> {
  if (!query.startsWith('subscription')) return (await send(edge, query, { headers })).text;
  const stop = new AbortController();
  const response = await fetch(edge.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream', ...headers },
    body: JSON.stringify({ query }),
    signal: stop.signal,
  });
  let text = '';
  for await (const chunk of response.body!) {
    text += Buffer.from(chunk as Uint8Array).toString();
    if (text.includes('data:')) break;
  }
  stop.abort();
  return text;
}

async function overSocket(query: string, socket: RawSocket): Promise<string> {
  const id = String(Math.random());
  socket.send({ id, type: 'subscribe', payload: { query } });
  for (;;) {
    const message = await socket.next();
    if (message.id !== id || message.type === 'complete') continue;
    if (query.startsWith('subscription')) socket.send({ id, type: 'complete' });
    return message.text;
  }
}

const forRole = (text: string): boolean => /"FORBIDDEN"/.test(text) && /needs the role/.test(text);

test('docs/security.md has a row for every root field and every other one with a rule, and no more', () => {
  const root = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  const fields = root.flatMap((type) =>
    Object.keys(type!.getFields()).map((name) => `${type!.name}.${name}`),
  );
  const rules = Object.entries(fieldRules).flatMap(([type, rows]) =>
    Object.keys(rows).map((name) => `${type}.${name}`),
  );
  expect([...documented.keys()].toSorted()).toEqual([...new Set([...fields, ...rules])].toSorted());
});

// The guard: `allow` in graphql/guard.ts; without its first line every "no" below is answered with data.
describe.each(roles)('what a %s may', (role) => {
  let socket: RawSocket;
  beforeAll(async () => {
    socket = await connectSocket(edge, bearer(role));
  });
  afterAll(() => socket.close());

  test.each([...documented.keys()])(
    '%s: as the table says, over both transports',
    async (field) => {
      const allowed = documented.get(field)?.[roles.indexOf(role)] === 'yes';
      edge.memory.calls.length = 0;
      for (const text of [
        await overHttp(documentOf(field), bearer(role)),
        await overSocket(documentOf(field), socket),
      ]) {
        expect([text.slice(0, 300), forRole(text)]).toEqual([text.slice(0, 300), !allowed]);
        expect(text).not.toMatch(/UNAUTHENTICATED|GRAPHQL_VALIDATION|INTERNAL_SERVER/);
      }
      if (!allowed) expect(edge.memory.calls).toEqual([]);
    },
  );

  test('introspection shows what the table says, and no type that only the rest needs', async () => {
    const query =
      '{ __schema { types { name fields { name } } queryType { name } } tenant { name } }';
    const reply = await send(edge, query, { headers: bearer(role) });
    const shown = reply.data as never as {
      __schema: { types: { name: string; fields: { name: string }[] | null }[] };
      tenant: { name: string };
    };
    expect(shown.tenant.name).toBe('demo');
    const types = new Map(shown.__schema.types.map(({ name, fields }) => [name, fields ?? []]));
    for (const [path, cells] of documented) {
      const [type = '', field = ''] = path.split('.');
      const isThere = types.get(type)!.some(({ name }) => name === field);
      expect([path, isThere]).toEqual([path, cells[roles.indexOf(role)] === 'yes']);
    }
    expect(types.has('Cluster')).toBe(mayActAs(role, 'OPERATOR'));
    expect(types.has('ApiKey')).toBe(mayActAs(role, 'ADMIN'));
    expect(types.has('CreateKeyspaceInput')).toBe(mayActAs(role, 'ADMIN'));
  });

  // The guard: `explain`; a schema of everybody names to a READER what only an OPERATOR may use.
  test('a misspelt field is told what was meant, if it may be known', async () => {
    const socket = await connectSocket(edge, bearer(role));
    const asked = async (query: string): Promise<string> =>
      `${await overHttp(query, bearer(role))} ${await overSocket(query, socket)}`;
    expect((await asked('{ keyspacs { name } }')).match(/Did you mean/g)).toHaveLength(2);
    const hidden = await asked('{ clustr { epoch } }');
    expect(hidden.match(/Cannot query field/g)).toHaveLength(2);
    expect(hidden.includes('Did you mean')).toBe(role === 'OPERATOR');
    await socket.close();
  });

  test('a document that introspects does not get around it', async () => {
    const query = '{ __type(name: "Cluster") { name } cluster { epoch } }';
    const { code } = await send(edge, query, { headers: bearer(role) });
    expect(code).toBe(role === 'OPERATOR' ? undefined : 'FORBIDDEN');
  });
});

describe('a credential that is limited to some keyspaces', () => {
  const named = [...documented.keys()].filter((field) => {
    const document = documentOf(field, 'elsewhere');
    return document.includes('"elsewhere"') || field === 'Query.node';
  });

  test('the fields that name a keyspace are as many as one can count', () => {
    expect(named.length).toBe(17);
  });

  // The guard: `keyspace` in the table of rules; a row without it answers here.
  test.each(named)(
    '%s: refused elsewhere over both transports, and nothing is asked',
    async (field) => {
      const socket = await connectSocket(edge, limited);
      edge.memory.calls.length = 0;
      const query = documentOf(field, 'elsewhere');
      for (const text of [await overHttp(query, limited), await overSocket(query, socket)])
        expect(text).toMatch(/is not for the keyspace .*"FORBIDDEN"/);
      expect(edge.memory.calls).toEqual([]);
      await socket.close();
    },
  );

  test('is served its own, and shown no other', async () => {
    const query = '{ get(keyspace: "profiles", key: "k") { session } keyspaces { name } }';
    expect((await send(edge, query, { headers: limited })).data).toEqual({
      get: { session: 'session-token' },
      keyspaces: [{ name: 'profiles' }],
    });
  });
});
