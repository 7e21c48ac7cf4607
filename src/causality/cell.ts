import { ballotTimeUs } from './ballot.ts';
import { compareDots, dotName, PI, type Dot } from './dot.ts';
import {
  isFenced,
  isUnsettled,
  mergeOutcomes,
  noOutcomes,
  type OutcomeRecord,
  type Outcomes,
} from './outcomes.ts';
import {
  covers,
  including,
  merge,
  nothingSeen,
  without,
  type VersionVector,
} from './version-vector.ts';

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
   * Consensus versions: the ballots of the rounds that this one followed, the last first; 0 for
   * the beginning, negative where the round left no consensus version. See paxos/lineage.
   */
  readonly lineage?: readonly number[];
  /**
   * What its writer had seen, and the version therefore stands for: of a consensus version, events
   * of replicas; of any other version, a ballot, which is kept here and not in the context, so that
   * it counts only as long as the version does (docs/decisions/0015); and the events of replicas,
   * for versions that come back under another dot (docs/decisions/0020).
   */
  readonly past?: VersionVector;
  /**
   * The consensus versions that its writer had seen, by write id: a re-tag moves their dots.
   */
  readonly replaces?: readonly string[];
  /**
   * Consensus versions: the writes that were decided in the same round before this one, which had
   * seen and replaced them. They took place, though no cell ever held them.
   */
  readonly overtook?: readonly string[];
  /**
   * Dots that this version had before: who has seen it under one of them, has seen it. See
   * coordinator/renew.
   */
  readonly earlier?: readonly Dot[];
  /** Its session had more dependencies than these; those that are not listed are on a quorum. */
  readonly dependsOnQuorum?: true;
}

/**
 * All that a replica knows of one key: its concurrent versions, and everything it has seen, live or
 * overwritten. Two things in one: the versions that replicas have minted, and the register of
 * consensus, which is the actor π of the context and its version. Neither kind of write takes
 * anything of the other kind out: it says in `past` and `replaces` what it stands for, and `shown`
 * leaves that out (docs/decisions/0015).
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
   * Of writes that carried an idempotency key; absent when there were none.
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
  const register = registerOf(cell);
  const ids = [
    ...(register ? [register.writeId, ...(register.replaces ?? [])] : []),
    ...shown(cell).flatMap(({ replaces = [] }) => replaces),
  ];
  return { context: pastOf(cell), writeIds: [...new Set(ids)] };
}

/** Everything that this state stands for: its context, and what its versions say beyond that. */
export function pastOf({ siblings, context }: Cell): VersionVector {
  return siblings.reduce((known, { past }) => (past ? merge(known, past) : known), context);
}

/**
 * A new version of a replica replaces what its writer had seen, and stands beside the rest. The
 * register of consensus stays as it is: what the writer had seen of it, the version says.
 */
export function write(cell: Cell, seen: Seen, version: Sibling): Cell {
  const kept = cell.siblings.filter(
    (one) =>
      one.dot.actor === PI || (!hasSeen(seen.context, one) && one.writeId !== version.writeId),
  );
  const placed: Sibling = {
    ...version,
    ...(seen.context.size === 0 ? {} : { past: seen.context }),
    ...(seen.writeIds.length === 0 ? {} : { replaces: seen.writeIds }),
  };
  return {
    siblings: [...kept, placed].sort(byDot),
    context: including(merge(cell.context, without(seen.context, PI)), version.dot),
    ...(cell.outcomes ? { outcomes: cell.outcomes } : {}),
  };
}

/** Whether whoever has seen this much has seen the version, under whatever dot. */
export function hasSeen(seen: VersionVector, { dot, earlier }: Sibling): boolean {
  return covers(seen, dot) || earlier?.some((one) => covers(seen, one)) === true;
}

/** A version whose time has come counts as a deletion, at the same instant for every reader. */
export function isTombstone(sibling: Sibling, nowMs: number): boolean {
  return (
    sibling.value === null || (sibling.expiresAtMs !== undefined && sibling.expiresAtMs <= nowMs)
  );
}

/**
 * What replicas have minted, without what consensus has chosen: the one half of a cell that can be
 * joined anywhere at any time.
 */
export function ordinaryPart({ siblings, context, outcomes }: Cell): Cell {
  // Records of a ballot stand or fall with it.
  const ordinary = [...(outcomes ?? [])].filter(([, { ballot }]) => ballot === undefined);
  return {
    siblings: siblings.filter(({ dot }) => dot.actor !== PI),
    context: without(context, PI),
    ...(ordinary.length > 0 ? { outcomes: new Map(ordinary) } : {}),
  };
}

/** The version that the register of consensus holds, whether it is shown or not. */
export function registerOf({ siblings }: Pick<Cell, 'siblings'>): Sibling | undefined {
  return siblings.find(({ dot }) => dot.actor === PI);
}

/**
 * The versions that nobody has replaced, as far as this cell knows.
 *
 * A version of consensus stands in the place of what its round had read, for as long as it is the
 * version in the register; once it is fenced off, what it stood for is there again. A version of a
 * replica stands in the place of the consensus versions that its writer had seen, under whatever
 * ballot they come back.
 */
export function shown(cell: Cell): readonly Sibling[] {
  return withoutStoodFor(withoutReplacedEarlier(withoutFenced(cell), cell));
}

/** What stands beside the register, and the register unless somebody has replaced it. */
export function withoutStoodFor(siblings: readonly Sibling[]): readonly Sibling[] {
  const register = registerOf({ siblings });
  if (!register || siblings.length === 1) return siblings;
  const isNamed = siblings.some(({ replaces }) => replaces?.includes(register.writeId));
  const isPassed = siblings.some(({ past }) => past && covers(past, register.dot));
  // A writer who had seen a later ballot, and not this version, has seen all that still counts of
  // what it stood for.
  const stoodFor = (isNamed || !isPassed ? register.past : undefined) ?? nothingSeen;
  return siblings.filter((one) => {
    if (one === register) return !isNamed && !isPassed;
    return one.replaces?.includes(register.writeId) || !hasSeen(stoodFor, one);
  });
}

/**
 * Without the versions of fenced writes, and so without what they stand for: they are only there
 * until the next write replaces them. Not the register: what it holds took place, or will be fenced
 * off by a ballot.
 */
function withoutFenced(cell: Cell): readonly Sibling[] {
  const { siblings, outcomes } = cell;
  if (!outcomes) return siblings;
  return siblings.filter(({ dot, writeId }) => dot.actor === PI || !isFenced(cell, writeId));
}

/**
 * Without the versions that somebody had seen, and replaced, under a dot that they had before. A
 * version that may yet be fenced replaces nothing: who is shown it is shown both.
 */
function withoutReplacedEarlier(siblings: readonly Sibling[], cell: Cell): readonly Sibling[] {
  if (!siblings.some(({ earlier }) => earlier)) return siblings;
  const certain = siblings.filter(({ writeId }) => !isUnsettled(cell, writeId));
  return siblings.filter((one) => !certain.some((other) => standsFor(other, one)));
}

/** Whether a version of a replica was written by who had seen this one before it got its dot. */
function standsFor({ dot, past }: Sibling, { earlier }: Sibling): boolean {
  if (dot.actor === PI || !past || !earlier) return false;
  return earlier.some((before) => covers(past, before));
}

/**
 * The versions as a reader sees them: two dots of one write are one version (the greater dot
 * stays), newest first.
 */
export function visible(cell: Cell): readonly Sibling[] {
  const [only, another] = cell.siblings;
  if (only && !another && !only.earlier && !cell.outcomes) return cell.siblings;
  const byWrite = new Map<string, Sibling>();
  for (const sibling of shown(cell)) byWrite.set(sibling.writeId, sibling); // sorted by dot: the greatest stays
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
