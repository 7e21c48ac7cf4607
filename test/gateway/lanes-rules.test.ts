import { hash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { GatewayParts } from '../../src/gateway/http.ts';
import { Admission } from '../../src/quotas/admission.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { createAuthenticator } from '../../src/tenancy/authenticate.ts';
import { roles } from '../../src/tenancy/principal.ts';
import type { Quota } from '../../src/tenancy/tenant-record.ts';
import { startMemoryEdge, type MemoryEdge } from '../support/edge.ts';
import { post, type Answer, type Sent } from '../support/lanes.ts';

/**
 * Who may do what, and how much, is the same in both lanes, byte for byte: two gateways over stores
 * that begin alike are sent the same requests in the same order. Control: a rule that only one lane
 * knows fails here, whichever it is.
 */
let fast: MemoryEdge;
let slow: MemoryEdge;
afterAll(() => Promise.all([fast.close(), slow.close()]));

async function start(parts: () => Partial<GatewayParts>): Promise<void> {
  const [one, two] = [true, false].map((fastLane) => startMemoryEdge({ ...parts(), fastLane }));
  [fast, slow] = [await one!, await two!];
}
async function restart(parts: () => Partial<GatewayParts>): Promise<void> {
  await Promise.all([fast.close(), slow.close()]);
  await start(parts);
}
beforeAll(() => start(() => ({})));

async function alike(sent: Sent): Promise<Answer> {
  const [a, b] = [await post(fast, sent), await post(slow, sent)];
  expect(a).toEqual(b);
  return a;
}

const json = (query: string, more: object = {}): string => JSON.stringify({ query, ...more });
const read = '{ get(keyspace: "demo", key: "k") { entry { key current { value } } } }';
const accepts = ['application/json', 'application/graphql-response+json', '*/*'];

describe('pages of other origins', () => {
  beforeAll(() => restart(() => ({ corsOrigins: ['https://app.example'] })));
  const origins = ['https://app.example', 'https://evil.example', 'null', undefined];

  test.each(origins)('from %s', async (from) => {
    const origin = from === undefined ? {} : { origin: from };
    for (const accept of accepts)
      for (const query of [read, '{ nothing }', '{ get(', 'mutation { put { key } }'])
        await alike({ body: json(query), headers: { ...origin, accept } });
    const preflight = {
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type,authorization',
    };
    const answer = await alike({ method: 'OPTIONS', headers: { ...origin, ...preflight } });
    const allowed = answer.headers['access-control-allow-origin'];
    if (from === 'https://app.example') expect(allowed).toBe(from);
    if (from === 'https://evil.example') expect(allowed).not.toBe(from);
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data'])
      await alike({ body: json(read), headers: { ...origin, 'content-type': type } });
    const path = `/graphql?query=${encodeURIComponent('mutation { put { key } }')}`;
    await alike({ method: 'GET', path, headers: origin });
  });
});

describe('documents that are not trusted', () => {
  const trusted = 'query Read($k: String!) { get(keyspace: "demo", key: $k) { entry { key } } }';
  const documents = new Map([['read-1', trusted]]);
  const variables = { k: 'k' };
  const hashed = { persistedQuery: { version: 1, sha256Hash: hash('sha256', trusted) } };
  const automatic = { documentsPerTenant: 3, bytesPerTenant: 4_000, bytes: 8_000 };
  const requests: readonly [string, object, boolean][] = [
    ['by its id', { documentId: 'read-1', variables }, true],
    ['by its hash as an id', { documentId: `sha256:${hash('sha256', trusted)}`, variables }, true],
    ['by its hash', { extensions: hashed, variables }, true],
    ['by its text', { query: trusted, variables }, true],
    ['by its text and a space', { query: `${trusted} `, variables }, false],
    ['another text', { query: read }, false],
    ['another text under its hash', { query: read, extensions: hashed }, false],
    ['an id and another text', { documentId: 'read-1', query: read }, false],
    ['an id that is none', { documentId: 'read-2' }, false],
    ['an id that is no text', { documentId: 1 }, false],
    ['introspection', { query: '{ __schema { types { name } } }' }, false],
    ['a refused text again', { query: read }, false],
  ];
  beforeAll(() => restart(() => ({ documents: { trusted: 'required', documents, automatic } })));

  test.each(requests)('%s', async (_, request) => {
    for (const accept of accepts)
      await alike({ body: JSON.stringify(request), headers: { accept } });
  });

  test('and nothing but trusted ones has reached the store', () => {
    for (const { memory } of [fast, slow]) {
      expect(memory.calls.length).toBeGreaterThan(0);
      expect(new Set(memory.calls.map(({ method }) => method))).toEqual(new Set(['get']));
    }
  });
});

describe('quotas', () => {
  const quotas: readonly [string, Quota, readonly string[]][] = [
    ['requestsPerSecond', { requestsPerSecond: 0.01 }, [read, read, read, '{ nothing }', '{ get(']],
    ['costPerSecond', { costPerSecond: 0.01 }, [read, read, '{ keyspaces { name } }']],
    ['concurrentRequests', { concurrentRequests: 0 }, [read, '{ nothing }']],
    ['documentCost', { documentCost: 2 }, [read, '{ keyspaces { name } }', '{ __typename }']],
    ['documentDepth', { documentDepth: 2 }, [read, '{ keyspaces { name } }']],
    ['documentTokens', { documentTokens: 9 }, [read, '{ keyspaces { name } }']],
  ];

  test.each(quotas)('%s', async (_, quota, queries) => {
    await restart(() => ({
      admission: new Admission({ clock: systemClock, quotaOf: () => quota }),
      authenticator: createAuthenticator({
        clock: systemClock,
        apiKeys: [{ secretHash: hash('sha256', 'w'), tenant: 'demo', role: 'WRITER' }],
      }),
    }));
    const codes: string[] = [];
    for (const accept of accepts)
      for (const query of queries) {
        const headers = { accept, authorization: 'Bearer w' };
        const { text, status } = await alike({ body: json(query), headers });
        codes.push(`${status} ${/"code":"(\w+)"/.exec(text)?.[1]}`);
      }
    expect(codes).toContain('429 LIMIT_EXCEEDED');
  });
});

describe('roles', () => {
  const secretHash = (secret: string): string => hash('sha256', secret);
  const keys = [
    ...roles.map((role) => ({ secretHash: secretHash(role), tenant: 'demo', role })),
    {
      secretHash: secretHash('limited'),
      tenant: 'demo',
      role: 'ADMIN' as const,
      keyspaces: ['pro*'],
    },
    { secretHash: secretHash('other'), tenant: 'other', role: 'ADMIN' as const },
  ];
  const queries = [
    read,
    'mutation { put(keyspace: "demo", key: "k", value: 1) { entry { key } } }',
    'mutation { dropKeyspace(name: "nothing") { dropped } }',
    '{ cluster { epoch } }',
    '{ tenants { name } }',
    '{ tenant { name apiKeys { prefix } } }',
    '{ auditLog { nodes { action } } }',
    '{ keyspaces { name } }',
    '{ node(id: "Keyspace:ZGVtbw") { id } }',
    '{ __schema { queryType { fields { name } } } }',
    '{ tenant { name } cluster { epoch } }',
    '{ tenantz { name } }',
  ];
  beforeAll(() =>
    restart(() => ({
      mode: 'serve',
      authenticator: createAuthenticator({ clock: systemClock, apiKeys: keys }),
    })),
  );

  test.each([...roles, 'limited', 'other', 'nobody', ''])('of %s', async (who) => {
    const headers = who === '' ? {} : { authorization: `Bearer ${who}` };
    for (const accept of accepts)
      for (const query of queries)
        await alike({ body: json(query), headers: { ...headers, accept } });
  });
});
