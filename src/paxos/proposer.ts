import { ballotTimeUs } from '../causality/ballot.ts';
import {
  ballotOf,
  emptyCell,
  join,
  pastOf,
  registerOf,
  seenNothing,
  seenOf,
  withOutcome,
  withoutStoodFor,
  type Cell,
  type Seen,
  type Sibling,
} from '../causality/cell.ts';
import { compareDots, dotName, PI, type Dot } from '../causality/dot.ts';
import { including, merge, without } from '../causality/version-vector.ts';
import { lineageAfter, lineOf } from './lineage.ts';
import {
  carrying,
  shownState,
  withKnownOutcomes,
  withSettlement,
  type Settled,
} from './records.ts';

/** What an operation wants, once it knows the state that a quorum agreed to start from. */
export type Decision<Answer> =
  | { readonly kind: 'answer'; readonly answer: Answer }
  | { readonly kind: 'write'; readonly answer: Answer; readonly draft: Draft };

/** A consensus version before it has a ballot. */
export interface Draft {
  readonly version: Omit<Sibling, 'dot' | 'lineage' | 'past' | 'replaces' | 'overtook'>;
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
  /** How far an answer settles a write whose outcome was unknown; recorded like a refusal. */
  readonly settle?: (answer: Answer) => Settled | undefined;
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
  /** A promise that came with an accept serves one proposal. */
  readonly keptOnce: boolean;
  /** What changes nothing is not answered on such a promise: it says nothing about what came since. */
  readonly lookAnew: boolean;
}

export const consensusRules: ConsensusRules = {
  retag: true,
  finishRefused: true,
  keptOnce: true,
  lookAnew: true,
};

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
    const step = stepOf(operation, state, { ballot, base });
    answers.push(step.answer);
    wrote.push(step.wrote);
    remembered ||= step.remembered;
    state = step.state;
    after.push(shownState(state, ballot));
  }
  const line = lineOf(stateOf(cells));
  if (wrote.includes(true)) return { answers, wrote, after, next: carrying(state, line, ballot) };
  const unsettled = rules.finishRefused && !agree(cells);
  const needed = unsettled || from.mustAccept || remembered;
  if (!needed) return { answers, wrote, after, next: undefined };
  const next = carrying(rules.retag ? retagged(state, ballot) : state, line, ballot);
  return { answers, wrote, after: after.map(() => shownState(next, ballot)), next };
}

/** One operation of a round, and the state as it leaves it. */
function stepOf<Answer>(
  operation: Operation<Answer>,
  before: Cell,
  at: { ballot: number; base: Base },
): { answer: Answer; wrote: boolean; remembered: boolean; state: Cell } {
  const { ballot } = at;
  const decision = operation.decide(shownState(before, ballot));
  const { answer } = decision;
  const wrote = decision.kind === 'write';
  let state = wrote ? withVersion(before, decision.draft, at) : before;
  const outcome = wrote ? decision.draft.outcome : operation.remember?.(answer);
  const isNew = outcome !== undefined && !state.outcomes?.has(outcome.id);
  if (isNew) {
    const { id, fingerprint, applied } = outcome;
    const atUs = ballotTimeUs(ballot);
    state = withOutcome(state, id, { fingerprint, applied, atUs, ballot });
  }
  const settled = operation.settle?.(answer);
  if (settled) state = withSettlement(state, settled, ballot);
  return { answer, wrote, remembered: isNew || settled !== undefined, state };
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
 * the proposal may still be fenced off; and so does what an ordinary version hides, because that
 * version may yet be fenced (paxos/settlement).
 */
function withoutSettled(state: Cell, { isChosen }: Base): Cell {
  if (!isChosen) return state;
  const present = withoutStoodFor(state.siblings);
  const siblings = state.siblings.filter((one) => one.dot.actor === PI || present.includes(one));
  return siblings.length === state.siblings.length ? state : { ...state, siblings };
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
  const overtaken = overtookIn(state, ballot);
  const register: Sibling = {
    ...version,
    dot,
    lineage: lineageAfter(state, ballot),
    ...(past.size === 0 ? {} : { past }),
    ...(replaces.size === 0 ? {} : { replaces: [...replaces] }),
    ...(overtaken.length === 0 ? {} : { overtook: overtaken }),
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

/** The writes of this same round that the next version replaces: no cell ever holds them. */
function overtookIn(state: Cell, ballot: number): readonly string[] {
  const before = registerOf(state);
  return before?.dot.counter === ballot ? [...(before.overtook ?? []), before.writeId] : [];
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
