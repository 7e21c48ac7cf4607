import { emptyCell } from '../../causality/cell.ts';
import { decodeCell } from '../../causality/cell-codec.ts';
import type { StoredCell } from '../replica.ts';
import type { Row } from './connection.ts';

export const absent: StoredCell = { cell: emptyCell, digest: 0n, promised: 0 };

/**
 * Reads the six columns (siblings, context, digest, promised, outcomes, emptied) that start at `from`.
 * Nulls, of a left join, are the absent cell; a floor may be promised for it all the same.
 */
export function storedCell(row: Row, from: number): StoredCell {
  const [siblings, context, digest, promised, outcomes] = row.slice(from, from + 5) as (
    string | null
  )[];
  const emptied = Number(row[from + 5] ?? 0);
  if (siblings === null || siblings === undefined)
    return promised === null || promised === undefined || promised === '0'
      ? absent
      : { ...absent, promised: Number(promised) };
  return {
    cell: decodeCell({ siblings, context: context ?? '{}', outcomes: outcomes ?? '' }),
    digest: BigInt(digest ?? 0),
    promised: Number(promised),
    ...(emptied === 0 ? {} : { emptied }),
  };
}
