import { ballotOf, type Cell } from '../../../src/causality/cell.ts';

/**
 * What proposers have read and then replaced. A LINEARIZABLE write replaces every version that its promises showed, which its client
 * never hears of; so it is listened for on the wire.
 */
export class Rounds {
  /** Values that some proposal left out after its promises had shown them. */
  readonly superseded = new Set<number>();
  readonly #shown = new Map<number, Set<number>>();

  /** A promise of this ballot came in, with this cell. */
  promised(ballot: number, cell: Cell): void {
    const shown = this.#shown.get(ballot) ?? new Set();
    this.#shown.set(ballot, shown);
    for (const value of valuesIn(cell)) shown.add(value);
  }

  /** A cell is sent to be stored somewhere. */
  sent(cell: Cell): void {
    const kept = valuesIn(cell);
    for (const value of this.#shown.get(ballotOf(cell)) ?? []) {
      if (!kept.includes(value)) this.superseded.add(value);
    }
  }
}

function valuesIn({ siblings }: Cell): readonly number[] {
  return siblings.flatMap(({ value }) => (value === null ? [] : [Number(value)]));
}
