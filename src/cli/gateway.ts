import type { Config } from '../config.ts';
import type { Log } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';

/** A gateway that answers, as the commands see it. */
export interface RunningGateway {
  readonly url: string;
  readonly port: number;
  /** Stops accepting, and resolves when what was accepted has been answered. */
  drain(): Promise<void>;
}

/**
 * Puts a gateway together and starts it. Rejects with one sentence: a busy port, for example.
 *
 * Loaded only here, so that `quorate --help` and `quorate status` do not wait for a GraphQL server
 * to be read from disk.
 */
export async function startGateway(options: {
  readonly config: Config;
  readonly log: Log;
  readonly mode: 'dev' | 'serve';
  /** What `/metrics` says, where it is not this process alone. */
  readonly metricsText?: () => Promise<string | undefined>;
}): Promise<RunningGateway & { readonly metrics: Metrics }> {
  const assembly = await import('../assemble.ts');
  return assembly.startGateway(options);
}
