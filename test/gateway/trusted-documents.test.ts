import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { DocumentPolicy, TrustMode } from '../../src/graphql/document-admission.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { createAuthenticator } from '../../src/tenancy/authenticate.ts';
import {
  replyOf,
  sendBody,
  startMemoryEdge,
  type MemoryEdge,
  type Reply,
} from '../support/edge.ts';
import { connectSocket } from '../support/socket.ts';

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');
const readKey = 'query Read($k: String!) { get(keyspace: "demo", key: $k) { entry { key } } }';
const live = 'subscription Live { changes(keyspace: "demo", key: "silent") { __typename } }';
const free = '{ keyspaces { name } }';
const policy: Omit<DocumentPolicy, 'trusted'> = {
  documents: new Map([
    ['read-1', readKey],
    ['live-1', live],
  ]),
  tenants: { strict: 'required', lax: 'off' },
  automatic: { documentsPerTenant: 3, bytesPerTenant: 4_000, bytes: 8_000 },
};
const key = (name: string, tenant: string, role: 'WRITER' | 'OPERATOR' = 'WRITER') => ({
  secretHash: hashOf(name),
  tenant,
  role,
});
const keys = [
  key('demo', 'demo'),
  key('strict', 'strict'),
  key('lax', 'lax'),
  key('operator', 'strict', 'OPERATOR'),
];
const edges = new Map<TrustMode, MemoryEdge>();
beforeAll(async () => {
  const authenticator = createAuthenticator({ clock: systemClock, apiKeys: keys });
  for (const trusted of ['off', 'allowed', 'required'] as const)
    edges.set(trusted, await startMemoryEdge({ authenticator, documents: { ...policy, trusted } }));
});
afterAll(() => Promise.all([...edges.values()].map((edge) => edge.close())));

type Request = Readonly<Record<string, unknown>>;
const bearer = (who: string) => ({ authorization: `Bearer ${who}` });
const apq = (text: string, version = 1) => ({
  persistedQuery: { version, sha256Hash: hashOf(text) },
});
const edgeOf = (mode: TrustMode): MemoryEdge => edges.get(mode)!;

/** The outcome of one request by each transport: the code of the refusal, or what came. */
const transports = {
  async http(edge: MemoryEdge, request: Request, who: string): Promise<string> {
    return codeIn((await sendBody(edge, JSON.stringify(request), bearer(who))).text);
  },
  async get(edge: MemoryEdge, request: Request, who: string): Promise<string> {
    const url = new URL(edge.url);
    for (const [name, value] of Object.entries(request))
      url.searchParams.set(name, typeof value === 'string' ? value : JSON.stringify(value));
    return codeIn((await replyOf(await fetch(url, { headers: bearer(who) }))).text);
  },
  async events(edge: MemoryEdge, request: Request, who: string): Promise<string> {
    const stop = new AbortController();
    const response = await fetch(edge.url, {
      method: 'POST',
      headers: { ...bearer(who), 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify(request),
      signal: stop.signal,
    });
    let text = '';
    for await (const chunk of response.body!) {
      text += Buffer.from(chunk as Uint8Array).toString();
      if (text.includes('data:')) break;
    }
    stop.abort();
    return codeIn(text);
  },
  async socket(edge: MemoryEdge, request: Request, who: string): Promise<string> {
    const socket = await connectSocket(edge, bearer(who));
    socket.send({ id: '1', type: 'subscribe', payload: request });
    const { text } = await socket.next();
    await socket.close();
    return codeIn(text);
  },
} as const;
type Transport = keyof typeof transports;

function codeIn(text: string): string {
  return /"code":"(\w+)"/.exec(text)?.[1] ?? (text.includes('"data"') ? 'OK' : text);
}

const variables = { k: 'a' };
const each = (['http', 'get', 'events', 'socket'] as const).map((name) => [name] as const);

// The guard: `engine.admit` in both adapters; without it a socket runs what HTTP refuses.
describe.each(each)('over %s', (transport: Transport) => {
  const ask = (mode: TrustMode, request: Request, who = 'demo'): Promise<string> =>
    transports[transport](edgeOf(mode), request, who);

  test('required: what is trusted is run, by its id, by its hash or as its text, and nothing else', async () => {
    expect([
      await ask('required', { documentId: 'read-1', variables }),
      await ask('required', { documentId: `sha256:${hashOf(readKey)}`, variables }),
      await ask('required', { extensions: apq(readKey), variables }),
      await ask('required', { query: readKey, variables }),
      await ask('required', { query: free }),
      await ask('required', { query: `${readKey} `, variables }),
      await ask('required', { query: free, extensions: apq(free) }),
      await ask('required', { extensions: apq(free) }),
      await ask('required', { documentId: 'nothing' }),
      await ask('required', { documentId: '__proto__' }),
    ]).toEqual([
      ...['OK', 'OK', 'OK', 'OK', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'],
      ...['PERSISTED_QUERY_NOT_FOUND', 'BAD_USER_INPUT', 'BAD_USER_INPUT'],
    ]);
  });

  test('required: an operator may send what he likes, and a tenant for whom it is off', async () => {
    expect(await ask('required', { query: free }, 'operator')).toBe('OK');
    expect(await ask('required', { query: free }, 'lax')).toBe('OK');
    expect(await ask('off', { query: free }, 'strict')).toBe('FORBIDDEN');
  });

  test('allowed: both; off: what was sent is run, and an id is refused', async () => {
    expect(await ask('allowed', { documentId: 'read-1', variables })).toBe('OK');
    expect(await ask('allowed', { query: free })).toBe('OK');
    expect(await ask('off', { documentId: 'read-1', variables })).toBe('BAD_USER_INPUT');
    expect(await ask('off', { query: free })).toBe('OK');
  });

  test('a hash: not found, then sent with its document, then known, to this tenant alone', async () => {
    const own = `query By${transport} { keyspaces { name } }`;
    const by = { extensions: apq(own) };
    expect(await ask('off', by)).toBe('PERSISTED_QUERY_NOT_FOUND');
    expect(await ask('off', { query: own, ...by })).toBe('OK');
    expect(await ask('off', by)).toBe('OK');
    expect(await ask('off', by, 'lax')).toBe('PERSISTED_QUERY_NOT_FOUND');
  });

  test('a hash of something else, of another version, of no form is bad input, and is not kept', async () => {
    const other = 'query Other { keyspaces { name } }';
    const wrong = { query: free, extensions: apq(other) };
    const short = { persistedQuery: { version: 1, sha256Hash: 'abc' } };
    expect([
      await ask('off', wrong),
      await ask('off', { query: free, extensions: apq(free, 2) }),
      await ask('off', { query: free, extensions: short }),
      await ask('off', { extensions: apq(other) }),
      await ask('allowed', { documentId: 'read-1', query: free }),
    ]).toEqual([
      ...['BAD_USER_INPUT', 'BAD_USER_INPUT', 'BAD_USER_INPUT'],
      ...['PERSISTED_QUERY_NOT_FOUND', 'BAD_USER_INPUT'],
    ]);
  });
});

test.each([['events'], ['socket']] as const)(
  'a trusted subscription over %s is begun by its id',
  async (transport) => {
    const begun = await transports[transport](edgeOf('required'), { documentId: 'live-1' }, 'demo');
    expect(begun).toBe('OK');
    const other = 'subscription { changes(keyspace: "demo") { __typename } }';
    expect(await transports[transport](edgeOf('required'), { query: other }, 'demo')).toBe(
      'FORBIDDEN',
    );
  },
);

describe('what clients see', () => {
  const post = (mode: TrustMode, request: Request): Promise<Reply> =>
    sendBody(edgeOf(mode), JSON.stringify(request), bearer('demo'));

  test('a refusal says what to do; nothing was asked of the store', async () => {
    edgeOf('required').memory.calls.length = 0;
    const { status, errors } = await post('required', { query: free });
    expect([status, errors?.[0]?.message]).toEqual([
      403,
      expect.stringContaining('name one with "documentId"'),
    ]);
    expect(edgeOf('required').memory.calls).toEqual([]);
  });

  test('where no hashes are taken, Apollo Client is told to stop sending them', async () => {
    const none = await startMemoryEdge({ documents: { trusted: 'off' } });
    const reply = await sendBody(none, JSON.stringify({ extensions: apq(free) }));
    expect(reply.errors).toMatchObject([
      { message: 'PersistedQueryNotSupported', extensions: { outcome: 'NONE' } },
    ]);
    expect(
      (await sendBody(none, JSON.stringify({ query: free, extensions: apq(free) }))).code,
    ).toBe(undefined);
    await none.close();
  });

  test('a mutation by its id is not run by GET', async () => {
    const put = 'mutation { put(keyspace: "demo", key: "k", value: 1) { writeId } }';
    const documents = { trusted: 'allowed', documents: new Map([['put', put]]) } as const;
    const edge = await startMemoryEdge({ documents });
    const reply = await replyOf(await fetch(`${edge.url}?documentId=put`));
    expect([reply.status, edge.memory.calls]).toEqual([405, []]);
    await edge.close();
  });

  test('a trusted document that could not be run keeps the gateway from starting', async () => {
    const documents = { trusted: 'allowed', documents: new Map([['bad', '{ nothing }']]) } as const;
    await expect(startMemoryEdge({ documents })).rejects.toThrow(
      'The trusted document "bad" cannot be run: Cannot query field "nothing"',
    );
  });
});
