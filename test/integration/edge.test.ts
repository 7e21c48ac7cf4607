import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { serverAudits } from 'graphql-http';
import { send, type Edge, type Reply } from '../support/edge.ts';
import { startRealEdge, type RealEdge } from '../support/real-edge.ts';

let edge: RealEdge;
let other: Edge;
beforeAll(async () => {
  edge = await startRealEdge();
  other = await edge.another();
});
afterAll(() => edge.close());

const entry =
  'entry { id key current { revision exists value inConflict context siblings { value dot } } }';
const receipt =
  'receipt { level replicationFactor required answered overlapping replicas { replica role status } }';
const get = `query($k: String!, $l: ConsistencyLevel) { get(keyspace: "demo", key: $k, consistency: $l) { ${entry} ${receipt} } }`;
const put = `mutation($k: String!, $v: JSON!, $c: CausalContext) { put(keyspace: "demo", key: $k, value: $v, context: $c) { writeId ${entry} ${receipt} } }`;

interface Current {
  readonly value: unknown;
  readonly inConflict: boolean;
  readonly exists: boolean;
  readonly context: string;
  readonly revision: string;
  readonly siblings: readonly { readonly value: unknown }[];
}
const currentOf = ({ data }: Reply, field: 'get' | 'put'): Current =>
  (data as never as Record<string, { entry: { current: Current } }>)[field]?.entry
    .current as Current;

test('all 61 audits of GraphQL over HTTP, over real replicas', async () => {
  const results = await Promise.all(
    serverAudits({ url: edge.url, fetchFn: fetch }).map((audit) => audit.fn()),
  );
  expect(results).toHaveLength(61);
  expect(results.filter(({ status }) => status !== 'ok')).toEqual([]);
});

test('two puts without a context conflict; a put with the context settles it, at either gateway', async () => {
  const variables = { k: 'conflict' };
  await send(edge, put, { variables: { ...variables, v: 'a' } });
  const second = currentOf(await send(other, put, { variables: { ...variables, v: 'b' } }), 'put');
  expect([second.inConflict, second.value, second.siblings.map(({ value }) => value)]).toEqual([
    true,
    null,
    ['b', 'a'],
  ]);
  const settled = currentOf(
    await send(edge, put, { variables: { ...variables, v: 'c', c: second.context } }),
    'put',
  );
  expect([settled.inConflict, settled.value]).toEqual([false, 'c']);
  expect(settled.revision > second.revision).toBe(true);
  expect(
    currentOf(await send(other, get, { variables: { ...variables, l: 'ALL' } }), 'get').value,
  ).toBe('c');
});

test('values come back letter by letter from Postgres', async () => {
  const texts = [
    '9007199254740993',
    '1e400',
    '-0',
    '1.0',
    '{"b":1,"a":2,"b":3}',
    '"\\u0000\\ud800"',
    '{"__proto__":{}}',
    '[ 1 , 2 ]',
  ];
  for (const [index, text] of texts.entries()) {
    const written = await send(edge, put, { variables: `{"k":"exact${index}","v":${text}}` });
    expect(written.errors).toBeUndefined();
    const read = await send(other, get, { variables: { k: `exact${index}`, l: 'QUORUM' } });
    expect(read.text).toContain(`"value":${text},"inConflict"`);
  }
});

interface PageInfo {
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  readonly startCursor: string;
  readonly endCursor: string;
}

describe('inputs of every kind', () => {
  const codeOf = async (k: string, v = '1'): Promise<unknown> =>
    (await send(edge, put, { variables: `{"k":${JSON.stringify(k)},"v":${v}}` })).code;

  test('keys: empty, too long, NUL and lone surrogates are bad input; all others are kept apart', async () => {
    for (const key of ['', 'k'.repeat(1025), 'é'.repeat(513), 'a\0b', 'a\ud800'])
      expect(await codeOf(key)).toBe('BAD_USER_INPUT');
    const keys = [
      'k'.repeat(1024),
      'caf\u00e9',
      'cafe\u0301',
      '%',
      '_',
      '\\',
      '__proto__',
      'constructor',
      'then',
      'toString',
      ' ',
      '💾',
    ];
    for (const key of keys)
      expect([key, await codeOf(key, JSON.stringify(key))]).toEqual([key, undefined]);
    for (const key of keys)
      expect(currentOf(await send(edge, get, { variables: { k: key } }), 'get').value).toBe(key);
  });

  test('values: the limit to the byte', async () => {
    const limit = 262_144;
    expect(await codeOf('size', `"${'x'.repeat(limit - 2)}"`)).toBeUndefined();
    expect(await codeOf('size', `"${'x'.repeat(limit - 1)}"`)).toBe('BAD_USER_INPUT');
  });

  test('opaque strings: another key’s, cut, flipped, invented', async () => {
    const { context } = currentOf(
      await send(edge, put, { variables: { k: 'opaque', v: 1 } }),
      'put',
    );
    const flipped = context.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'));
    const wrong = [context.slice(1), context.slice(0, -4), flipped, '', 'x', 'x'.repeat(100_000)];
    for (const c of wrong)
      expect((await send(edge, put, { variables: { k: 'opaque', v: 2, c } })).code).toBe(
        'BAD_USER_INPUT',
      );
    expect((await send(edge, put, { variables: { k: 'another', v: 2, c: context } })).code).toBe(
      'BAD_USER_INPUT',
    );
    expect(currentOf(await send(edge, get, { variables: { k: 'opaque' } }), 'get').value).toBe(1);
  });

  test('levels of later versions and unknown keyspaces are refused by their codes', async () => {
    expect(
      (await send(edge, get.replace('"demo"', '"nothing"'), { variables: { k: 'a' } })).code,
    ).toBe('KEYSPACE_NOT_FOUND');
    expect(
      (await send(edge, '{ get(keyspace: "demo", key: "a", replicas: 9) { session } }')).code,
    ).toBe('BAD_USER_INPUT');
  });
});

test('a range in pages, forwards and backwards, is in byte order and loses nothing', async () => {
  const keys = ['r/a', 'r/b', 'r/c', 'r/é', 'r/\uffff', 'r/😀'].toSorted((a, b) =>
    Buffer.compare(Buffer.from(a), Buffer.from(b)),
  );
  const many =
    'mutation($i: [PutItem!]!) { putMany(keyspace: "demo", items: $i) { results { key error { code } } } }';
  await send(edge, many, {
    variables: { i: keys.toReversed().map((key) => ({ key, value: key })) },
  });
  const page =
    'query($a: Cursor, $b: Cursor, $f: Int, $l: Int) { range(keyspace: "demo", prefix: "r/", first: $f, after: $a, last: $l, before: $b) { nodes { key } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }';
  const read = async (
    variables: object,
  ): Promise<{ nodes: { key: string }[]; pageInfo: PageInfo }> =>
    ((await send(other, page, { variables })).data as never as Record<string, never>)[
      'range'
    ] as never;
  const forwards: string[] = [];
  for (let after: string | undefined, more = true; more;) {
    const { nodes, pageInfo } = await read({ f: 2, a: after });
    forwards.push(...nodes.map(({ key }) => key));
    [after, more] = [pageInfo.endCursor, pageInfo.hasNextPage];
  }
  expect(forwards).toEqual(keys);
  const backwards: string[] = [];
  for (let before: string | undefined, more = true; more;) {
    const { nodes, pageInfo } = await read({ l: 2, b: before });
    backwards.unshift(...nodes.map(({ key }) => key));
    [before, more] = [pageInfo.startCursor, pageInfo.hasPreviousPage];
  }
  expect(backwards).toEqual(keys);
});

test('many reads of one document become few statements, each with a receipt of its own', async () => {
  const fields = Array.from(
    { length: 30 },
    (_, i) => `g${i}: get(keyspace: "demo", key: "m${i}") { ${receipt} }`,
  );
  const before = await figure('quorate_batch_size_count');
  const reply = await send(edge, `{ ${fields.join(' ')} }`);
  const receipts = Object.values(reply.data ?? {}) as {
    receipt: { answered: number; required: number };
  }[];
  expect(receipts).toHaveLength(30);
  for (const { receipt } of receipts)
    expect(receipt.answered).toBeGreaterThanOrEqual(receipt.required);
  expect((await figure('quorate_batch_size_count')) - before).toBeLessThan(20);
});

// With a statement for each page there were 60 and more.
test('many ranges of one document become few statements', async () => {
  const fields = Array.from(
    { length: 20 },
    (_, i) => `r${i}: range(keyspace: "demo", from: "m${i}", first: 5) { nodes { key } }`,
  );
  // Until a page of a keyspace was seen, each has a statement to itself.
  const seen = '{ range(keyspace: "demo", first: 1, consistency: ALL) { nodes { key } } }';
  expect((await send(edge, seen)).text).toContain('"key"');
  const before = await figure('quorate_batch_size_count', 'call="scan"');
  const reply = await send(edge, `{ ${fields.join(' ')} }`);
  expect(reply.errors).toBeUndefined();
  const statements = (await figure('quorate_batch_size_count', 'call="scan"')) - before;
  expect(statements).toBeGreaterThan(0);
  expect(statements).toBeLessThan(20);
});

async function figure(name: string, label = ''): Promise<number> {
  const text = await (await fetch(`${edge.origin}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line.startsWith(name) && line.includes(label));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

test('what an administrator did is seen through the other gateway, at once, and after both were restarted', async () => {
  const query = '{ auditLog(first: 5) { nodes { action outcome actor target { name value } } } }';
  const recorded = async (gateway: Edge): Promise<string> => (await send(gateway, query)).text;
  const create = 'mutation { createKeyspace(input: { name: "audited" }) { name } }';
  expect((await send(edge, create)).errors).toBeUndefined();
  expect((await send(edge, create)).code).toBe('BAD_USER_INPUT');
  const seen = await recorded(other);
  expect(seen).toContain('"action":"Mutation.createKeyspace","outcome":"BAD_USER_INPUT"');
  expect(seen).toContain('"action":"Mutation.createKeyspace","outcome":"OK"');
  expect(seen).toContain('{"name":"name","value":"audited"}');
  await other.close();
  other = await edge.another();
  expect(await recorded(other)).toBe(seen);
  // It is kept like everything else: on every replica, and with an end.
  const sql = `select siblings from cells where tenant = '$system' and keyspace = 'audit'`;
  const rows = await edge.cluster.query<{ siblings: string }>(edge.cluster.replicas[0]!.id, sql);
  expect(rows.length).toBeGreaterThan(1);
  for (const { siblings } of rows) expect(siblings).toContain('expiresAtMs');
});
