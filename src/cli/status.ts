import { rememberedReplicas } from '../local-cluster/data-directory.ts';
import { type GivenOptions, numberOf, textOf } from './command-line.ts';
import { loadConfig } from './config-file.ts';
import { Refusal } from './graphql-client.ts';
import {
  reportOfGateway,
  reportOfReplicas,
  type Asked,
  type StatusLine,
  type StatusReport,
} from './status-report.ts';
import type { Surroundings } from './surroundings.ts';
import { duration, table, type Column } from './table.ts';

const devPartitions = 256;
const devReplicationFactor = 3;

const columns: readonly Column[] = [
  'REPLICA',
  'ZONE',
  'STATE',
  'INCARNATION',
  { title: 'PARTITIONS', align: 'right' },
  { title: 'HINTS', align: 'right' },
  { title: 'LAG', align: 'right' },
  { title: 'P50', align: 'right' },
  { title: 'P99', align: 'right' },
];
const stateColumn = 2;

/**
 * `quorate status`: the cluster as a table, from a gateway (`--url`), or from every replica directly:
 * without a gateway's address, and when none answers there, since it may itself be what is broken.
 * Exit code 1 unless all replicas are UP, so that a script can ask.
 */
export async function statusCommand(given: GivenOptions, around: Surroundings): Promise<number> {
  const timeoutMs = numberOf(given, 'timeout-ms', { min: 1, max: 600_000 }) ?? 2_000;
  const url = textOf(given, 'url', around.env['QUORATE_URL']);
  const { clock } = around;
  const { report, note } =
    url === undefined
      ? {
          report: await reportOfReplicas(replicasToAsk(given, around), { timeoutMs, clock }),
          note: '',
        }
      : await fromGateway(url, { given, around, timeoutMs });
  if (given['json'] === true) around.print(`${JSON.stringify(report, undefined, 2)}\n`);
  else around.print(`${note}${drawn(report, around.colour)}`);
  return report.replicas.every(({ state }) => state === 'UP') ? 0 : 1;
}

async function fromGateway(
  url: string,
  what: { given: GivenOptions; around: Surroundings; timeoutMs: number },
): Promise<{ report: StatusReport; note: string }> {
  const { given, around, timeoutMs } = what;
  const { clock, env } = around;
  const apiKey = textOf(given, 'api-key', env['QUORATE_API_KEY']);
  try {
    const report = await reportOfGateway({ url, apiKey, timeoutMs, clock });
    return { report, note: '' };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (error instanceof Refusal) {
      const hint = 'QUORATE_API_KEY must hold the key of an OPERATOR';
      throw new Error(`The gateway does not tell: ${error.message}. ${hint}.`, { cause: error });
    }
    const report = await reportOfReplicas(replicasToAsk(given, around), { timeoutMs, clock });
    return { report, note: `${error.message}; so the replicas were asked directly.\n\n` };
  }
}

function replicasToAsk(given: GivenOptions, { env }: Surroundings): Asked {
  // A data directory that was named goes before a configuration that only happens to be in the
  // environment.
  const named = textOf(given, 'data-dir');
  const config = textOf(given, 'config', named === undefined ? env['QUORATE_CONFIG'] : undefined);
  if (config !== undefined) return loadConfig(given, env);
  const replicas = rememberedReplicas(named ?? env['QUORATE_DATA_DIR'] ?? '.quorate');
  const replicationFactor = Math.min(devReplicationFactor, replicas.length);
  return { replicas, partitions: devPartitions, replicationFactor };
}

function drawn(report: StatusReport, colour: boolean): string {
  const { replicas, partitions, epoch, source } = report;
  const reasons = replicas
    .filter(({ reason }) => reason)
    .map(({ id, reason }) => `${id}: ${reason}`);
  const about = [
    `${replicas.length} replicas`,
    `${partitions} partitions`,
    ...(epoch === null ? [] : [`epoch ${epoch}`]),
    source === 'gateway' ? 'as this gateway sees them' : 'asked directly',
  ].join(', ');
  const painted = (cell: string, column: number): string =>
    colour && column === stateColumn ? inColour(cell) : cell;
  const drawing = table(columns, replicas.map(rowOf), painted);
  return `${drawing}\n${[about, ...reasons].join('\n')}\n`;
}

function rowOf(line: StatusLine): readonly string[] {
  const { id, zone, state, incarnation, ownedPartitions, openHints, lagMs } = line;
  return [
    id,
    zone ?? '-',
    state,
    incarnation === '' ? '-' : incarnation,
    String(ownedPartitions),
    openHints === null ? '-' : String(openHints),
    lagMs === null ? '-' : duration(lagMs),
    latency(line.readLatencyP50Ms),
    latency(line.readLatencyP99Ms),
  ];
}

function latency(ms: number | null): string {
  return ms === null ? '-' : `${ms.toFixed(1)} ms`;
}

/** UP in green, DOWN in red, what is between in yellow. */
function inColour(state: string): string {
  const code = { UP: 32, DOWN: 31 }[state] ?? 33;
  return `\u001b[${code}m${state}\u001b[0m`;
}
