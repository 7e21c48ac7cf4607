import { request } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { StoreError } from '../../src/errors.ts';
import { createLog } from '../../src/runtime/log.ts';
import {
  defaultLimits,
  replyOf,
  send,
  sendBody,
  startMemoryEdge,
  type MemoryEdge,
} from '../support/edge.ts';

let edge: MemoryEdge;
beforeAll(async () => void (edge = await startMemoryEdge()));
afterAll(() => edge.close());
beforeEach(() => void (edge.memory.calls.length = 0));

const put = 'mutation($v: JSON!) { put(keyspace: "demo", key: "k", value: $v) { writeId } }';
const readValue = '{ get(keyspace: "demo", key: "k") { entry { key } } }';

describe('what is not a GraphQL request', () => {
  test('a text or form body is refused with 415, so that no page can send one without a preflight', async () => {
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
    ]) {
      const reply = await sendBody(edge, JSON.stringify({ query: readValue }), {
        'content-type': type,
      });
      expect([reply.status, reply.code]).toEqual([415, 'BAD_USER_INPUT']);
    }
  });

  test('a compressed body is refused with 415, whatever it would unpack to', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000, ' '));
    const reply = await sendBody(edge, bomb, { 'content-encoding': 'gzip' });
    expect([reply.status, reply.code]).toEqual([415, 'BAD_USER_INPUT']);
  });

  test('a body of more than 1 MiB is refused with 413, announced or chunked', async () => {
    const announced = await sendBody(
      edge,
      JSON.stringify({ query: readValue, extensions: { pad: 'x'.repeat(1_048_576) } }),
    );
    expect([announced.status, announced.code]).toEqual([413, 'BAD_USER_INPUT']);
    expect(await postChunks(edge, 'x'.repeat(65_536), 40)).toBe(413);
  });

  test('a body of exactly 1 MiB is read', async () => {
    const body = JSON.stringify({ query: readValue, extensions: { pad: '' } });
    const reply = await sendBody(
      edge,
      body.replace('""', `"${'x'.repeat(1_048_576 - body.length)}"`),
    );
    expect(reply.status).toBe(200);
  });

  test('a body that is not UTF-8 is refused', async () => {
    const reply = await sendBody(edge, Buffer.from([0x7b, 0xff, 0x7d]));
    expect([reply.status, reply.code]).toEqual([400, 'BAD_USER_INPUT']);
  });

  test('a batch is refused', async () => {
    const reply = await sendBody(
      edge,
      JSON.stringify([{ query: readValue }, { query: readValue }]),
    );
    expect([reply.status, reply.code]).toEqual([400, 'BAD_USER_INPUT']);
    expect(edge.memory.calls).toEqual([]);
  });

  test('where lists are allowed, each operation is answered for itself, letter by letter, up to the limit', async () => {
    const limits = { ...defaultLimits, operationsPerRequest: 3 };
    const listing = await startMemoryEdge({ limits });
    const body = (...operations: string[]): string => `[${operations.join(',')}]`;
    const echo = put.replace('writeId', 'entry { current { value } }');
    const write = `{"query":${JSON.stringify(echo)},"variables":{"v":1.0}}`;
    const read = JSON.stringify({ query: readValue });
    const reply = await sendBody(listing, body(read, write, '{"query":"{ nothing }"}'));
    const answers = JSON.parse(reply.text) as {
      data?: object;
      errors?: { extensions: { code: string } }[];
      extensions?: { session: string };
    }[];
    expect(reply.text).toContain('"value":1.0');
    expect(answers.map(({ errors }) => errors?.[0]?.extensions.code)).toEqual([
      undefined,
      undefined,
      'GRAPHQL_VALIDATION_FAILED',
    ]);
    expect(answers[0]?.extensions?.session).toEqual(expect.any(String));
    const many = await sendBody(listing, body(read, read, read, read));
    expect([many.status, many.code]).toEqual([413, 'BAD_USER_INPUT']);
    const live = '{"query":"subscription { changes(keyspace: \\"demo\\") { __typename } }"}';
    expect((await sendBody(listing, body(read, live))).text).toContain('cannot be in a list');
    expect(listing.memory.listeners()).toBe(0);
    await listing.close();
  });

  test('a mutation by GET is refused with 405 and not run', async () => {
    const query = 'mutation { put(keyspace: "demo", key: "k", value: 1) { writeId } }';
    const reply = await replyOf(await fetch(`${edge.url}?query=${encodeURIComponent(query)}`));
    expect([reply.status, reply.code]).toEqual([405, 'BAD_USER_INPUT']);
    expect(edge.memory.calls).toEqual([]);
  });

  test('a query by GET is answered', async () => {
    const reply = await replyOf(await fetch(`${edge.url}?query=${encodeURIComponent(readValue)}`));
    expect(reply.data).toEqual({ get: { entry: { key: 'k' } } });
  });

  test('other paths and methods have their own answers', async () => {
    const statuses = await Promise.all([
      fetch(`${edge.origin}/nothing`).then(({ status }) => status),
      fetch(edge.url, { method: 'DELETE' }).then(({ status }) => status),
      fetch(`${edge.origin}/`, { redirect: 'manual' }).then(({ status }) => status),
    ]);
    expect(statuses).toEqual([404, 405, 302]);
  });
});

describe('what a failure tells', () => {
  test('a failure of the store: its code, its outcome, its details', async () => {
    const details = { required: 2, acknowledged: 1, writeId: 'w' };
    edge.memory.failWith(new StoreError('WRITE_UNCERTAIN', 'Only 1 of 2 acknowledged', details));
    const { errors, status } = await send(edge, put, { variables: '{"v":1}' });
    expect(status).toBe(200);
    expect(errors?.[0]).toMatchObject({ message: 'Only 1 of 2 acknowledged', path: ['put'] });
    expect(errors?.[0]?.extensions).toEqual({
      code: 'WRITE_UNCERTAIN',
      outcome: 'UNKNOWN',
      retryable: false,
      ...details,
    });
  });

  test('a limit: Retry-After, in seconds', async () => {
    edge.memory.failWith(new StoreError('OVERLOADED', 'Too much at once', { retryAfterMs: 1_200 }));
    const reply = await send(edge, readValue);
    expect([reply.status, reply.headers.get('retry-after'), reply.code]).toEqual([
      503,
      '2',
      'OVERLOADED',
    ]);
  });

  test('anything else: an id, and nothing of what happened', async () => {
    edge.memory.failWith(new Error('connect ECONNREFUSED postgres://user:secret@10.0.0.1'));
    const reply = await send(edge, readValue);
    expect(reply.text).not.toMatch(/secret|ECONNREFUSED|10\.0\.0\.1|at /);
    const errorId = expect.stringMatching(/^[0-9a-f-]{36}$/);
    expect(reply.errors?.[0]?.extensions).toEqual({
      code: 'INTERNAL_SERVER_ERROR',
      outcome: 'UNKNOWN',
      retryable: false,
      errorId,
    });
  });

  test('what happened is found in the log, under that id', async () => {
    const lines: { errorId: string; err: Error }[] = [];
    const log = Object.assign(createLog('silent'), {
      error: (line: never) => void lines.push(line),
    });
    const logging = await startMemoryEdge({ log });
    logging.memory.failWith(new Error('connect ECONNREFUSED'));
    const { errors } = await send(logging, readValue);
    expect(lines.map(({ errorId, err }) => [errorId, err.message])).toEqual([
      [errors?.[0]?.extensions['errorId'], 'connect ECONNREFUSED'],
    ]);
    await logging.close();
  });

  test('syntax, validation and coercion have codes of their own, and nothing was written', async () => {
    const extensions = async (query: string, variables = '{}'): Promise<unknown> =>
      (await send(edge, query, { variables })).errors?.[0]?.extensions;
    const about = (code: string): object => ({ code, outcome: 'NONE', retryable: false });
    expect(await extensions('{ get(')).toEqual(about('GRAPHQL_PARSE_FAILED'));
    expect(await extensions('{ nothing }')).toEqual(about('GRAPHQL_VALIDATION_FAILED'));
    expect(await extensions('{ get(keyspace: 1, key: "k") { session } }')).toEqual(
      about('BAD_USER_INPUT'),
    );
    expect(await extensions(put)).toEqual(about('BAD_USER_INPUT'));
    expect(await extensions('query a { __typename } query b { __typename }')).toEqual(
      about('BAD_USER_INPUT'),
    );
  });
});

describe('what machines ask', () => {
  test('alive, ready, figures', async () => {
    await send(edge, '{ get(keyspace: "demo", key: "k", consistency: ONE) { session } }');
    const [alive, ready, metrics] = await Promise.all(
      ['healthz', 'readyz', 'metrics'].map((path) => fetch(`${edge.origin}/${path}`)),
    );
    expect([alive?.status, ready?.status, metrics?.status]).toEqual([200, 200, 200]);
    expect(await metrics?.text()).toMatch(
      /quorate_requests_total\{field="get",level="ONE",code="OK"\} \d+/,
    );
  });

  test('trap 9: a gateway that is not ready does not say why', async () => {
    const lame = await startMemoryEdge({
      ready: () => Promise.reject(new Error('postgres://user:secret@10.0.0.1')),
    });
    const reply = await fetch(`${lame.origin}/readyz`);
    expect([reply.status, await reply.text()]).toEqual([503, '{"ready":false}']);
    await lame.close();
  });

  test('a busy port is refused in one clear sentence', async () => {
    const port = Number(new URL(edge.origin).port);
    const sentence = `Cannot listen on port ${port}: another program is using it. Choose another with --port or PORT.`;
    await expect(startMemoryEdge({}, port)).rejects.toThrow(sentence);
  });
});

/** Posts chunks without announcing a length, and gives the status. */
function postChunks(
  { url }: MemoryEdge,
  chunk: string,
  count: number,
): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      { method: 'POST', headers: { 'content-type': 'application/json' } },
      (response) => {
        resolve(response.statusCode);
        outgoing.destroy();
      },
    );
    // The gateway may close while the rest is still being sent: then the answer has come already.
    outgoing.on('error', reject);
    for (let sent = 0; sent < count; sent++) outgoing.write(chunk);
    outgoing.end();
  });
}
