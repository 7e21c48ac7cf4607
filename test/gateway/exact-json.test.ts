import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { send, startMemoryEdge, type MemoryEdge } from '../support/edge.ts';
import { connectSocket } from '../support/socket.ts';

let edge: MemoryEdge;
beforeAll(async () => void (edge = await startMemoryEdge()));
afterAll(() => edge.close());

const texts = [
  '9007199254740993',
  '1e400',
  '-0',
  '1.0',
  '[1.10, 1E+2,\n\t-0.0e-0]',
  '{"b":1,"a":2,"1":3,"b":4}',
  '{"__proto__":{"x":1},"constructor":null,"then":[],"toString":"x","toJSON":1}',
  '"\\ud800 \\u0000 \\/ \\u00e9 é \u2028 $& "',
  '[null,true,false,""]',
  '""',
  '{ }',
];
const put =
  'mutation($v: JSON!) { put(keyspace: "demo", key: "exact", value: $v) { entry { key } } }';
const remove = (context: string): string =>
  `mutation { delete(keyspace: "demo", key: "exact", context: ${JSON.stringify(context)}) { writeId } }`;
const read = '{ get(keyspace: "demo", key: "exact") { entry { current { value context } } } }';

async function putExact(value: string): Promise<void> {
  const before = await send(edge, read);
  const { context } = (before.data as never as { get: { entry: { current: { context: string } } } })
    .get.entry.current;
  await send(edge, remove(context));
  const reply = await send(edge, put, { variables: `{"other": 1, "v" : ${value} }` });
  expect(reply.errors).toBeUndefined();
}

describe('a value comes back letter by letter', () => {
  test.each(texts)('over HTTP: %s', async (value) => {
    await putExact(value);
    expect((await send(edge, read)).text).toContain(`"value":${value},"context"`);
  });

  test('over WebSocket, in and out', async () => {
    const socket = await connectSocket(edge);
    for (const [index, value] of texts.entries()) {
      const payload = `{"query":${JSON.stringify(put.replace('{ entry { key } }', '{ entry { current { siblings { value } } } }'))},"variables":{"v":${value}}}`;
      socket.send(`{"payload":${payload},"id":"${index}","type":"subscribe"}`);
      expect((await socket.next()).text).toContain(`{"value":${value}}`);
      expect(await socket.next()).toMatchObject({ type: 'complete', id: String(index) });
    }
    await socket.close();
  });

  test('over server-sent events', async () => {
    const query =
      'subscription { changes(keyspace: "demo", key: "exact") { ... on EntryChanged { entry { current { value } } } } }';
    const headers = { 'content-type': 'application/json', accept: 'text/event-stream' };
    const stop = new AbortController();
    const response = await fetch(edge.url, {
      method: 'POST',
      headers,
      body: JSON.stringify({ query }),
      signal: stop.signal,
    });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const decoder = new TextDecoder();
    let seen = '';
    const value = '{"n":1e400,"n":9007199254740993}';
    let isWritten = false;
    for await (const chunk of response.body ?? []) {
      seen += decoder.decode(chunk, { stream: true });
      if (!isWritten && seen.includes('"changes":{}')) {
        isWritten = true;
        await putExact(value);
      }
      if (seen.includes(`"value":${value}`)) break;
    }
    expect(seen).toContain(`"value":${value}`);
    stop.abort();
  });

  test('in GET variables, in lists and in input objects', async () => {
    const query =
      'mutation($items: [PutItem!]!) { putMany(keyspace: "demo", items: $items) { results { entry { current { siblings { value } } } } } }';
    const many = await send(edge, query, {
      variables: '{"items":[{"value":1.0,"key":"x1"},{"key":"x2","value":{"a":-0}}]}',
    });
    expect(many.text).toContain('"siblings":[{"value":1.0}]');
    expect(many.text).toContain('"siblings":[{"value":{"a":-0}}]');
    const lone = await send(edge, query, { variables: '{"items":{"key":"x3","value":1e400}}' });
    expect(lone.text).toContain('{"value":1e400}');
    const cas =
      'mutation($e: Expectation!, $v: JSON) { compareAndSet(keyspace: "demo", key: "c", expect: $e, value: $v) { applied } }';
    await send(edge, cas, { variables: '{"e":{"value":1.00},"v":[2.0]}' });
    expect(edge.memory.calls.at(-1)?.what).toMatchObject({
      expect: { value: '1.00' },
      value: '[2.0]',
    });
  });

  test('as a literal: numbers as they are written, strings as JSON writes them', async () => {
    const literal =
      '{n: [9007199254740993, 1.0, 1e400, -0], s: "a\\"b", b: true, z: null, __proto__: {}}';
    const reply = await send(
      edge,
      `mutation { put(keyspace: "demo", key: "lit", value: ${literal}) { entry { current { siblings { value } } } } }`,
    );
    expect(reply.text).toContain(
      '{"value":{"n":[9007199254740993,1.0,1e400,-0],"s":"a\\"b","b":true,"z":null,"__proto__":{}}}',
    );
  });

  test('as a literal with variables in it', async () => {
    const query =
      'mutation($j: JSON, $s: String, $none: Int) { put(keyspace: "demo", key: "mix", value: { j: $j, s: $s, none: $none }) { entry { current { siblings { value } } } } }';
    const reply = await send(edge, query, { variables: '{"j":{"n":1.0},"s":"x"}' });
    expect(reply.text).toContain('{"value":{"j":{"n":1.0},"s":"x"}}');
  });

  test('any JSON, spaced in any way', async () => {
    const spaced = fc
      .tuple(fc.jsonValue(), fc.integer({ min: 0, max: 3 }))
      .map(([value, by]) => JSON.stringify(value, null, by));
    const what = spaced.filter((text) => text !== 'null');
    await fc.assert(
      fc.asyncProperty(what, async (value) => {
        await putExact(value);
        expect((await send(edge, read)).text).toContain(`"value":${value},"context"`);
      }),
      { numRuns: 50 },
    );
  });
});

test('a value nested 500 levels deep is taken, one of 501 refused', async () => {
  const deep = (levels: number): string => `{"v":${'['.repeat(levels)}${']'.repeat(levels)}}`;
  expect((await send(edge, put, { variables: deep(500) })).errors).toBeUndefined();
  const reply = await send(edge, put, { variables: deep(501) });
  expect(reply.errors?.[0]?.extensions).toMatchObject({
    code: 'BAD_USER_INPUT',
    limit: 500,
    value: 501,
  });
  expect((await send(edge, put, { variables: deep(200_000) })).code).toBe('BAD_USER_INPUT');
});
