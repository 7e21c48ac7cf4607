/** What became of one replica in one request, at the moment of the answer. */
export type ReplicaStatus =
  'OK' | 'STALE' | 'REPAIRED' | 'HINTED' | 'TIMEOUT' | 'DOWN' | 'REFUSED' | 'PENDING' | 'NOT_ASKED';

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

/**
 * What a request was really given by the replicas. The level's name is added above
 * (consistency/store).
 */
export interface Receipt {
  readonly replicationFactor: number;
  readonly required: number;
  /**
   * Replicas that answered a read, or acknowledged a write, before the answer. Hints never count.
   */
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

/** From best to worst, for the one line that a replica has in a receipt over many keys. */
const severity: readonly ReplicaStatus[] = [
  'OK',
  'NOT_ASKED',
  'PENDING',
  'REPAIRED',
  'STALE',
  'HINTED',
  'REFUSED',
  'TIMEOUT',
  'DOWN',
];

/**
 * One receipt over several keys, never rosier than the worst of them: `answered` is the least, a
 * replica shows the worst that became of it, `stale`, `repaired` and `hinted` count cells.
 */
export function combineReceipts(receipts: readonly Receipt[]): Receipt {
  const [first, ...rest] = receipts;
  if (!first) throw new Error('there is no receipt to combine');
  if (rest.length === 0) return first;
  const replicas = new Map<string, ReplicaOutcome>();
  for (const outcome of receipts.flatMap((receipt) => receipt.replicas)) {
    const before = replicas.get(outcome.replica);
    const isWorse = !before || severity.indexOf(outcome.status) > severity.indexOf(before.status);
    if (isWorse) replicas.set(outcome.replica, outcome);
  }
  const sum = (count: (receipt: Receipt) => number): number =>
    receipts.reduce((total, receipt) => total + count(receipt), 0);
  return {
    ...first,
    answered: Math.min(...receipts.map(({ answered }) => answered)),
    stale: sum(({ stale }) => stale),
    repaired: sum(({ repaired }) => repaired),
    hinted: sum(({ hinted }) => hinted),
    replicas: [...replicas.values()],
    elapsedMs: Math.max(...receipts.map(({ elapsedMs }) => elapsedMs)),
  };
}
