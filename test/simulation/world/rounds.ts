import { ballotOf, registerOf, visible, type Cell } from '../../../src/causality/cell.ts';

interface Round {
  /** Values that its promises showed. */
  readonly read: Set<number>;
  /** What it proposed; whatever else reaches its ballot comes after it. */
  proposed?: Cell;
  /** Replicas that have reached it. */
  readonly at: Set<string>;
}

/**
 * What proposers have read and then replaced. A LINEARIZABLE write replaces every version that its promises showed, which its client
 * never hears of; so it is listened for on the wire. A proposal that was fenced off unseen has replaced nothing, and must leave all as
 * it found it.
 */
export class Rounds {
  readonly #majority: number;
  readonly #rounds = new Map<number, Round>();

  constructor(replicas: number) {
    this.#majority = Math.floor(replicas / 2) + 1;
  }

  /**
   * Values that a proposal left out after its promises had shown them, if it was chosen, or if a writer was shown what it proposed
   * and replaced that (`replaced`).
   */
  superseded(replaced: ReadonlySet<number>): ReadonlySet<number> {
    const counting = new Set<number>();
    for (const [ballot, { at, proposed }] of this.#rounds) {
      const register = proposed && registerOf(proposed);
      if (register && replaced.has(Number(register.value ?? NaN))) counting.add(ballot);
      if (at.size < this.#majority || !proposed) continue;
      for (const one of [ballot, ...(register?.lineage ?? [])]) counting.add(one);
    }
    return new Set([...counting].flatMap((ballot) => leftOut(this.#rounds.get(ballot))));
  }

  /** A promise of this ballot came in, with this cell. */
  promised(ballot: number, cell: Cell): void {
    const { read } = this.#round(ballot);
    for (const { value } of cell.siblings) if (value !== null) read.add(Number(value));
  }

  /** A cell is sent to be stored somewhere. */
  sent(cell: Cell): void {
    this.#round(ballotOf(cell)).proposed ??= cell;
  }

  /** A replica has stored a cell. */
  stored(replica: string, cell: Cell): void {
    this.#round(ballotOf(cell)).at.add(replica);
  }

  #round(ballot: number): Round {
    const known = this.#rounds.get(ballot);
    if (known) return known;
    const round: Round = { read: new Set(), at: new Set() };
    this.#rounds.set(ballot, round);
    return round;
  }
}

function leftOut(round: Round | undefined): readonly number[] {
  if (!round?.proposed) return [];
  const kept = new Set(visible(round.proposed).map(({ value }) => Number(value ?? NaN)));
  return [...round.read].filter((value) => !kept.has(value));
}
