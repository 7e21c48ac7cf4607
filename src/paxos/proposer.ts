import { ballotTimeUs } from '../causality/ballot.ts';
import {
  ballotOf,
  emptyCell,
  join,
  pastOf,
  registerOf,
  seenNothing,
  seenOf,
  shown,
  withOutcome,
  type Cell,
  type Seen,
  type Sibling,
} from '../causality/cell.ts';
import { compareDots, dotName, PI, type Dot } from '../causality/dot.ts';
import { including, merge, without } from '../causality/version-vector.ts';

/** What an operation wants, once it knows the state that a quorum agreed to start from. */
export type Decision<Answer> =
  | { readonly kind: 'answer'; readonly answer: Answer }
  | { readonly kind: 'write'; readonly answer: Answer; readonly draft: Draft };

/** A consensus version before it has a ballot. */
export interface Draft {
  readonly version: Omit<Sibling, 'dot' | 'lineage' | 'past' | 'replaces'>;
  /** What its writer had seen besides the state; nothing, usually. */
  readonly seen?: Seen;
  /** Remembered with the cell when the write carried an idempotency key. */
  readonly outcome?: {
    readonly id: string;
    readonly fingerprint: string;
    readonly applied: boolean;
  };
}

/**
 * One operation on the key, decided as a pure function of the state; it may be decided again in a
 * later round.
 */
export interface Operation<Answer> {
  readonly decide: (state: Cell) => Decision<Answer>;
  /** A refusal to be remembered (idempotency keys) changes the cell without changing its value. */
  readonly remember?: (answer: Answer) => Draft['outcome'] | undefined;
}

/** The switches of the negative controls; only the simulator ever turns one off. */
export interface ConsensusRules {
  /**
   * Rule B: a round that changes nothing, on a quorum that differs, re-tags the surviving version
   * with its own ballot.
   */
  readonly retag: boolean;
  /** A round that only refuses finishes like any other when the quorum differs. */
  readonly finishRefused: boolean;
}

export const consensusRules: ConsensusRules = { retag: true, finishRefused: true };

/** What a proposer does after its promises came in. */
export interface RoundPlan<Answer> {
  /** One an operation, in order: all take effect at the same point, one after another. */
  readonly answers: readonly Answer[];
  /** Which of the operations changed the value. */
  readonly wrote: readonly boolean[];
  /** The cell as each operation left it. */
  readonly after: readonly Cell[];
  /**
   * To be accepted by a quorum before anything is answered; undefined when there is nothing to
   * accept.
   */
  readonly next: Cell | undefined;
}

/** The consensus part of a cell: equal parts mean that the same value is chosen. */
export function piPart(cell: Cell): string {
  const versions = cell.siblings
    .filter(({ dot }) => dot.actor === PI)
    .map(({ dot }) => dotName(dot));
  return `${ballotOf(cell)}/${versions.join(',')}`;
}

export function agree(cells: readonly Cell[]): boolean {
  const [first] = cells;
  return first === undefined || cells.every((cell) => piPart(cell) === piPart(first));
}

/** The state that a round starts from: all that a quorum knows. */
export function stateOf(cells: readonly Cell[]): Cell {
  return cells.reduce(join, emptyCell);
}

/**
 * Decides a group of operations on one state, each on what the one before it left, and says what
 * must be accepted.
 *
 * Invariant: whatever is answered is either on a quorum already (`next` undefined: the quorum
 * agreed and nothing changed), or will be, under this ballot, when `next` is accepted.
 * `mustAccept`: an earlier ballot of this proposer may be half accepted; only a greater one that
 * covers it fences it off.
 */
export function planRound<Answer>(
  operations: readonly Operation<Answer>[],
  from: { readonly cells: readonly Cell[]; readonly ballot: number; readonly mustAccept: boolean },
  rules: ConsensusRules = consensusRules,
): RoundPlan<Answer> {
  const { cells, ballot } = from;
  const base = baseIn(cells);
  let state = withKnownOutcomes(withoutSettled(stateOf(cells), base));
  const answers: Answer[] = [];
  const wrote: boolean[] = [];
  const after: Cell[] = [];
  let remembered = false;
  for (const operation of operations) {
    const decision = operation.decide(state);
    answers.push(decision.answer);
    wrote.push(decision.kind === 'write');
    if (decision.kind === 'write') state = withVersion(state, decision.draft, { ballot, base });
    const outcome =
      decision.kind === 'write' ? decision.draft.outcome : operation.remember?.(decision.answer);
    if (outcome && !state.outcomes?.has(outcome.id)) {
      remembered = true;
      const { id, fingerprint, applied } = outcome;
      const atUs = ballotTimeUs(ballot);
      state = withOutcome(state, id, { fingerprint, applied, atUs, ballot });
    }
    after.push(state);
  }
  if (wrote.includes(true)) return { answers, wrote, after, next: carrying(state, ballot) };
  const unsettled = rules.finishRefused && !agree(cells);
  const needed = unsettled || from.mustAccept || remembered;
  if (!needed) return { answers, wrote, after, next: undefined };
  const next = carrying(rules.retag ? retagged(state, ballot) : state, ballot);
  return { answers, wrote, after: after.map(() => next), next };
}

/**
 * The state without records of proposals that were fenced off. A record travels with the cell that
 * it was proposed in, and a join keeps it when the value of that cell loses: a retry would then be
 * told that a write had been applied which never was.
 */
function withKnownOutcomes(state: Cell): Cell {
  if (!state.outcomes) return state;
  const line = lineOf(state);
  const known = [...state.outcomes].filter(
    ([, { ballot }]) => ballot === undefined || line.includes(ballot),
  );
  if (known.length === state.outcomes.size) return state;
  const { siblings, context } = state;
  return { siblings, context, ...(known.length === 0 ? {} : { outcomes: new Map(known) }) };
}

/** The cell of a proposal: its records stand or fall with this ballot. */
function carrying(cell: Cell, ballot: number): Cell {
  if (!cell.outcomes) return cell;
  const outcomes = [...cell.outcomes].map(
    ([id, record]) => [id, record.ballot === undefined ? record : { ...record, ballot }] as const,
  );
  return { ...cell, outcomes: new Map(outcomes) };
}

/** The ballots that the state descends from, the latest first. */
function lineOf(state: Cell): readonly number[] {
  const current = registerOf(state);
  return current ? [current.dot.counter, ...(current.lineage ?? [])] : [ballotOf(state)];
}

/** What a round starts from, and whether that is certainly chosen. */
interface Base {
  readonly ballot: number;
  readonly register: Sibling | undefined;
  readonly isChosen: boolean;
}

/**
 * A majority that has reached one ballot has accepted it: what its register holds is chosen, and
 * every later version descends from it.
 */
function baseIn(cells: readonly Cell[]): Base {
  const state = stateOf(cells);
  const ballot = ballotOf(state);
  const isChosen = cells.every((cell) => ballotOf(cell) === ballot);
  return { ballot, register: registerOf(state), isChosen };
}

/**
 * The state without the versions that a chosen one stands for: nothing can bring them back, and only
 * now may they leave the cell. What a proposal has merely read stays in its cell, hidden, because
 * the proposal may still be fenced off.
 */
function withoutSettled(state: Cell, { isChosen }: Base): Cell {
  if (!isChosen) return state;
  const present = shown(state);
  const siblings = state.siblings.filter((one) => one.dot.actor === PI || present.includes(one));
  return siblings.length === state.siblings.length ? state : { ...state, siblings };
}

/**
 * Whether the register of `later` holds what that of `earlier` holds, or what followed from it. Not,
 * when what `earlier` holds was fenced off before a majority had it: then it never counted.
 */
export function carriesOn(later: Cell, earlier: Cell): boolean {
  const ballot = baseOf(earlier);
  return ballot === 0 || lineOf(later).includes(ballot);
}

/** One version (π, ballot) that stands for everything that the round has read. */
function withVersion(
  state: Cell,
  { version, seen = seenNothing }: Draft,
  { ballot, base }: { ballot: number; base: Base },
): Cell {
  const dot: Dot = { actor: PI, counter: ballot };
  const past = without(merge(pastOf(state), seen.context), PI);
  const before = registerOf(state);
  // Several versions of one round follow the same base; only the last of them is ever seen.
  const known =
    before?.dot.counter === ballot ? (before.replaces ?? []) : stillToReplace(seenOf(state), base);
  const replaces = new Set([...known, ...stillToReplace(seen, base)]);
  const register: Sibling = {
    ...version,
    dot,
    lineage: lineageAfter(state, ballot),
    ...(past.size === 0 ? {} : { past }),
    ...(replaces.size === 0 ? {} : { replaces: [...replaces] }),
  };
  const others = state.siblings.filter((one) => one.dot.actor !== PI);
  const siblings = [...others, register].sort((a, b) => compareDots(a.dot, b.dot));
  return { ...state, siblings, context: including(state.context, dot) };
}

/**
 * The consensus versions that must not come back beside what follows. Once the base is chosen, all
 * others before it are fenced off and cannot; of what a writer has seen beyond it, nobody knows.
 */
function stillToReplace({ context, writeIds }: Seen, base: Base): readonly string[] {
  const isWithin = base.isChosen && (context.get(PI) ?? 0) <= base.ballot;
  return isWithin ? writeIds.filter((id) => id === base.register?.writeId) : writeIds;
}

const lineageMax = 16;

/** The ballots that a version of `ballot` follows, when it is made from this state. */
function lineageAfter(state: Cell, ballot: number): readonly number[] {
  const before = registerOf(state);
  if (!before) return [0];
  // Several versions of one round share its ballot; only the last of them is ever seen.
  if (before.dot.counter === ballot) return before.lineage ?? [];
  return [before.dot.counter, ...(before.lineage ?? [])].slice(0, lineageMax);
}

/** What a proposer proposed earlier, in an accept that a quorum did not confirm. */
export interface HalfAccepted {
  readonly ballot: number;
  /** The ballot of the consensus version that it was made from; 0 for none. */
  readonly base: number;
}

/** The base of a proposal that is made from this state. */
export function baseOf(state: Cell): number {
  return registerOf(state)?.dot.counter ?? 0;
}

/**
 * What has become of it, seen from the state of a quorum that has promised a greater ballot.
 *
 * - `applied`: it is the value that counts, or an ancestor of it; once that value is confirmed, so
 *   is the proposal.
 * - `fenced`: it is in no line that leads to the state, and a greater ballot keeps it out for good.
 * - `unknown`: the line does not reach back far enough to tell.
 *
 * Why the line tells: had the proposal been chosen, every later proposer's quorum would have met
 * it, and its version would descend from it. `own`: the ballots of this same proposer since; they
 * never carried anything else on.
 */
export function fateOf(
  proposal: HalfAccepted,
  state: Cell,
  own: ReadonlySet<number>,
): 'applied' | 'fenced' | 'unknown' {
  const current = registerOf(state);
  const line = current ? [current.dot.counter, ...(current.lineage ?? [])] : [0];
  if (line.includes(proposal.ballot)) return 'applied';
  const reached = ballotOf(state);
  if (reached < proposal.ballot || own.has(reached)) return 'fenced';
  return current && line.includes(proposal.base) ? 'fenced' : 'unknown';
}

/** Rule B: the surviving consensus version under this ballot; everything else as it was. */
function retagged(state: Cell, ballot: number): Cell {
  const dot: Dot = { actor: PI, counter: ballot };
  const lineage = lineageAfter(state, ballot);
  const siblings = state.siblings.map((sibling) =>
    sibling.dot.actor === PI ? { ...sibling, dot, lineage } : sibling,
  );
  siblings.sort((a, b) => compareDots(a.dot, b.dot));
  return { ...state, siblings, context: including(state.context, dot) };
}
