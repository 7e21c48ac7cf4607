import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { send } from '../support/edge.ts';
import { startRealEdge, type RealEdge } from '../support/real-edge.ts';
import { connectSocket } from '../support/socket.ts';

/** A span as OTLP sends it, in JSON. */
interface SentSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly status: { readonly code?: number };
  readonly attributes: readonly {
    readonly key: string;
    readonly value: { readonly stringValue?: string; readonly intValue?: number };
  }[];
}

const received: SentSpan[] = [];
const headers: unknown[] = [];
let receiver: Server;
let edge: RealEdge;
beforeAll(async () => {
  receiver = createServer((request, response) => {
    headers.push(request.headers['x-team']);
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      received.push(...spansIn(JSON.parse(Buffer.concat(chunks).toString()) as Batch));
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const { port } = receiver.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/v1/traces`;
  edge = await startRealEdge({ tracing: { url, headers: { 'x-team': 'storage' } } });
});
afterAll(async () => {
  await edge.close();
  await new Promise((resolve) => receiver.close(resolve));
});

interface Batch {
  readonly resourceSpans: readonly {
    readonly scopeSpans: readonly { readonly spans: readonly SentSpan[] }[];
  }[];
}
const spansIn = ({ resourceSpans }: Batch): readonly SentSpan[] =>
  resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));

const valueOf = ({ attributes }: SentSpan, name: string): unknown => {
  const value = attributes.find(({ key }) => key === name)?.value;
  return value?.stringValue ?? value?.intValue;
};
const ofTrace = (traceId: string): readonly SentSpan[] =>
  received.filter((span) => span.traceId === traceId);
const childrenOf = (parent: SentSpan | undefined): readonly SentSpan[] =>
  received.filter(({ parentSpanId }) => parent && parentSpanId === parent.spanId);

const caller = 'b7ad6b7169203331';
const traceparent = (traceId: string): string => `00-${traceId}-${caller}-01`;
const [whole, broken, bySocket] = ['a', 'b', 'c'].map((digit) => digit.repeat(32)) as [
  string,
  string,
  string,
];
const put = (key: string): string =>
  `mutation Write { put(keyspace: "demo", key: "${key}", value: "a value", consistency: QUORUM) { writeId } }`;

test('a QUORUM put is a tree: request, field, coordinator, each replica; sent over OTLP, with its caller’s trace', async () => {
  await send(edge, put('secret-key'), { headers: { traceparent: traceparent(whole) } });
  const socket = await connectSocket(edge);
  const query =
    '{ a: get(keyspace: "demo", key: "1") { session } b: get(keyspace: "demo", key: "2") { session } }';
  const extensions = { traceparent: traceparent(bySocket) };
  socket.send({ id: '1', type: 'subscribe', payload: { query, extensions } });
  await socket.next();
  await socket.close();
  const [lost] = edge.cluster.replicas;
  await edge.cluster.kill(lost!.id);
  for (let i = 0; i < 5; i++)
    await send(edge, put(`k${i}`), { headers: { traceparent: traceparent(broken) } });
  // What has not been sent yet goes when the gateway does.
  await edge.close();

  const request = ofTrace(whole).find(({ parentSpanId }) => parentSpanId === caller);
  expect(request && [request.name, valueOf(request, 'graphql.operation.name')]).toEqual([
    'graphql',
    'Write',
  ]);
  const [field] = childrenOf(request);
  expect(field?.name).toBe('Mutation.put');
  expect(
    ['quorate.level', 'quorate.quorum.required', 'quorate.outcome'].map((name) =>
      valueOf(field!, name),
    ),
  ).toEqual(['QUORUM', 2, 'OK']);
  const write = childrenOf(field).find(({ name }) => name === 'coordinator write');
  expect(valueOf(write!, 'quorate.quorum.need')).toBe(2);
  expect(valueOf(write!, 'quorate.quorum.replication_factor')).toBe(3);
  const calls = childrenOf(write);
  expect(new Set(calls.map((call) => valueOf(call, 'quorate.replica'))).size).toBe(3);
  expect(calls.every(({ name }) => name.startsWith('replica '))).toBe(true);
  expect(calls.filter(({ name }) => name === 'replica swap').length).toBeGreaterThanOrEqual(3);
  expect(calls.every((call) => valueOf(call, 'quorate.outcome') === 'OK')).toBe(true);

  const fields = ofTrace(bySocket).filter(({ name }) => name === 'Query.get');
  expect(fields.map((one) => childrenOf(one).map(({ name }) => name))).toEqual([
    ['coordinator read'],
    ['coordinator read'],
  ]);

  const failed = ofTrace(broken).filter(
    (span) => span.name.startsWith('replica ') && span.status.code === 2,
  );
  expect(failed.length).toBeGreaterThan(0);
  for (const call of failed) expect(valueOf(call, 'quorate.replica')).toBe(lost!.id);
  const puts = ofTrace(broken).filter(({ name }) => name === 'Mutation.put');
  expect(puts.map((one) => valueOf(one, 'quorate.outcome'))).toEqual(Array(5).fill('OK'));

  expect(new Set(headers)).toEqual(new Set(['storage']));
  expect(JSON.stringify(received)).not.toMatch(/secret-key|a value/);
  expect(received.filter(({ parentSpanId, name }) => !parentSpanId && name !== 'graphql')).toEqual(
    [],
  );
});
