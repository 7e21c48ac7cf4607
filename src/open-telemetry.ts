import { AsyncLocalStorage } from 'node:async_hooks';
import {
  defaultTextMapGetter,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Context,
  type Span as OtelSpan,
  type Tracer,
} from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Config } from './config.ts';
import type { RemoteTrace, Span, Tracing } from './runtime/tracing.ts';

export interface OpenedTracing {
  readonly tracing: Tracing;
  /** Sends what is still here. */
  close(): Promise<void>;
}

/**
 * Spans by OpenTelemetry, sent as OTLP over HTTP in batches. Loaded only where tracing is configured,
 * and the only file that knows the SDK.
 */
export function openTelemetry(
  settings: Config['tracing'] & { readonly url: string },
): OpenedTracing {
  const { url, headers, serviceName, sampleRatio } = settings;
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': serviceName }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(sampleRatio) }),
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url, headers }) })],
  });
  return {
    tracing: tracingOver(provider.getTracer('quorate')),
    close: () => provider.shutdown().catch(() => undefined),
  };
}

/** Our seam over a tracer. What is under way is known by an AsyncLocalStorage of its own. */
export function tracingOver(tracer: Tracer): Tracing {
  const current = new AsyncLocalStorage<Context>();

  async function run<T>(
    span: OtelSpan,
    inside: Context,
    work: (span: Span) => Promise<T>,
  ): Promise<T> {
    try {
      return await current.run(inside, () => work(spanOver(span)));
    } catch (error) {
      spanOver(span).fail(codeOf(error));
      throw error;
    } finally {
      span.end();
    }
  }

  return {
    isOn: true,
    request({ name, from }, work) {
      const parent = from === undefined ? ROOT_CONTEXT : contextOf(from);
      const span = tracer.startSpan(name, { kind: SpanKind.SERVER }, parent);
      return run(span, trace.setSpan(parent, span), work);
    },
    within(name, attributes, work) {
      const parent = current.getStore();
      if (parent === undefined) return work(unseen);
      const span = tracer.startSpan(name, { attributes: { ...attributes } }, parent);
      return run(span, trace.setSpan(parent, span), work);
    },
  };
}

const unseen: Span = { set: () => undefined, fail: () => undefined };
const propagator = new W3CTraceContextPropagator();

function contextOf(remote: RemoteTrace): Context {
  return propagator.extract(ROOT_CONTEXT, { ...remote }, defaultTextMapGetter);
}

function spanOver(span: OtelSpan): Span {
  return {
    set: (attributes) => void span.setAttributes({ ...attributes }),
    fail(code) {
      span.setAttributes({ 'quorate.outcome': code, 'error.type': code });
      span.setStatus({ code: SpanStatusCode.ERROR });
    },
  };
}

/** The code of a store's failure, the fault of a replica's; of anything else only its kind. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const { code, fault } = error as { code?: unknown; fault?: unknown };
  if (typeof code === 'string') return code;
  return typeof fault === 'string' ? fault : error.name;
}
