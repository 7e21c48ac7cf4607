import fc from 'fast-check';
import {
  ballotOf,
  emptyCell,
  join,
  seenNothing,
  seenOf,
  write,
  type Cell,
} from '../../src/causality/cell.ts';
import { nextCounter } from '../../src/causality/minting.ts';
import { mayAdvance } from '../../src/paxos/acceptor.ts';
import { planRound } from '../../src/paxos/proposer.ts';

/** A cell that a mixed history can lead to, and the write ids that its holder has heard of. */
export interface Reached {
  readonly cell: Cell;
  readonly known: ReadonlySet<string>;
}

/** Ordinary writes and rounds of consensus on one key at three replicas, as they went. */
export interface MixedHistory {
  /** Every state that a replica was ever in; the empty one is the first. */
  readonly states: readonly Reached[];
  /** The last state of each replica. */
  readonly at: readonly Reached[];
  /** By write id, the write ids in its causal past: what its writer had seen, and what those had seen. */
  readonly pastOf: ReadonlyMap<string, ReadonlySet<string>>;
  /** Consensus versions that a majority has accepted. */
  readonly chosen: ReadonlySet<string>;
}

/** What a broken product makes of a cell that is about to be stored. */
export type Breach = (cell: Cell) => Cell;

const actors = ['6f1c', '0a22', 'f00d'] as const;
const majority = 2;

const replica = fc.integer({ min: 0, max: actors.length - 1 });
const step = fc.oneof(
  // Half of the writers have seen nothing; the others any state that ever was.
  fc.record({
    kind: fc.constant('write' as const),
    at: replica,
    seen: fc.option(fc.nat(), { nil: undefined }),
  }),
  fc.record({ kind: fc.constant('sync' as const), from: replica, to: replica }),
  // Two replicas promise; the third one is silent. A round without a write only confirms what it finds.
  fc.record({
    kind: fc.constant('round' as const),
    silent: replica,
    seen: fc.option(fc.nat(), { nil: undefined }),
    writes: fc.boolean(),
  }),
  // The accepts of any round arrive at any later time, or never.
  fc.record({ kind: fc.constant('accept' as const), round: fc.nat(), at: replica }),
  fc.record({ kind: fc.constant('accept' as const), round: fc.nat(), at: replica }),
);
export type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

export const mixedSteps: fc.Arbitrary<readonly Step[]> = fc.array(step, {
  minLength: 4,
  maxLength: 40,
});

export function playMixed(steps: readonly Step[], breach: Breach = (cell) => cell): MixedHistory {
  const play = new Play(breach);
  for (const one of steps) play.step(one);
  return play;
}

interface Proposal {
  readonly ballot: number;
  readonly cell: Cell;
  readonly known: ReadonlySet<string>;
  readonly writeId: string | undefined;
  readonly accepted: Set<number>;
}

const nothing: Reached = { cell: emptyCell, known: new Set() };

class Play implements MixedHistory {
  readonly states: Reached[] = [nothing];
  readonly at: Reached[] = actors.map(() => nothing);
  readonly pastOf = new Map<string, ReadonlySet<string>>();
  readonly chosen = new Set<string>();
  readonly #promised = actors.map(() => 0);
  readonly #proposals: Proposal[] = [];
  readonly #breach: Breach;
  #nth = 0;

  constructor(breach: Breach) {
    this.#breach = breach;
  }

  step(one: Step): void {
    this.#nth += 1;
    if (one.kind === 'write') this.#write(one);
    else if (one.kind === 'sync') this.#store(one.to, this.at[one.from]!);
    else if (one.kind === 'round') this.#round(one);
    else this.#accept(one);
  }

  #write({ at, seen }: { at: number; seen: number | undefined }): void {
    const before = this.at[at]!;
    const shown = this.#stateNumber(seen);
    const seenCell = shown ? seenOf(shown.cell) : seenNothing;
    const actor = actors[at]!;
    const counter = nextCounter(before.cell, seenCell, { actor, nowUs: this.#nth });
    const writeId = `w${this.#nth}`;
    const version = { dot: { actor, counter }, writeId, writtenAtUs: counter, value: '1' };
    this.pastOf.set(writeId, shown ? this.#causes(shown) : new Set());
    const known = new Set([...before.known, ...(shown?.known ?? []), writeId]);
    this.#become(at, { cell: write(before.cell, seenCell, version), known });
  }

  #round(what: { silent: number; seen: number | undefined; writes: boolean }): void {
    const ballot = 10_000 * 4_096 + this.#nth * 4_096;
    const present = actors.map((_, at) => at).filter((at) => at !== what.silent);
    for (const at of present) this.#promised[at] = ballot;
    const shown = what.writes ? this.#stateNumber(what.seen) : undefined;
    const writeId = `c${this.#nth}`;
    const decide = () => ({
      kind: 'write' as const,
      answer: undefined,
      draft: {
        version: { writeId, writtenAtUs: this.#nth, value: '1' },
        ...(shown ? { seen: seenOf(shown.cell) } : {}),
      },
    });
    const cells = present.map((at) => this.at[at]!.cell);
    const from = { cells, ballot, mustAccept: false };
    const { next } = planRound(what.writes ? [{ decide }] : [], from);
    if (!next) return;
    const read = {
      cell: cells.reduce(join, emptyCell),
      known: new Set(present.flatMap((at) => [...this.at[at]!.known])),
    };
    const past = new Set([...this.#causes(read), ...(shown ? this.#causes(shown) : [])]);
    if (what.writes) this.pastOf.set(writeId, past);
    const known = new Set([...read.known, ...(what.writes ? [writeId] : [])]);
    const proposed = { ballot, cell: next, known, accepted: new Set<number>() };
    this.#proposals.push({ ...proposed, writeId: what.writes ? writeId : undefined });
  }

  #accept({ round, at }: { round: number; at: number }): void {
    const proposal = this.#proposals[round % Math.max(1, this.#proposals.length)];
    if (!proposal || this.#promised[at]! > proposal.ballot) return;
    if (!this.#store(at, proposal)) return;
    proposal.accepted.add(at);
    const isChosen = proposal.accepted.size >= majority;
    if (isChosen && proposal.writeId !== undefined) this.chosen.add(proposal.writeId);
  }

  /** False when rule A refuses. */
  #store(at: number, { cell, known }: Reached): boolean {
    const before = this.at[at]!;
    const joined = join(before.cell, this.#breach(cell));
    const row = { promised: this.#promised[at]!, current: ballotOf(before.cell) };
    if (!mayAdvance(row, ballotOf(joined))) return false;
    this.#promised[at] = Math.max(row.promised, ballotOf(joined));
    this.#become(at, { cell: joined, known: new Set([...before.known, ...known]) });
    return true;
  }

  #become(at: number, reached: Reached): void {
    const stored = { ...reached, cell: this.#breach(reached.cell) };
    this.at[at] = stored;
    this.states.push(stored);
  }

  /**
   * What somebody has seen who was shown this state, and what that had seen. A consensus version that
   * gave way to one of a greater ballot, which knew nothing of it, is not among it.
   */
  #causes({ cell, known }: Reached): ReadonlySet<string> {
    const present = cell.siblings.map(({ writeId }) => writeId);
    const ordinary = [...known].filter((id) => id.startsWith('w'));
    const direct = [...present, ...ordinary];
    return new Set([...direct, ...direct.flatMap((id) => [...(this.pastOf.get(id) ?? [])])]);
  }

  #stateNumber(nth: number | undefined): Reached | undefined {
    return nth === undefined ? undefined : this.states[nth % this.states.length];
  }
}
