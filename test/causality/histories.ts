import fc from 'fast-check';
import {
  emptyCell,
  join,
  seenNothing,
  seenOf,
  write,
  type Cell,
} from '../../src/causality/cell.ts';
import { nextCounter } from '../../src/causality/minting.ts';
import { dotName } from '../../src/causality/dot.ts';

/** A cell that a history can lead to, and the truth about it: which versions its holder has heard of. */
export interface Reached {
  readonly cell: Cell;
  /** Names of the dots whose versions are in its causal past. */
  readonly known: ReadonlySet<string>;
}

/** What happened, as its writers would tell it. */
export interface History {
  /** Every state that a replica was ever in, oldest first; the empty one is the first. */
  readonly states: readonly Reached[];
  /** What the writer of each dot had seen. */
  readonly seenBy: ReadonlyMap<string, ReadonlySet<string>>;
  /** Each write: where, from which state, with which state's context, and what came out. */
  readonly writes: readonly {
    readonly before: Reached;
    readonly seen: Reached | undefined;
    readonly after: Reached;
    readonly dot: string;
  }[];
}

const actors = ['6f1c', '0a22', 'f00d'] as const;

type Step =
  | {
      readonly kind: 'write';
      readonly at: number;
      readonly seen: number | undefined;
      readonly deletes: boolean;
    }
  | { readonly kind: 'sync'; readonly from: number; readonly to: number };

const replica = fc.integer({ min: 0, max: actors.length - 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('write' as const),
    at: replica,
    // Half of the writers have seen nothing; the others any state that ever was.
    seen: fc.option(fc.nat(), { nil: undefined }),
    deletes: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('sync' as const), from: replica, to: replica }),
);

/**
 * Histories of writes at three replicas that sometimes exchange their states. Only what can really be reached: dots are minted
 * by their replica on its own latest state, and contexts are those of states that somebody was shown.
 */
export const histories: fc.Arbitrary<History> = fc
  .array(step, { minLength: 1, maxLength: 24 })
  .map((steps) => steps.reduce(play, start()).history);

interface Play {
  readonly history: {
    states: Reached[];
    seenBy: Map<string, ReadonlySet<string>>;
    writes: History['writes'][number][];
  };
  readonly at: Reached[];
}

function start(): Play {
  const nothing: Reached = { cell: emptyCell, known: new Set() };
  return {
    history: { states: [nothing], seenBy: new Map(), writes: [] },
    at: actors.map(() => nothing),
  };
}

function play({ history, at }: Play, step: Step, nth: number): Play {
  if (step.kind === 'sync') {
    const [from, to] = [at[step.from]!, at[step.to]!];
    at[step.to] = { cell: join(to.cell, from.cell), known: union(to.known, from.known) };
    history.states.push(at[step.to]!);
    return { history, at };
  }
  const before = at[step.at]!;
  const actor = actors[step.at]!;
  const seen =
    step.seen === undefined ? undefined : history.states[step.seen % history.states.length]!;
  const seenCell = seen ? seenOf(seen.cell) : seenNothing;
  // A clock that often stands still, so that counters have to make progress on their own.
  const counter = nextCounter(before.cell, seenCell, { actor, nowUs: Math.floor(nth / 4) * 10 });
  const dot = { actor, counter };
  const value = step.deletes ? null : `"${nth}"`;
  const cell = write(before.cell, seenCell, {
    dot,
    writeId: `w${nth}`,
    writtenAtUs: counter,
    value,
  });
  const name = dotName(dot);
  const after = { cell, known: union(before.known, seen?.known ?? new Set(), new Set([name])) };
  history.seenBy.set(name, seen?.known ?? new Set());
  history.writes.push({ before, seen, after, dot: name });
  history.states.push(after);
  at[step.at] = after;
  return { history, at };
}

/** What must be alive where `known` is known: everything but what some other known writer had seen. */
export function survivors(known: ReadonlySet<string>, { seenBy }: History): string[] {
  return [...known]
    .filter((dot) => ![...known].some((other) => seenBy.get(other)?.has(dot)))
    .sort();
}

export function union(...sets: readonly ReadonlySet<string>[]): Set<string> {
  return new Set(sets.flatMap((set) => [...set]));
}

export function dotsOf(cell: Cell): string[] {
  return cell.siblings.map(({ dot }) => dotName(dot)).sort();
}

/** A history, and `count` of its states. */
export function statesOf(count: number): fc.Arbitrary<{ history: History; chosen: Reached[] }> {
  return fc
    .tuple(histories, fc.array(fc.nat(), { minLength: count, maxLength: count }))
    .map(([history, picks]) => ({
      history,
      chosen: picks.map((pick) => history.states[pick % history.states.length]!),
    }));
}
