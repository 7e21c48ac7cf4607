/** What became of one replica in one request, at the moment of the answer. */
export type ReplicaStatus =
  | 'OK'
  | 'STALE'
  | 'REPAIRED'
  | 'HINTED'
  | 'TIMEOUT'
  | 'DOWN'
  | 'REFUSED'
  | 'PENDING'
  | 'NOT_ASKED';

export interface ReplicaOutcome {
  readonly replica: string;
  readonly zone?: string;
  readonly role: 'PRIMARY' | 'FALLBACK';
  readonly status: ReplicaStatus;
  /** From sending the call to its answer; absent while there is none. */
  readonly elapsedMs?: number;
  /** Why the status is not OK, for a person. Never holds a connection string. */
  readonly reason?: string;
}

/** What a request was really given by the replicas. The level's name is added above (consistency/store). */
export interface Receipt {
  readonly replicationFactor: number;
  readonly required: number;
  /** Replicas that answered a read, or acknowledged a write, before the answer. Hints never count. */
  readonly answered: number;
  /** Replicas found behind the answer that was given. */
  readonly stale: number;
  /** Of those, how many hold it now. */
  readonly repaired: number;
  readonly hinted: number;
  readonly replicas: readonly ReplicaOutcome[];
  /** The topology that chose the replicas. */
  readonly epoch: number;
  readonly elapsedMs: number;
}
