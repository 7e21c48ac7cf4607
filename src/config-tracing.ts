import { z } from 'zod';
import { isRecord, type Environment } from './config-text.ts';

/** Where spans go: the block `tracing` of the configuration. */
export const tracingSchema = z
  .strictObject({
    /** An OTLP receiver over HTTP, such as http://collector:4318/v1/traces. Left out: no tracing. */
    url: z.string().refine(isHttpUrl, 'must be an http:// or https:// URL').optional(),
    headers: z.record(z.string(), z.string()).default({}),
    serviceName: z.string().min(1).default('quorate'),
    /** The part of traces that begin here and are kept; the caller decides about his own. */
    sampleRatio: z.number().min(0).max(1).default(1),
  })
  .readonly();

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol);
}

/** The names that OpenTelemetry gives them everywhere. */
export function withTraces(given: unknown, env: Environment): { tracing?: unknown } {
  const base = env['OTEL_EXPORTER_OTLP_ENDPOINT']?.replace(/\/$/, '');
  const url = env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] ?? (base && `${base}/v1/traces`);
  if (!url) return {};
  return { tracing: isRecord(given ?? {}) ? { ...(given ?? {}), url } : given };
}
