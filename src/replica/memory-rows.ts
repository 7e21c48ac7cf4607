import { emptyCell, type Cell } from '../causality/cell.ts';
import { digestOf } from '../causality/cell-codec.ts';
import type { RegisterState } from './memory-register.ts';
import type { CellRef, StoredCell } from './replica.ts';

/** One key on its disk. */
export interface MemoryRow {
  readonly ref: CellRef;
  readonly cell: Cell;
  readonly stamp: string;
  readonly promised: number;
  readonly emptied?: number;
}

/** A change as the log would hold it: the whole cell after the change. */
export interface MemoryChange {
  readonly ref: CellRef;
  readonly cell: Cell;
}

/** A copy of a disk. */
export interface MemoryCopy {
  readonly rows: ReadonlyMap<string, MemoryRow>;
  readonly changes: readonly MemoryChange[];
  readonly register: RegisterState;
}

export function nameOf(ref: CellRef): string {
  return `${ref.tenant}\0${ref.keyspace}\0${ref.key}`;
}

export function stored(row: MemoryRow | undefined): StoredCell {
  if (!row) return { cell: emptyCell, digest: 0n, promised: 0 };
  const { cell, promised, emptied } = row;
  return { cell, digest: digestOf(cell), promised, ...(emptied ? { emptied } : {}) };
}
