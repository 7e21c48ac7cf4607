/** What became of one write that carried an idempotency key; a retry is answered from it. */
export interface OutcomeRecord {
  /** Hash of the arguments: the same key with other arguments is a mistake, not a retry. */
  readonly fingerprint: string;
  readonly applied: boolean;
  /** µs since 1970. */
  readonly atUs: number;
  /**
   * Of a consensus write: the ballot of the cell that carries it. It says what the ballot's value
   * says: nothing, once that was fenced off. Ordinary writes have none; what they minted stays.
   */
  readonly ballot?: number;
  /** Somewhere the same key came with other arguments: nobody is told any more that it was his. */
  readonly disputed?: true;
}

/**
 * The records of one key, by write id. They are part of the cell and travel with it, because a
 * record that stayed behind when its version was carried on by another proposer would let a retry
 * apply twice.
 */
export type Outcomes = ReadonlyMap<string, OutcomeRecord>;

export const noOutcomes: Outcomes = new Map();

/**
 * Retries are answered for ten minutes; kept a little longer, so that no clock's skew cuts that
 * short.
 */
const keptUs = 15 * 60 * 1_000_000;

/**
 * More records than this, within the time above, and the key takes no further idempotency keys for
 * a while.
 */
export const outcomesMax = 1_000;

/**
 * What both know, less what is too old.
 *
 * Age is measured against the latest time in the joined cell, never against a clock, so that every
 * replica forgets alike.
 * Law: associative, commutative, idempotent.
 */
export function mergeOutcomes(a: Outcomes, b: Outcomes, latestUs: number): Outcomes {
  if (a.size === 0 && b.size === 0) return noOutcomes;
  const merged = new Map(a);
  for (const [id, record] of b) {
    const other = merged.get(id);
    merged.set(id, other ? joinedRecord(other, record) : record);
  }
  const kept = [...merged].filter(([, { atUs }]) => atUs > latestUs - keptUs);
  return new Map(kept.sort(([idA], [idB]) => (idA < idB ? -1 : 1)));
}

/** Law: associative, commutative, idempotent. */
function joinedRecord(a: OutcomeRecord, b: OutcomeRecord): OutcomeRecord {
  const kept = first(a, b);
  const differ = a.fingerprint !== b.fingerprint || a.disputed || b.disputed;
  return differ && !kept.disputed ? { ...kept, disputed: true } : kept;
}

/**
 * Of two attempts that were both recorded, the one that counts everywhere: the first, and of
 * consensus writes the one of the greater ballot, which fenced the other off or carried it on.
 */
function first(a: OutcomeRecord, b: OutcomeRecord): OutcomeRecord {
  const byBallot = (b.ballot ?? Infinity) - (a.ballot ?? Infinity);
  const byTime = a.atUs - b.atUs || (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
  return (Number.isNaN(byBallot) ? byTime : byBallot || byTime) <= 0 ? a : b;
}

/** The canonical text: a JSON object, ids sorted; '' when there is nothing. */
export function encodeOutcomes(outcomes: Outcomes | undefined): string {
  if (!outcomes || outcomes.size === 0) return '';
  const sorted = [...outcomes].sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(Object.fromEntries(sorted));
}

export function decodeOutcomes(text: string): Outcomes {
  if (text === '') return noOutcomes;
  return new Map(Object.entries(JSON.parse(text) as Record<string, OutcomeRecord>));
}
