import type { Cell } from '../causality/cell.ts';
import type { StoredCell } from '../replica/replica.ts';

export type Known = Pick<StoredCell, 'cell' | 'digest' | 'emptied'>;

/**
 * The cells that were stored last, each at one replica: guesses that save a read before a swap. A
 * wrong one costs a round trip, and one that was forgotten no more.
 *
 * Bounded in cells and in characters of their values; the longest unused goes first.
 */
export class CellMemory {
  readonly #bounds: { readonly cells: number; readonly chars: number };
  readonly #cells = new Map<string, { readonly known: Known; readonly chars: number }>();
  #chars = 0;

  constructor(bounds: { cells: number; chars: number }) {
    this.#bounds = bounds;
  }

  get(name: string): Known | undefined {
    return this.#cells.get(name)?.known;
  }

  keep(name: string, known: Known): void {
    this.forget(name);
    const chars = weightOf(known.cell);
    this.#cells.set(name, { known, chars });
    this.#chars += chars;
    for (const oldest of this.#cells.keys()) {
      if (this.#cells.size <= this.#bounds.cells && this.#chars <= this.#bounds.chars) return;
      this.forget(oldest);
    }
  }

  forget(name: string): void {
    this.#chars -= this.#cells.get(name)?.chars ?? 0;
    this.#cells.delete(name);
  }
}

function weightOf({ siblings }: Cell): number {
  return siblings.reduce((sum, { value }) => sum + (value?.length ?? 0) + 200, 200);
}
