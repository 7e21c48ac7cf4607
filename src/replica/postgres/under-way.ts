/** A batch that is out for longer waits for something: a lock, a disk, a network. */
const lateAfterMs = 20;

/** A batch that is out for this long waits for a lock of somebody else's, most likely. */
const heldUpAfterMs = 500;

/**
 * Whether no other call may be sent for the keys that this batch writes: one that is sent now waits for
 * their locks, and two batches that each have locked what the other one wants wait until Postgres ends
 * one of them, a second later (docs/decisions/0042). A batch that is itself held up by one key must not
 * keep its other keys.
 */
export function holdsKeys({ sentMs }: Pick<UnderWay, 'sentMs'>, nowMs: number): boolean {
  return nowMs - sentMs < heldUpAfterMs;
}

/** A batch that was sent, and is not answered. */
export interface UnderWay {
  readonly calls: number;
  readonly sentMs: number;
}

/** What waits for a connection. */
export interface Waiting {
  readonly calls: number;
  /** Calls in one statement, at most. */
  readonly batchMax: number;
  /** Whether those whose turn it is share a statement with others of their kind. */
  readonly gathers: boolean;
}

/**
 * Whether the next batch leaves now, over another connection, or gathers more calls first: it leaves
 * when it is as large as all that is under way. A statement costs both sides as much as some ten rows of
 * it, so where many ask, fewer and larger batches are cheaper; where few do, nobody waits for long.
 * Nor does anybody for what is held up: it does not count.
 */
export function mayLeave(underWay: readonly UnderWay[], waiting: Waiting, nowMs: number): boolean {
  const { calls, batchMax, gathers } = waiting;
  if (!gathers || calls >= batchMax) return true;
  let before = 0;
  for (const batch of underWay) if (nowMs - batch.sentMs < lateAfterMs) before += batch.calls;
  return calls >= before;
}
