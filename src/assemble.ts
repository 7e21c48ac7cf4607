import { assembleStore, type AssembledStore, type StoreParts } from './assemble-store.ts';
import { openQuotas, type Weights } from './assemble-quotas.ts';
import { openTracing } from './assemble-tracing.ts';
import { openTenancy } from './assemble-tenancy.ts';
import { bootstrap } from './bootstrap.ts';
import type { Config } from './config.ts';
import { sealSeen } from './consistency/session-token.ts';
import { createFeed, type Feed } from './feed/feed.ts';
import { startTrimming } from './feed/trim.ts';
import { createGatewayServer } from './gateway/http.ts';
import { documentPolicy } from './trusted-documents.ts';
import { migrate } from './replica/postgres/migrate.ts';
import { WrongDatabase } from './replica/wrong-database.ts';
import { postgresChangeSource } from './replica/postgres/change-source.ts';
import { PostgresReplica } from './replica/postgres/postgres-replica.ts';
import { systemClock } from './runtime/clock.ts';
import type { Log } from './runtime/log.ts';
import { collectProcessMetrics, createMetrics, type Metrics } from './runtime/metrics.ts';
import type { Tracing } from './runtime/tracing.ts';
import { systemRandom } from './runtime/random.ts';

export interface GatewayOptions {
  readonly config: Config;
  readonly log: Log;
  readonly mode: 'dev' | 'serve';
  /** What `/metrics` says, where this is one process of several; undefined: its own. */
  readonly metricsText?: (() => Promise<string | undefined>) | undefined;
}

export interface Gateway {
  readonly url: string;
  readonly port: number;
  readonly metrics: Metrics;
  /** Takes no new work, finishes what is open, lets go of the replicas. */
  drain(): Promise<void>;
}

const clock = systemClock;
const random = systemRandom;
const migrationMs = 60_000;
/** A start does not wait longer for a replica that is silent; it is used when it comes. */
const reachMs = 5_000;

/**
 * THE COMPOSITION ROOT: one gateway over given Postgres databases, every part told what it stands
 * on.
 *
 * Starts with what it finds: a replica that is down is migrated and used when it comes. Rejects
 * with one sentence for the operator.
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { config, log, mode } = options;
  const documents = await documentPolicy(config.documents);
  const spans = await openTracing(config.tracing);
  const { tracing } = spans;
  const metrics = collectProcessMetrics(createMetrics());
  const weights: Weights = { of: () => 1 };
  const assembled = openStore({ config, log, metrics, tracing, weights });
  const changes = openFeed({ config, log, metrics, assembled });
  const tenancy = openTenancy({ config, mode, assembled });
  const quotas = openQuotas({ config, assembled, tenants: tenancy.tenants, weights });
  // Whoever waits for readiness expects the keyspaces of the configuration to be there.
  let isFurnished = false;
  const close = async (): Promise<void> => {
    await tenancy.close();
    await Promise.all([quotas.close(), changes.close()]);
    await assembled.close();
    await spans.close();
  };
  const server = await orElse(close, () =>
    createGatewayServer({
      changes: changes.feed,
      tenants: tenancy.tenants,
      authenticator: tenancy.authenticator,
      ...quotas.services,
      audit: tenancy.audit,
      log,
      metrics,
      tracing,
      clock,
      random,
      mode,
      ready: () => isFurnished && reachedMajority(assembled),
      documents,
      ...edgeSettings(options),
    }),
  );
  const drain = async (): Promise<void> => {
    const cut = clock.after(cutAfterMs(config), () => server.cut());
    await server.drain();
    cut();
    await close();
  };
  try {
    const port = await server.listen(config.listen.port, config.listen.host);
    await reachReplicas(assembled);
    await bootstrap(assembled, tenancy.tenants, config);
    isFurnished = true;
    return { port, url: `http://${shownHost(config.listen.host)}:${port}`, metrics, drain };
  } catch (error) {
    await drain();
    throw error;
  }
}

function openStore(parts: {
  config: Config;
  log: Log;
  metrics: Metrics;
  tracing: Tracing;
  weights: Weights;
}): AssembledStore {
  const { config, log, metrics, tracing, weights } = parts;
  return assembleStore({
    clock,
    random,
    log,
    metrics,
    tracing,
    replicas: openReplicas(config, { log, metrics, weights }),
    partitions: config.partitions,
    signingKeys: config.signingKeys,
    replicationFactor: config.replicationFactor,
    timeouts: config.timeouts,
    pageBytes: config.limits.pageBytes,
    ...backgroundOf(config.repair),
  });
}

/** What then remains of the time is for what the answered requests have left under way. */
function cutAfterMs({ shutdown: { notReadyMs, withinMs } }: Config): number {
  return notReadyMs + (withinMs * 2) / 3;
}

function edgeSettings({ config, metricsText }: GatewayOptions) {
  const { limits, shutdown, cors, listen, fastLane } = config;
  const { notReadyMs } = shutdown;
  const { httpsOnly } = listen;
  return { limits, notReadyMs, corsOrigins: cors.origins, httpsOnly, fastLane, metricsText };
}

/** What could not be made leaves nothing running behind it. */
async function orElse<T>(close: () => Promise<void>, make: () => T): Promise<T> {
  try {
    return make();
  } catch (error) {
    await close();
    throw error;
  }
}

/** The change feed, and what keeps the logs that it reads from growing for ever. */
function openFeed(parts: {
  config: Config;
  log: Log;
  metrics: Metrics;
  assembled: AssembledStore;
}): { feed: Feed; close(): Promise<void> } {
  const { config, log, metrics, assembled } = parts;
  const { store, cluster, sealer } = assembled;
  const { connectMs, requestMs } = config.timeouts;
  const sources = config.replicas.map(({ id, url }) =>
    postgresChangeSource({ id, url, clock, connectMs, answerMs: requestMs }),
  );
  const feed = createFeed({
    clock,
    random,
    log,
    metrics,
    sealer,
    sources: () => sources,
    store,
    replicasOf: (keyspace, key) =>
      cluster.placeKey(keyspace, key).targets.map(({ replica }) => replica.id),
    sessionAfter: (caller, entry) => sealSeen(sealer, caller.tenant, entry),
    settings: {
      queueEvents: config.limits.subscriptionQueue,
      retentionMs: config.changeLogHours * 3_600_000,
    },
  });
  const { changeLogHours } = config;
  const trimming = startTrimming({ clock, random, log, sources: () => sources, changeLogHours });
  return {
    feed,
    async close() {
      trimming.stop();
      await feed.close();
    },
  };
}

function backgroundOf({
  hints,
  antiEntropy,
  tombstones,
}: Config['repair']): Pick<StoreParts, 'repair' | 'hints'> {
  return {
    repair: {
      antiEntropyEveryMs: antiEntropy.everySeconds * 1_000,
      tombstoneGraceMs: tombstones.graceMinutes * 60_000,
    },
    hints: {
      enabled: hints.enabled,
      expireMs: hints.expireMinutes * 60_000,
      replayPerSecond: hints.replayPerSecond,
      hintsMax: hints.maxPerReplica,
      bytesMax: hints.maxMegabytesPerReplica * 1_048_576,
    },
  };
}

function openReplicas(
  config: Config,
  { log, metrics, weights }: { log: Log; metrics: Metrics; weights: Weights },
): readonly PostgresReplica[] {
  return config.replicas.map(
    ({ id, zone, url }) =>
      new PostgresReplica({
        id,
        zone,
        url,
        clock,
        log,
        metrics,
        connectMs: config.timeouts.connectMs,
        ...config.pool,
        weightOf: (tenant) => weights.of(tenant),
        migrate: async () => {
          await migrate(url, { replica: id, log, timeoutMs: migrationMs });
        },
      }),
  );
}

/**
 * Meets every replica that can be met, and refuses databases that do not belong where they were found:
 * two names of one, one of another cluster, swapped ones. An acknowledgement there would be of no use.
 */
async function reachReplicas({ cluster }: AssembledStore): Promise<void> {
  const deadlineMs = clock.monotonicMs() + reachMs;
  const meetings = await Promise.allSettled(
    cluster.replicas.map((replica) => replica.ping({ deadlineMs })),
  );
  for (const meeting of meetings) {
    const fault: unknown = meeting.status === 'rejected' ? meeting.reason : undefined;
    if (fault instanceof WrongDatabase) throw new Error(fault.message);
  }
}

function reachedMajority({ cluster }: AssembledStore): boolean {
  const reached = cluster.replicas.filter(
    ({ votes, incarnation }) => votes && incarnation !== undefined,
  );
  return reached.length > cluster.replicas.length / 2;
}

function shownHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}
