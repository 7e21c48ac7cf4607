import { hash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { StoreError } from '../../src/errors.ts';
import { startMemoryEdge, type MemoryEdge } from '../support/edge.ts';
import { post, type Answer, type Sent } from '../support/lanes.ts';
import { createMemoryStore } from '../support/memory-store.ts';

/**
 * The fast lane answers as the slow lane does, byte for byte: two gateways over stores that begin
 * alike are sent the same requests. Control: an answer with one byte more in the fast lane, or another
 * media type for one `Accept`, fails here.
 */
let fast: MemoryEdge;
let slow: MemoryEdge;
beforeAll(async () => {
  [fast, slow] = (await Promise.all(
    [true, false].map((fastLane) => startMemoryEdge({ fastLane })),
  )) as [MemoryEdge, MemoryEdge];
});
afterAll(() => Promise.all([fast.close(), slow.close()]));

const json = (query: string, more: object = {}): string => JSON.stringify({ query, ...more });
const put = (value: string) => ({
  body: `{"query":"mutation Put($v: JSON!) { put(keyspace: \\"demo\\", key: \\"k\\", value: $v) { entry { key current { value exists inConflict } } } }","variables":{"v":${value}}}`,
});
const getOne =
  '{ get(keyspace: "demo", key: "k") { entry { id key current { value exists siblings { value } } } } }';
const fields = 'entry { key current { value } }';

const corpus: Readonly<Record<string, Sent>> = {
  'a put': put('"v"'),
  'numbers that JSON.parse would change': put(
    '{"a":1e400,"a":-0,"b":9007199254740993,"2":1,"1":2}',
  ),
  'a get': { body: json(getOne) },
  'a get by variables': {
    body: json(`query G($k: String!) { get(keyspace: "demo", key: $k) { ${fields} } }`, {
      variables: { k: 'k' },
    }),
  },
  'a key that is not there': {
    body: json('{ get(keyspace: "demo", key: "-") { entry { current { value exists } } } }'),
  },
  'aliases, fragments and __typename': {
    body: json(
      `query { a: get(keyspace: "demo", key: "k") { ...P __typename } then: get(keyspace: "demo", key: "k") { ... on GetPayload { entry { key } } entry { k: key } } } fragment P on GetPayload { entry { key ... { keyspace } } }`,
    ),
  },
  '@include and @skip': {
    body: json(
      `query ($yes: Boolean!) { get(keyspace: "demo", key: "k") { entry { key @include(if: $yes) id @skip(if: $yes) } } }`,
      { variables: { yes: true } },
    ),
  },
  'several mutations in order': {
    body: json(
      'mutation { a: put(keyspace: "demo", key: "m", value: 1) { entry { key } } b: get(keyspace: "demo", key: "m") { entry { current { value } } } }',
    ),
  },
  getMany: {
    body: json(
      `{ getMany(keyspace: "demo", keys: ["k", "m", "-"]) { entries { key current { value } } } }`,
    ),
  },
  range: {
    body: json(
      `{ range(keyspace: "demo", first: 5) { edges { node { key } } pageInfo { hasNextPage } } }`,
    ),
  },
  'node, an interface': { body: json('{ node(id: "Keyspace:ZGVtbw") { id __typename } }') },
  'a keyspace that is null': { body: json('{ keyspace(name: "nothing") { name } }') },
  keyspaces: { body: json('{ keyspaces { name conflicts maxValueBytes } }') },
  introspection: { body: json('{ __schema { queryType { name } } }') },
  'the directive @consistency': {
    body: json(
      `query @consistency(read: ONE, timeoutMs: 500) { get(keyspace: "demo", key: "k") { ${fields} } }`,
    ),
  },
  'a level in a header': { body: json(getOne), headers: { 'quorate-consistency': 'ONE' } },
  'a level that is none': { body: json(getOne), headers: { 'quorate-consistency': 'MOST' } },
  'a session that is not ours': { body: json(getOne), headers: { 'quorate-session': 'x.y' } },
  'a session in extensions': { body: json(getOne, { extensions: { session: '' } }) },
  'extensions that are wrong': { body: json(getOne, { extensions: { session: 1 } }) },
  operationName: {
    body: json(`query A { keyspaces { name } } query B { keyspace(name: "demo") { name } }`, {
      operationName: 'B',
    }),
  },
  'no operationName where there are two': {
    body: json(`query A { keyspaces { name } } query B { keyspaces { name } }`),
  },
  'an operationName that is not there': {
    body: json(`query A { keyspaces { name } }`, { operationName: 'C' }),
  },
  'a missing variable': {
    body: json(`query ($k: String!) { get(keyspace: "demo", key: $k) { ${fields} } }`),
  },
  'a variable of the wrong kind': {
    body: json(`query ($k: String!) { get(keyspace: "demo", key: $k) { ${fields} } }`, {
      variables: { k: 1 },
    }),
  },
  'a variable that is null': {
    body: json(`query ($k: String!) { get(keyspace: "demo", key: $k) { ${fields} } }`, {
      variables: { k: null },
    }),
  },
  'a null for a default': {
    body: json(
      `query ($c: ConsistencyLevel) { get(keyspace: "demo", key: "k", consistency: $c) { ${fields} } }`,
      { variables: { c: null } },
    ),
  },
  'a default of a variable': {
    body: json(
      `query ($c: ConsistencyLevel = ONE) { get(keyspace: "demo", key: "k", consistency: $c) { ${fields} } }`,
    ),
  },
  'an enum that is none': {
    body: json(
      `query ($c: ConsistencyLevel) { get(keyspace: "demo", key: "k", consistency: $c) { ${fields} } }`,
      { variables: { c: 'MOST' } },
    ),
  },
  'variables inside lists and objects': {
    body: json(
      `mutation ($k: String!, $v: JSON!) { putMany(keyspace: "demo", items: [{ key: $k, value: $v }, { key: "z", value: [$v, 1] }]) { results { key error { code } } } }`,
      { variables: { k: 'n', v: { a: 1 } } },
    ),
  },
  'an error beside data': {
    body: json(
      `{ a: get(keyspace: "demo", key: "k") { ${fields} } b: get(keyspace: "gone", key: "k") { ${fields} } }`,
    ),
  },
  'an error of a nullable field': {
    body: json('{ node(id: "nonsense") { id } keyspace(name: "demo") { name } }'),
  },
  'a keyspace that is not there': {
    body: json(`{ get(keyspace: "gone", key: "k") { ${fields} } }`),
  },
  'a key that is too long': {
    body: json(`query ($k: String!) { get(keyspace: "demo", key: $k) { ${fields} } }`, {
      variables: { k: 'k'.repeat(1_025) },
    }),
  },
  'an argument out of bounds': {
    body: json(`{ get(keyspace: "demo", key: "k", timeoutMs: 0) { ${fields} } }`),
  },
  'a field that is not there': { body: json('{ nothing }') },
  'no GraphQL': { body: json('{ get(') },
  'a literal of the wrong kind': { body: json('{ get(keyspace: 1, key: "k") { entry { key } } }') },
  'a document that is too deep': {
    body: json(
      `{ get(keyspace: "demo", key: "k") ${'{ entry '.repeat(40)} { key } ${'}'.repeat(40)} }`,
    ),
  },
  'a subscription': {
    body: json('subscription { changes(keyspace: "demo", key: "k") { __typename } }'),
  },
  'an empty query': { body: json('') },
  'no query': { body: '{}' },
  null: { body: 'null' },
  'a list': { body: `[${json(getOne)}]` },
  'no JSON': { body: '{"query":' },
  'variables that are text': { body: json(getOne, { variables: '{}' }) },
  'variables that are a list': { body: json(getOne, { variables: [] }) },
  'variables that are null': {
    body: json(getOne, { variables: null, operationName: null, extensions: null }),
  },
  'a part that is not known': { body: json(getOne, { more: 1 }) },
  'a query in two ways': { body: json(getOne, { documentId: 'x' }) },
  'a hash nobody knows': {
    body: json('', { extensions: { persistedQuery: { version: 1, sha256Hash: 'a'.repeat(64) } } }),
  },
  'an address with a question': { body: json(getOne), path: '/graphql?x=1' },
  '__proto__ as a variable and a key': {
    body: `{"query":"query ($k: String!) { get(keyspace: \\"demo\\", key: $k) { ${fields} } }","variables":{"k":"__proto__","__proto__":1}}`,
  },
};

const accepted = [
  undefined, '*/*', 'application/json', 'application/graphql-response+json',
  'application/graphql-response+json, application/json',
  'application/graphql-response+json,application/json;q=0.9',
  'application/json;q=0.5, application/graphql-response+json;q=1', 'text/html', 'text/event-stream',
  'multipart/mixed', 'multipart/mixed,application/graphql-response+json,application/json',
] as const; // prettier-ignore

describe('both lanes answer alike', () => {
  test.each(Object.entries(corpus))('%s', async (_name, sent) => {
    for (const accept of ['application/json', 'application/graphql-response+json'])
      await alike({ ...sent, headers: { accept, ...sent.headers } });
  });

  test.each(accepted)('whoever accepts %s', async (accept) => {
    await alike({ body: json(getOne), headers: accept === undefined ? {} : { accept } });
  });
});

test('what has failed in the fast lane is told by the slow lane, and not done again', async () => {
  fast.memory.calls.length = 0;
  fast.memory.failWith(new StoreError('QUORUM_UNAVAILABLE', 'too few'));
  const body = json('mutation { put(keyspace: "demo", key: "k", value: 1) { entry { key } } }');
  const answer = await post(fast, { body });
  expect(answer.text).toContain('QUORUM_UNAVAILABLE');
  expect(fast.memory.calls.length).toBe(1);
});

/** Control: where the gate is asked again for the document, this answer is PERSISTED_QUERY_NOT_FOUND. */
test('a write that failed is told of, though its document was forgotten while it was under way', async () => {
  const automatic = { documentsPerTenant: 1, bytesPerTenant: 4_000, bytes: 4_000 };
  const { store } = createMemoryStore();
  let forgets = false;
  const edge = await startMemoryEdge({
    documents: { trusted: 'off', automatic },
    store: {
      ...store,
      async put() {
        if (forgets) await named('{ keyspaces { name } }', { query: '{ keyspaces { name } }' });
        throw new StoreError('WRITE_UNCERTAIN', 'it may be there');
      },
    },
  });
  const named = (query: string, more: object = {}): Promise<Answer> => {
    const persistedQuery = { version: 1, sha256Hash: hash('sha256', query) };
    return post(edge, { body: JSON.stringify({ ...more, extensions: { persistedQuery } }) });
  };
  const query = 'mutation { put(keyspace: "demo", key: "k", value: 1) { entry { key } } }';
  await named(query, { query });
  forgets = true;
  const answer = await named(query);
  await edge.close();
  expect(answer.text).toContain('WRITE_UNCERTAIN');
  expect(answer.text).not.toContain('NOT_FOUND');
});

async function alike(sent: Sent): Promise<void> {
  const [a, b] = [await post(fast, sent), await post(slow, sent)];
  expect(a).toEqual(b);
}
