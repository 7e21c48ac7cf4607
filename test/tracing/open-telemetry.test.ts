import {
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { beforeEach, expect, test } from '@jest/globals';
import { StoreError } from '../../src/errors.ts';
import { tracingOver } from '../../src/open-telemetry.ts';
import { noTracing, type Tracing } from '../../src/runtime/tracing.ts';

let exporter: InMemorySpanExporter;
let tracing: Tracing;
beforeEach(() => {
  exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  tracing = tracingOver(provider.getTracer('test'));
});

/** Name, parent's name, and what it says of itself; in the order in which they ended. */
function spans(): readonly (readonly [string, string | undefined, object])[] {
  const finished = exporter.getFinishedSpans();
  const names = new Map(finished.map((span) => [span.spanContext().spanId, span.name]));
  return finished.map(({ name, parentSpanContext, attributes }) => [
    name,
    names.get(parentSpanContext?.spanId ?? ''),
    attributes,
  ]);
}

test('what happens inside a request is a part of it, whatever was awaited in between', async () => {
  await tracing.request({ name: 'request' }, async (span) => {
    span.set({ 'quorate.tenant': 'shop' });
    await Promise.all([
      tracing.within('a', { n: 1 }, async () => {
        await Promise.resolve();
        await tracing.within('a1', {}, () => Promise.resolve());
      }),
      tracing.within('b', {}, () => Promise.resolve()),
    ]);
  });
  expect(spans()).toEqual([
    ['b', 'request', {}],
    ['a1', 'a', {}],
    ['a', 'request', { n: 1 }],
    ['request', undefined, { 'quorate.tenant': 'shop' }],
  ]);
});

test('a part that rejects is marked with its code, and says nothing of its message', async () => {
  const refused = new StoreError('READ_TIMEOUT', 'a message with a name in it');
  const work = tracing.request({ name: 'request' }, () =>
    tracing.within('read', {}, () => Promise.reject(refused)),
  );
  await expect(work).rejects.toBe(refused);
  const [read] = exporter.getFinishedSpans();
  expect(read?.attributes).toEqual({
    'quorate.outcome': 'READ_TIMEOUT',
    'error.type': 'READ_TIMEOUT',
  });
  expect(read?.status).toEqual({ code: 2 });
  expect(JSON.stringify([read?.attributes, read?.events])).not.toContain('a message');
});

test('outside of any request there are no spans: what runs in the background is nobody’s', async () => {
  await tracing.within('probe', {}, () => Promise.resolve());
  expect(spans()).toEqual([]);
});

test('a caller’s trace goes on; one that is malformed is not followed, and fails nothing', async () => {
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const parent = 'b7ad6b7169203331';
  await tracing.request(
    { name: 'followed', from: { traceparent: `00-${traceId}-${parent}-01`, tracestate: 'a=b' } },
    () => Promise.resolve(),
  );
  for (const traceparent of [
    '',
    'nonsense',
    `00-${'0'.repeat(32)}-${parent}-01`,
    'x'.repeat(9_999),
  ])
    await tracing.request({ name: 'begun', from: { traceparent } }, () => Promise.resolve());
  const [followed, ...begun] = exporter.getFinishedSpans();
  expect([followed?.spanContext().traceId, followed?.parentSpanContext?.spanId]).toEqual([
    traceId,
    parent,
  ]);
  expect(begun).toHaveLength(4);
  expect(begun.every(({ parentSpanContext }) => parentSpanContext === undefined)).toBe(true);
});

test('where it is off, the work is called and nothing else', async () => {
  const work = Promise.resolve(1);
  expect(noTracing.within('a', {}, () => work)).toBe(work);
  expect(noTracing.request({ name: 'a' }, () => work)).toBe(work);
  await work;
});
