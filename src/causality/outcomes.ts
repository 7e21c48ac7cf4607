/**
 * How far the question is settled what became of a write (docs/decisions/0020).
 *
 * - `doubted`: a round did not see it, and proposes that it never took place.
 * - `stands`: it was seen since; the doubt is lifted.
 * - `condemned`: nobody can have been shown it since it was doubted; it will be fenced.
 * - `fenced`: nobody is shown it any more, wherever it turns up. The only stage that is a fact of
 *   its own: the others count in the line of their ballot, and in rounds only.
 */
export interface Settlement {
  readonly stage: 'doubted' | 'stands' | 'condemned' | 'fenced';
  /** What the round that condemned it stood on. */
  readonly trace?: SettlementTrace;
  /** What the logs of the replicas said; absent while they could not tell. */
  readonly verdict?: 'SUPERSEDED' | 'NEVER';
}

/** The state in which a write was condemned, as far as it tells what became of the write. */
export interface SettlementTrace {
  /** By actor, the last event that had been seen. */
  readonly seen: Readonly<Record<string, number>>;
  /** See `Sibling.lineage`; the ballot of the state comes first. */
  readonly line: readonly number[];
}

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
  /** Of `settlementId`: the record says this, and nothing about a retry. */
  readonly settlement?: Settlement;
  /** Of `lineId`: what the ballot follows, in a cell that has no consensus version to say so. */
  readonly lineage?: readonly number[];
}

/** Under which id the settlement of a write is recorded. */
export function settlementId(writeId: string): string {
  return `settlement ${writeId}`;
}

/** Under which id a cell without a consensus version tells the line of its ballot. */
export const lineId = 'line';

export function settlementOf(
  { outcomes }: { readonly outcomes?: Outcomes },
  writeId: string,
): OutcomeRecord | undefined {
  return outcomes?.get(settlementId(writeId));
}

/** Whether the write is fenced: whatever turns up of it is not shown, and not acknowledged. */
export function isFenced(cell: { readonly outcomes?: Outcomes }, writeId: string): boolean {
  return settlementOf(cell, writeId)?.settlement?.stage === 'fenced';
}

/** Whether somebody has begun to settle the write, and it may yet be fenced. */
export function isUnsettled(cell: { readonly outcomes?: Outcomes }, writeId: string): boolean {
  const stage = settlementOf(cell, writeId)?.settlement?.stage;
  return stage === 'doubted' || stage === 'condemned';
}

/** Whether a retry of the write must be refused: it was fenced, and not because it was replaced. */
export function wasNever(cell: { readonly outcomes?: Outcomes }, writeId: string): boolean {
  return (
    isFenced(cell, writeId) && settlementOf(cell, writeId)?.settlement?.verdict !== 'SUPERSEDED'
  );
}

/** How many idempotency keys are remembered. */
export function retriesRemembered(outcomes: Outcomes | undefined): number {
  let count = 0;
  for (const { settlement, lineage } of outcomes?.values() ?? [])
    if (!settlement && !lineage) count += 1;
  return count;
}

/** How many writes are fenced. */
export function fencesOf(outcomes: Outcomes | undefined): number {
  let count = 0;
  for (const { settlement } of outcomes?.values() ?? []) if (settlement) count += 1;
  return count;
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

/** More fences than this, and no further write of the key can be settled. */
export const fencesMax = 1_000;

/**
 * What both know, less what is too old. A fence is kept for good: the version that it keeps out may
 * turn up at any time.
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
  const kept = [...merged].filter(
    ([, { atUs, settlement }]) => atUs > latestUs - keptUs || settlement?.stage === 'fenced',
  );
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
 * consensus writes the one of the greater ballot, which fenced the other off or carried it on. A
 * fence goes before everything, and one with a verdict before one without.
 */
function first(a: OutcomeRecord, b: OutcomeRecord): OutcomeRecord {
  const byFence = finality(b) - finality(a);
  if (byFence !== 0) return byFence < 0 ? a : b;
  const byBallot = (b.ballot ?? Infinity) - (a.ballot ?? Infinity);
  const byTime = a.atUs - b.atUs || (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
  return (Number.isNaN(byBallot) ? byTime : byBallot || byTime) <= 0 ? a : b;
}

function finality({ settlement }: OutcomeRecord): number {
  if (settlement?.stage !== 'fenced') return 0;
  return settlement.verdict === undefined ? 1 : 2;
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
