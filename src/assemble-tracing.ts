import type { Config } from './config.ts';
import type { OpenedTracing } from './open-telemetry.ts';
import { systemClock } from './runtime/clock.ts';
import { noTracing } from './runtime/tracing.ts';

const lastSpansMs = 2_000;

/** Tracing as it is configured; where it is not, nothing of it is even read from the disk. */
export async function openTracing(settings: Config['tracing']): Promise<OpenedTracing> {
  const { url } = settings;
  if (url === undefined) return { tracing: noTracing, close: () => Promise.resolve() };
  const { openTelemetry } = await import('./open-telemetry.ts');
  const opened = openTelemetry({ ...settings, url });
  // A collector that is away must not hold up the end of a gateway.
  return { ...opened, close: () => within(lastSpansMs, opened.close()) };
}

async function within(ms: number, work: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<undefined>();
  const cancel = systemClock.after(ms, () => late.resolve(undefined));
  await Promise.race([work, late.promise]).finally(cancel);
}
