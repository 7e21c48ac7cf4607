import { assembleStore, type AssembledStore } from '../assemble-store.ts';
import { openRecords } from '../assemble-tenancy.ts';
import type { EntryLog } from '../consistency/system-log.ts';
import { rememberedReplicas } from '../local-cluster/data-directory.ts';
import { migrate } from '../replica/postgres/migrate.ts';
import { PostgresReplica } from '../replica/postgres/postgres-replica.ts';
import { createLog } from '../runtime/log.ts';
import { createMetrics } from '../runtime/metrics.ts';
import { textOf, type GivenOptions } from './command-line.ts';
import { loadConfig } from './config-file.ts';
import type { Surroundings } from './surroundings.ts';

/** Databases that a command works on itself, without a gateway. */
export interface Databases {
  readonly replicas: readonly {
    readonly id: string;
    readonly zone?: string | undefined;
    readonly url: string;
  }[];
  readonly partitions: number;
  readonly replicationFactor?: number | undefined;
  readonly auditDays?: number;
}

const migrationMs = 60_000;
/** As the configuration has it where it says nothing. */
const auditDays = 30;

/** Those of a configuration; without one, those of the local cluster. */
export function databasesOf(given: GivenOptions, { env }: Surroundings): Databases {
  const named = textOf(given, 'data-dir');
  const config = textOf(given, 'config', named === undefined ? env['QUORATE_CONFIG'] : undefined);
  if (config !== undefined) return loadConfig(given, env);
  const replicas = rememberedReplicas(named ?? env['QUORATE_DATA_DIR'] ?? '.quorate');
  return { replicas, partitions: 256 };
}

/**
 * A store that serves nobody: it knows which keyspaces there are, the system's own among them, where
 * keys lie, and who the replicas are. It gives nobody a vote unless it is told to.
 */
export function openDatabases(
  asked: Databases,
  { clock, random }: Surroundings,
  timeoutMs: number,
): { readonly assembled: AssembledStore; readonly audit: EntryLog } {
  const log = createLog('silent');
  const metrics = createMetrics();
  const { replicas, partitions, replicationFactor } = asked;
  const assembled = assembleStore({
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
    identity: { admits: false },
  });
  const { entries } = openRecords(assembled, asked.auditDays ?? auditDays);
  return { assembled, audit: entries };
}
