import { rememberedReplicas } from '../local-cluster/data-directory.ts';
import { type ReplicaReport, inspect } from '../replica/postgres/inspect.ts';
import { type GivenOptions, numberOf, textOf } from './command-line.ts';
import { loadConfig } from './config-file.ts';
import type { Surroundings } from './surroundings.ts';
import { table } from './table.ts';

interface Asked {
  readonly id: string;
  readonly zone?: string | undefined;
  readonly url: string;
}

/**
 * `quorate status`: every replica asked directly, not through a gateway, which may itself be what
 * is broken. Exit code 1 unless all are up, so that a script can ask.
 */
export async function statusCommand(given: GivenOptions, around: Surroundings): Promise<number> {
  const timeoutMs = numberOf(given, 'timeout-ms', { min: 1, max: 600_000 }) ?? 2_000;
  const monotonicMs = (): number => around.clock.monotonicMs();
  const replicas = replicasToAsk(given, around);
  const reports = await Promise.all(
    replicas.map(({ url }) => inspect(url, { timeoutMs, monotonicMs })),
  );
  const rows = replicas.map((replica, index) => row(replica, reports[index]));
  around.print(table([['REPLICA', 'ZONE', 'STATE', 'INCARNATION', 'CELLS', 'LATENCY'], ...rows]));
  return reports.every(({ state }) => state === 'up') ? 0 : 1;
}

function replicasToAsk(given: GivenOptions, { env }: Surroundings): readonly Asked[] {
  // A data directory that was named goes before a configuration that only happens to be in the
  // environment.
  const named = textOf(given, 'data-dir');
  const config = textOf(given, 'config', named === undefined ? env['QUORATE_CONFIG'] : undefined);
  if (config !== undefined) return loadConfig(given, env).replicas;
  return rememberedReplicas(named ?? env['QUORATE_DATA_DIR'] ?? '.quorate');
}

function row({ id, zone }: Asked, report: ReplicaReport | undefined): readonly string[] {
  if (report === undefined) return [id];
  if (report.state !== 'up') return [id, zone ?? '-', `${report.state}: ${report.reason}`];
  const { incarnation, cells, elapsedMs } = report;
  return [id, zone ?? '-', 'up', incarnation, String(cells), `${elapsedMs.toFixed(1)} ms`];
}
