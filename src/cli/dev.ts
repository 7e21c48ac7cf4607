import { type Config, checkConfig } from '../config.ts';
import { type LocalCluster, type WantedReplica, nameReplicas } from '../local-cluster/cluster.ts';
import {
  openDataDirectory,
  readClusterRecord,
  rememberedSecret,
} from '../local-cluster/data-directory.ts';
import { embeddedProvider } from '../local-cluster/embedded-cluster.ts';
import { type Log, createLog } from '../runtime/log.ts';
import { banner } from './banner.ts';
import { type GivenOptions, UsageError, numberOf, textOf } from './command-line.ts';
import { type Lifetime, beginLifetime, drainWithin } from './lifetime.ts';
import { migrateAll } from './migrate.ts';
import type { Surroundings } from './surroundings.ts';
import { startOneOrMore, workersOf } from './workers.ts';

const migrationTimeoutMs = 60_000;
const replicasMax = 16;

/** What one run of `quorate dev` was asked for, after options, environment and defaults. */
interface DevOptions {
  readonly directory: string;
  readonly replicas: readonly WantedReplica[];
  readonly replicationFactor: number;
  readonly port: number;
  readonly host: string;
  readonly logLevel: string;
  readonly workers: number;
}

/**
 * `quorate dev`: databases and a gateway, from nothing, in one command.
 *
 * Started from the bottom up and stopped from the top down, whatever happens in between: each
 * `finally` undoes the line above it.
 */
export async function devCommand(given: GivenOptions, around: Surroundings): Promise<number> {
  const options = readDevOptions(given, around);
  const log = createLog(options.logLevel);
  const lifetime = beginLifetime(log, around);
  const provider = embeddedProvider({ dataDirectory: options.directory, log, ...around });
  const cluster = await provider.start(options.replicas);
  lifetime.onForce(() => cluster.abandon());
  try {
    await migrateAll(cluster.replicas, { log, timeoutMs: migrationTimeoutMs });
    const config = devConfig(options, cluster, around);
    return await runGateway({ config, log, lifetime, cluster, options, around });
  } finally {
    await cluster.stop();
  }
}

interface Run {
  readonly config: Config;
  readonly log: Log;
  readonly lifetime: Lifetime;
  readonly cluster: LocalCluster;
  readonly options: DevOptions;
  readonly around: Surroundings;
}

async function runGateway(run: Run): Promise<number> {
  const { config, log, lifetime, cluster, options, around } = run;
  const { workers: count } = options;
  const gateway = await startOneOrMore({ config, log, mode: 'dev' }, { count, around });
  try {
    if (!lifetime.hasEnded()) {
      const { url } = gateway;
      const { replicationFactor, directory: dataDirectory } = options;
      const { replicas } = cluster;
      const { colour } = around;
      around.print(banner({ url, replicas, dataDirectory, replicationFactor, colour }));
    }
    return await lifetime.ending;
  } finally {
    await drainWithin(gateway, { clock: around.clock, log, shutdown: config.shutdown });
  }
}

function readDevOptions(given: GivenOptions, { env }: Surroundings): DevOptions {
  const factor = numberOf(given, 'replication-factor', { min: 1, max: replicasMax });
  const count = numberOf(given, 'replicas', { min: 1, max: replicasMax });
  const port = numberOf(given, 'port', { min: 0, max: 65_535, env: ['PORT', env['PORT']] });
  const host = textOf(given, 'host', env['HOST']) ?? '127.0.0.1';
  const logLevel = textOf(given, 'log-level') ?? 'warn';
  if (!logLevels.includes(logLevel)) {
    throw new UsageError(`--log-level must be one of ${logLevels.join(', ')}.`);
  }
  const zones = textOf(given, 'zones')
    ?.split(',')
    .map((zone) => zone.trim());
  if (zones?.some((zone) => !/^[A-Za-z0-9][\w-]{0,62}$/.test(zone))) {
    throw new UsageError('--zones must be names separated by commas, like a,b,c.');
  }
  const wanted = textOf(given, 'data-dir', env['QUORATE_DATA_DIR']) ?? '.quorate';
  const directory = openDataDirectory(wanted);
  const replicas = chooseReplicas(directory, count, zones);
  if (factor !== undefined && factor > replicas.length) {
    throw new UsageError(
      `--replication-factor must be at most ${replicas.length}, the number of replicas.`,
    );
  }
  const replicationFactor = factor ?? Math.min(3, replicas.length);
  const workers = workersOf(given);
  return { directory, replicas, replicationFactor, port: port ?? 4000, host, logLevel, workers };
}

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'silent'];

/** What is asked for, and for what is not asked, what the data directory remembers. */
function chooseReplicas(
  directory: string,
  count: number | undefined,
  zones: readonly string[] | undefined,
): readonly WantedReplica[] {
  const remembered = readClusterRecord(directory)?.replicas;
  const chosen = nameReplicas(count ?? remembered?.length ?? 3, zones);
  if (zones !== undefined) return chosen;
  return chosen.map(({ id }) => ({ id, zone: remembered?.find((one) => one.id === id)?.zone }));
}

function devConfig(options: DevOptions, cluster: LocalCluster, around: Surroundings): Config {
  const { directory, replicationFactor, port, host, logLevel } = options;
  const tenant = 'demo';
  const input = {
    replicas: cluster.replicas,
    replicationFactor,
    signingKeys: [rememberedSecret(directory, 'signing-key', around.random)],
    listen: { port, host },
    logLevel,
    auth: { anonymousTenant: tenant },
    keyspaces: [
      { tenant, name: 'demo', conflicts: 'SIBLINGS' },
      { tenant, name: 'profiles', conflicts: 'LAST_WRITE_WINS' },
    ],
  };
  return checkConfig(input, 'quorate dev');
}
