import { hash } from 'node:crypto';
import { emptyCell, type Cell } from '../causality/cell.ts';
import { digestOf, encodeCell, storedBytes } from '../causality/cell-codec.ts';
import { compareKeys } from '../placement/key-order.ts';
import type { RegisterState } from './memory-register.ts';
import { refName } from './cell-ref.ts';
import {
  largeCellBytes,
  type BriefCell,
  type CellRef,
  type PageSum,
  type ScanPage,
  type ScanRequest,
  type StoredCell,
} from './replica.ts';

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

/** The states of one key that were logged, the oldest first. */
export function changesOf(changes: readonly MemoryChange[], ref: CellRef): readonly Cell[] {
  return changes.flatMap((one) => (refName(one.ref) === refName(ref) ? [one.cell] : []));
}

/** A cell that replaces a row blindly: what is recorded of other writes stays; only a swap joins it. */
export function keepingOutcomes(row: MemoryRow | undefined, cell: Cell): Cell {
  return row?.cell.outcomes ? { ...cell, outcomes: row.cell.outcomes } : cell;
}

/** What is told of a large cell where another replica sends it. */
export function briefly(
  { cell, ...state }: StoredCell,
  largeBytes: number = largeCellBytes,
): BriefCell {
  const isLarge = Buffer.byteLength(encodeCell(cell).siblings) >= largeBytes;
  return isLarge && state.digest !== 0n ? state : { cell, ...state };
}

/** The rows of a range, in its order; keys that nothing is known of are none of it. */
export function rowsInside(
  rows: Iterable<MemoryRow>,
  { tenant, keyspace, from, to, reverse }: ScanRequest,
): readonly MemoryRow[] {
  const inside = [...rows]
    .filter(
      ({ ref, cell }) =>
        ref.tenant === tenant && ref.keyspace === keyspace && cell.context.size > 0,
    )
    .filter(
      ({ ref }) =>
        (from === undefined || compareKeys(ref.key, from) >= 0) &&
        (to === undefined || compareKeys(ref.key, to) < 0),
    )
    .sort((a, b) => compareKeys(a.ref.key, b.ref.key));
  return reverse ? inside.reverse() : inside;
}

/** A page of these rows: it ends by their number or by their bytes. */
export function pageOf(
  rows: readonly MemoryRow[],
  { limit, bytes: bytesMax, summed }: Pick<ScanRequest, 'limit' | 'bytes' | 'summed'>,
): ScanPage {
  const cells: { key: string; stored: StoredCell }[] = [];
  let bytes = 0;
  for (const row of rows.slice(0, limit)) {
    bytes += storedBytes(row.cell);
    if (cells.length > 0 && bytes > bytesMax) break;
    cells.push({ key: row.ref.key, stored: stored(row) });
  }
  const exhausted = cells.length === rows.length && cells.length < limit;
  return { cells, exhausted, ...(summed ? { sum: sumOf({ cells, exhausted }) } : {}) };
}

/** What `sumUp` means. */
export function sumOf({ cells, exhausted }: ScanPage): PageSum {
  const rows = cells.map(({ key, stored: { digest } }) => [key, String(digest)]);
  return { sum: hash('sha1', JSON.stringify(rows)), exhausted };
}

export function stored(row: MemoryRow | undefined): StoredCell {
  if (!row) return { cell: emptyCell, digest: 0n, promised: 0 };
  const { cell, promised, emptied } = row;
  return { cell, digest: digestOf(cell), promised, ...(emptied ? { emptied } : {}) };
}
