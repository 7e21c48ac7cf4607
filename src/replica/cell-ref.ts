/**
 * `keyspace` is the storage name (a dropped and recreated keyspace gets a new one, see
 * consistency/directory).
 */
export interface CellRef {
  readonly tenant: string;
  readonly keyspace: string;
  readonly key: string;
}

/** Tells cells apart; the tenant first. No name may hold a NUL. */
export function refName({ tenant, keyspace, key }: CellRef): string {
  return `${tenant}\0${keyspace}\0${key}`;
}

/** How every call of a replica is bounded. */
export interface CallOptions {
  /** On the clock's `monotonicMs`. After it, an abandoned statement must have no effect. */
  readonly deadlineMs: number;
  /** Asked in order to repair: the answer is no vote, so a replica without one may give it. */
  readonly forRepair?: true;
}
