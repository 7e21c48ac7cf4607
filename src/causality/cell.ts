import { ballotTimeUs } from './ballot.ts';
import { compareDots, dotName, PI, type Dot } from './dot.ts';
import { mergeOutcomes, noOutcomes, type OutcomeRecord, type Outcomes } from './outcomes.ts';
import { covers, including, merge, nothingSeen, type VersionVector } from './version-vector.ts';

/**
 * What a reader of a version must be able to see of another key, if it asks for it: the latest dot
 * of each actor.
 */
export interface Dependency {
  /** The storage name. */
  readonly keyspace: string;
  readonly key: string;
  readonly dots: readonly (readonly [actor: string, counter: number])[];
}

/** One version of a key. */
export interface Sibling {
  readonly dot: Dot;
  /** Names the client's write; kept when consensus re-tags a version with a later ballot. */
  readonly writeId: string;
  /** µs since 1970. */
  readonly writtenAtUs: number;
  /** ms since 1970; from then on this version is a tombstone for everyone alike. */
  readonly expiresAtMs?: number;
  /** The exact JSON text that was sent, or null for a tombstone. */
  readonly value: string | null;
  readonly dependencies?: readonly Dependency[];
  /**
   * Consensus versions: the ballots of the versions that this one followed, the last first; 0 for
   * the beginning. See paxos/proposer.
   */
  readonly lineage?: readonly number[];
  /** Its session had more dependencies than these; those that are not listed are on a quorum. */
  readonly dependsOnQuorum?: true;
}

/**
 * All that a replica knows of one key: its concurrent versions, and everything it has seen, live or
 * overwritten.
 *
 * Source: dotted version vector sets — Preguiça, Baquero, Almeida, Fonte, Gonçalves, "Dotted
 * Version Vectors", 2010; Almeida et al., "Scalable and Accurate Causality Tracking for Eventually
 * Consistent Stores", DAIS
 * 2014.
 * Invariant: `context` covers the dot of every sibling; siblings are sorted by dot; no two share
 * one.
 */
export interface Cell {
  readonly siblings: readonly Sibling[];
  readonly context: VersionVector;
  /**
   * Of writes that carried an idempotency key; absent when there were none. Not part of the digest:
   * each comes with a dot.
   */
  readonly outcomes?: Outcomes;
}

/** A key that nobody has written: an answer like any other. */
export const emptyCell: Cell = { siblings: [], context: nothingSeen };

/**
 * The state that knows what both know. A version survives unless the other side has seen it and let
 * it go.
 *
 * Law: associative, commutative, idempotent. Two versions of one `writeId` are *not* folded here:
 * folding in the join breaks associativity (docs/decisions/0003); `visible` folds them for the
 * reader instead.
 */
export function join(a: Cell, b: Cell): Cell {
  if (a === b || b.context.size === 0) return a;
  if (a.context.size === 0) return b;
  const inA = new Set(a.siblings.map((sibling) => dotName(sibling.dot)));
  const inB = new Set(b.siblings.map((sibling) => dotName(sibling.dot)));
  const siblings = [
    ...a.siblings.filter(({ dot }) => inB.has(dotName(dot)) || !covers(b.context, dot)),
    ...b.siblings.filter(({ dot }) => !inA.has(dotName(dot)) && !covers(a.context, dot)),
  ];
  const context = merge(a.context, b.context);
  return { siblings: siblings.sort(byDot), context, ...joinedOutcomes(a, b, context) };
}

/** The records of both sides; nothing at all where there are none, which is nearly everywhere. */
export function joinedOutcomes(a: Cell, b: Cell, context: VersionVector): { outcomes?: Outcomes } {
  if (!a.outcomes && !b.outcomes) return {};
  const outcomes = mergeOutcomes(
    a.outcomes ?? noOutcomes,
    b.outcomes ?? noOutcomes,
    latestUs(context),
  );
  return outcomes.size === 0 ? {} : { outcomes };
}

/** The cell with the outcome of one more idempotent write. */
export function withOutcome(cell: Cell, writeId: string, outcome: OutcomeRecord): Cell {
  const known = cell.outcomes ?? noOutcomes;
  const latest = Math.max(latestUs(cell.context), outcome.atUs);
  return { ...cell, outcomes: mergeOutcomes(known, new Map([[writeId, outcome]]), latest) };
}

/** The latest time in a context, in µs since 1970. */
export function latestUs(context: VersionVector): number {
  let latest = 0;
  for (const [actor, counter] of context)
    latest = Math.max(latest, actor === PI ? ballotTimeUs(counter) : counter);
  return latest;
}

/**
 * What a writer has seen of the key: the dots, and the write ids of consensus versions (whose dots
 * a re-tag moves).
 */
export interface Seen {
  readonly context: VersionVector;
  readonly writeIds: readonly string[];
}

export const seenNothing: Seen = { context: nothingSeen, writeIds: [] };

/** What someone has seen who was shown this cell. */
export function seenOf(cell: Cell): Seen {
  const consensus = cell.siblings.filter(({ dot }) => dot.actor === PI);
  return { context: cell.context, writeIds: consensus.map(({ writeId }) => writeId) };
}

/** A new version replaces what its writer had seen, and stands beside the rest. */
export function write(cell: Cell, seen: Seen, version: Sibling): Cell {
  const kept = cell.siblings.filter(
    ({ dot, writeId }) =>
      !covers(seen.context, dot) && !seen.writeIds.includes(writeId) && writeId !== version.writeId,
  );
  return {
    siblings: [...kept, version].sort(byDot),
    context: including(merge(cell.context, seen.context), version.dot),
    ...(cell.outcomes ? { outcomes: cell.outcomes } : {}),
  };
}

/**
 * The counter of the next dot that `actor` may mint on `cell`.
 *
 * At least the hybrid clock, so that a key recreated after its tombstone was collected never
 * re-issues an old dot.
 */
export function nextCounter(
  cell: Cell,
  seen: Seen,
  mint: { actor: string; nowUs: number },
): number {
  const known = Math.max(cell.context.get(mint.actor) ?? 0, seen.context.get(mint.actor) ?? 0);
  return Math.max(known + 1, mint.nowUs);
}

/** A version whose time has come counts as a deletion, at the same instant for every reader. */
export function isTombstone(sibling: Sibling, nowMs: number): boolean {
  return (
    sibling.value === null || (sibling.expiresAtMs !== undefined && sibling.expiresAtMs <= nowMs)
  );
}

/**
 * The cell without the versions that have been deletions since `beforeMs` at the latest: its context
 * still covers them, so nothing that they replaced comes back. What a reader must still be told of
 * stays: consensus versions, and those with dependencies.
 */
export function withoutGone(cell: Cell, beforeMs: number): Cell {
  const isGone = (one: Sibling): boolean =>
    isTombstone(one, beforeMs) && one.dot.actor !== PI && !one.dependencies?.length;
  if (!cell.siblings.some(isGone)) return cell;
  return { ...cell, siblings: cell.siblings.filter((one) => !isGone(one)) };
}

/**
 * The versions as a reader sees them: two dots of one write are one version (the greater dot
 * stays), newest first.
 */
export function visible(cell: Cell): readonly Sibling[] {
  const byWrite = new Map<string, Sibling>();
  for (const sibling of cell.siblings) byWrite.set(sibling.writeId, sibling); // sorted by dot: the greatest stays
  return [...byWrite.values()].sort(
    (a, b) => b.writtenAtUs - a.writtenAtUs || compareDots(b.dot, a.dot),
  );
}

/** The counter of the consensus actor: which ballot this cell has reached. */
export function ballotOf(cell: Cell): number {
  return cell.context.get(PI) ?? 0;
}

function byDot(a: Sibling, b: Sibling): number {
  return compareDots(a.dot, b.dot);
}
