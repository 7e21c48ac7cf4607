import { assembleStore, type AssembledStore } from '../assemble-store.ts';
import { rememberedReplicas } from '../local-cluster/data-directory.ts';
import { StoreError } from '../errors.ts';
import type { RepairProgress } from '../repair/anti-entropy.ts';
import type { RepairSummary } from '../repair/repair-summary.ts';
import { migrate } from '../replica/postgres/migrate.ts';
import { PostgresReplica } from '../replica/postgres/postgres-replica.ts';
import { createLog } from '../runtime/log.ts';
import { createMetrics } from '../runtime/metrics.ts';
import { UsageError, numberOf, textOf, type GivenOptions } from './command-line.ts';
import { loadConfig } from './config-file.ts';
import type { Surroundings } from './surroundings.ts';
import { table } from './table.ts';

interface Asked {
  readonly replicas: readonly {
    readonly id: string;
    readonly zone?: string | undefined;
    readonly url: string;
  }[];
  readonly partitions: number;
  readonly replicationFactor: number | undefined;
}

const migrationMs = 60_000;
const barChars = 32;

/**
 * `quorate repair`: compares the replicas now, as the gateways do in the background, and brings them
 * to the same state. It works on the databases and needs no gateway; what gateways write meanwhile
 * does no harm. Exit code 1 when anything could not be compared.
 */
export async function repairCommand(given: GivenOptions, around: Surroundings): Promise<number> {
  const timeoutMs = numberOf(given, 'timeout-ms', { min: 1, max: 600_000 }) ?? 2_000;
  const scope = {
    tenant: textOf(given, 'tenant'),
    keyspace: textOf(given, 'keyspace'),
    replica: textOf(given, 'replica'),
  };
  const asked = toRepair(given, around);
  if (scope.replica !== undefined && !asked.replicas.some(({ id }) => id === scope.replica))
    throw new UsageError(`There is no replica "${scope.replica}".`);
  const assembled = open(asked, around, timeoutMs);
  try {
    const meant = (await assembled.repair.keyspaces()).filter(
      ({ tenant, name }) =>
        (scope.tenant ?? tenant) === tenant && (scope.keyspace ?? name) === name,
    );
    if (meant.length === 0) throw new Error('There is no such keyspace.');
    const onProgress = (progress: RepairProgress): void => showProgress(progress, around);
    const summary = await assembled.repair.antiEntropy.run(scope, { onProgress });
    if (around.colour) around.print('\r\u001b[K');
    around.print(report(summary, meant.length));
    return summary.failed === 0 ? 0 : 1;
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    throw new Error(`The directory of keyspaces cannot be read: ${error.message}`, {
      cause: error,
    });
  } finally {
    await assembled.close();
  }
}

function toRepair(given: GivenOptions, { env }: Surroundings): Asked {
  const named = textOf(given, 'data-dir');
  const config = textOf(given, 'config', named === undefined ? env['QUORATE_CONFIG'] : undefined);
  if (config !== undefined) return loadConfig(given, env);
  const replicas = rememberedReplicas(named ?? env['QUORATE_DATA_DIR'] ?? '.quorate');
  return { replicas, partitions: 256, replicationFactor: undefined };
}

/** A store that serves nobody: it knows where keys lie, and how to read the directory. */
function open(asked: Asked, { clock, random }: Surroundings, timeoutMs: number): AssembledStore {
  const log = createLog('silent');
  const metrics = createMetrics();
  const { replicas, partitions, replicationFactor } = asked;
  return assembleStore({
    ...{ clock, random, log, metrics, partitions },
    replicas: replicas.map(
      ({ id, zone, url }) =>
        new PostgresReplica({
          ...{ id, zone, url, clock, log, metrics },
          connectMs: timeoutMs,
          readConnections: 2,
          writeConnections: 2,
          migrate: async () => {
            await migrate(url, { replica: id, log, timeoutMs: migrationMs });
          },
        }),
    ),
    // Nothing that a client would carry is signed here.
    signingKeys: [random.hex(32)],
    ...(replicationFactor === undefined ? {} : { replicationFactor }),
    timeouts: { requestMs: timeoutMs, mintMs: timeoutMs },
    repair: { antiEntropyEveryMs: 0 },
  });
}

/** Only for somebody who looks on: a script gets the summary alone. */
function showProgress({ keyspace, done, of, summary }: RepairProgress, around: Surroundings): void {
  if (!around.colour) return;
  const filled = Math.round((barChars * done) / Math.max(1, of));
  const bar = '█'.repeat(filled) + '░'.repeat(barChars - filled);
  const where = `${keyspace.tenant}/${keyspace.name}`;
  const found = `${summary.compared} compared, ${summary.different} different`;
  around.print(
    `\r\u001b[K${bar} ${Math.floor((100 * done) / Math.max(1, of))} %  ${where}  ${found}`,
  );
}

function report(summary: RepairSummary, keyspaces: number): string {
  const { compared, different, repaired, refused, cellsRead, bytes, failed, elapsedMs } = summary;
  const titles = [
    'KEYSPACES',
    'COMPARED',
    'DIFFERENT',
    'REPAIRED',
    'CELLS READ',
    'BYTES',
    'SECONDS',
  ];
  const columns = titles.map((title) => ({ title, align: 'right' as const }));
  const figures = [keyspaces, compared, different, repaired, cellsRead, Math.round(bytes)].map(
    String,
  );
  const lines = [table(columns, [[...figures, (elapsedMs / 1_000).toFixed(1)]])];
  if (refused > 0)
    lines.push(`${refused} cells wait for a round of consensus that is under way; repair again.\n`);
  if (failed > 0) lines.push(`${failed} parts of partitions could not be compared or repaired:\n`);
  for (const [replica, reason] of summary.faults) lines.push(`  ${replica}: ${reason}\n`);
  return lines.join('');
}
