import { createTopology } from '../placement/membership.ts';
import { createPlacement, ownedPartitions } from '../placement/preference-list.ts';
import { inspect, type ReplicaReport } from '../replica/postgres/inspect.ts';
import type { Clock } from '../runtime/clock.ts';
import { askGateway, type GatewayAddress } from './graphql-client.ts';

/** One line of `quorate status`; names are those of the API. Null: not known. */
export interface StatusLine {
  readonly id: string;
  readonly zone: string | null;
  readonly state: string;
  readonly incarnation: string;
  readonly ownedPartitions: number;
  readonly openHints: number | null;
  readonly lagMs: number | null;
  readonly readLatencyP50Ms: number | null;
  readonly readLatencyP99Ms: number | null;
  readonly reason: string | null;
}

export interface StatusReport {
  readonly source: 'gateway' | 'replicas';
  /** Null when no gateway was asked: the databases do not know. */
  readonly epoch: number | null;
  readonly partitions: number;
  readonly replicas: readonly StatusLine[];
}

/** What is asked directly, and how the keys lie there. */
export interface Asked {
  readonly replicas: readonly {
    readonly id: string;
    readonly zone?: string | undefined;
    readonly url: string;
  }[];
  readonly partitions: number;
  readonly replicationFactor: number;
}

const question = `query status { cluster { epoch partitions replicas {
  id zone state incarnation ownedPartitions openHints lagMs readLatencyP50Ms readLatencyP99Ms reason } } }`;

/**
 * The cluster as a gateway sees it. Rejects with `Refusal` when it does not tell, and with any other
 * error when it does not answer in time.
 */
export async function reportOfGateway(gateway: GatewayAddress): Promise<StatusReport> {
  const { cluster } = await askGateway<{ cluster: Omit<StatusReport, 'source'> }>(
    gateway,
    question,
    {},
  );
  return { source: 'gateway', ...cluster };
}

/** Every replica asked directly. Hints for one are found at the others. */
export async function reportOfReplicas(
  { replicas, partitions, replicationFactor }: Asked,
  { timeoutMs, clock }: { timeoutMs: number; clock: Clock },
): Promise<StatusReport> {
  const monotonicMs = (): number => clock.monotonicMs();
  const reports = await Promise.all(
    replicas.map(({ url }) => inspect(url, { timeoutMs, monotonicMs })),
  );
  const members = replicas.map(({ id, zone }) => ({ id, zone }));
  const topology = createTopology({ epoch: 1, members, partitions });
  const partitioner = 'CONSISTENT_HASH';
  const owned = ownedPartitions(createPlacement(topology, { partitioner, replicationFactor }));
  const isFounded = reports.some((report) => 'isNew' in report && !report.isNew);
  const lines = replicas.map(({ id, zone }, index): StatusLine => {
    const report = reports[index];
    const isTold = report !== undefined && 'incarnation' in report;
    const hasLost = isTold && report.isNew && isFounded;
    return {
      id,
      zone: zone ?? null,
      state: hasLost ? 'REPAIRING' : (report?.state ?? 'DOWN'),
      incarnation: isTold ? report.incarnation : '',
      ownedPartitions: owned.get(id) ?? 0,
      ...hintsFor(id, reports),
      readLatencyP50Ms: isTold ? report.p50Ms : null,
      readLatencyP99Ms: isTold ? report.p99Ms : null,
      reason: hasLost ? 'it is empty, and its cluster is not' : (report?.reason ?? null),
    };
  });
  return { source: 'replicas', epoch: null, partitions, replicas: lines };
}

/** Not known when nobody could be asked that might keep some. */
function hintsFor(
  id: string,
  reports: readonly ReplicaReport[],
): Pick<StatusLine, 'openHints' | 'lagMs'> {
  const told = reports.flatMap((report) => ('hints' in report ? [report.hints] : []));
  if (told.length === 0) return { openHints: null, lagMs: null };
  const kept = told.flat().filter(({ target }) => target === id);
  return {
    openHints: kept.reduce((sum, { hints }) => sum + hints, 0),
    lagMs: Math.max(0, ...kept.map(({ oldestMs }) => oldestMs)),
  };
}
