/** So many batches are on their way at once: one is carried out while the next one is read or written. */
const promptBatches = 2;
/** A batch that is out for longer waits for something: a lock, a disk, a network. */
const lateAfterMs = 10;

/** What waits for a connection. */
export interface Waiting {
  readonly calls: number;
  /** Calls in one statement, at most. */
  readonly batchMax: number;
  /** Whether those whose turn it is share a statement with others of their kind. */
  readonly gathers: boolean;
}

/**
 * Whether the next batch leaves now, beside those that were sent at `sentMs`, or gathers more calls
 * meanwhile. A statement costs both sides about as much as ten rows of it, so fewer and larger batches
 * are cheaper; but nobody waits for one that is held up: then another connection is used.
 */
export function mayLeave(
  sentMs: readonly number[],
  { calls, batchMax, gathers }: Waiting,
  nowMs: number,
): boolean {
  if (!gathers || calls >= batchMax) return true;
  return sentMs.filter((atMs) => nowMs - atMs < lateAfterMs).length < promptBatches;
}
