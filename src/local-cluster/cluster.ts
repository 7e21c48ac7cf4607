/** One Postgres that a provider runs (or was given), as the gateway is told about it. */
export interface LocalReplica {
  readonly id: string;
  readonly zone: string | undefined;
  /** With the password: for the gateway, for the operator's banner, never for a log. */
  readonly url: string;
}

/** What is asked of a provider: this many databases, named so. */
export interface WantedReplica {
  readonly id: string;
  readonly zone?: string | undefined;
}

/**
 * Running databases. `stop` leaves no process behind and keeps the data.
 *
 * The faults are part of the contract because they are the same experiment everywhere: a person
 * tries them in `quorate dev`, the integration tests try them on every provider.
 */
export interface LocalCluster {
  readonly replicas: readonly LocalReplica[];
  /**
   * Ends a database at once, without a shutdown: the process is gone, what it had committed is not.
   */
  kill(id: string): Promise<void>;
  /**
   * Stops a database in its tracks, every session of it: it accepts connections and never answers.
   */
  freeze(id: string): Promise<void>;
  /** Lets a frozen database go on where it was. */
  thaw(id: string): Promise<void>;
  /** Brings a database back on the same URL, whatever state it is in. */
  restart(id: string): Promise<void>;
  stop(): Promise<void>;
}

/** Where databases come from: embedded binaries, Docker containers, or URLs that were given. */
export interface ReplicaProvider {
  /** Resolves when all of them answer. On failure nothing is left running. */
  start(wanted: readonly WantedReplica[]): Promise<LocalCluster>;
}

/** Why databases could not be started, in one sentence for the person at the terminal. */
export class ClusterError extends Error {
  constructor(sentence: string) {
    super(sentence);
    this.name = 'ClusterError';
  }
}

/** `replica-1`, `replica-2`, …, dealt over the zones in turn. */
export function nameReplicas(count: number, zones: readonly string[] = []): WantedReplica[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `replica-${index + 1}`,
    zone: zones[index % zones.length],
  }));
}
