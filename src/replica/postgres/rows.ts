import type { Cell } from '../../causality/cell.ts';
import { decodeCell, type CellText } from '../../causality/cell-codec.ts';
import {
  absentCell,
  SharedCells,
  type BriefCell,
  type CellDigest,
  type StoredCell,
} from '../replica.ts';
import type { Row } from './connection.ts';

/** Between two fields of a cell that comes as one text. See `readCells`. */
export const fieldMark = '\u001f';

/** Texts of this length at most are remembered, so many of them. */
const remembered = { chars: 1_024, texts: 2_048 } as const;
const latest = new Map<string, { readonly text: Required<CellText>; readonly cell: Cell }>();

/**
 * The N replicas of a key answer with the same text, one soon after the other: it is read once. A cell
 * is a value, so it may be handed to several.
 */
function decoded(text: Required<CellText>): Cell {
  const { siblings, context, outcomes } = text;
  const known = latest.get(siblings);
  if (known?.text.context === context && known.text.outcomes === outcomes) return known.cell;
  const cell = decodeCell(text);
  if (siblings.length + context.length + outcomes.length > remembered.chars) return cell;
  latest.set(siblings, { text, cell });
  if (latest.size > remembered.texts) latest.delete(latest.keys().next().value as string);
  return cell;
}

/**
 * Reads the six columns (siblings, context, digest, promised, outcomes, emptied) that start at `from`.
 * Nulls, of a left join, are the absent cell; a floor may be promised for it all the same.
 */
export function storedCell(row: Row, from: number): StoredCell {
  const at = (column: number) => row[from + column] as string | null | undefined;
  const [siblings, context, digest, promised, outcomes] = [at(0), at(1), at(2), at(3), at(4)];
  const emptied = Number(row[from + 5] ?? 0);
  if (siblings === null || siblings === undefined)
    return promised === null || promised === undefined || promised === '0'
      ? absentCell
      : { ...absentCell, promised: Number(promised) };
  return {
    cell: decoded({ siblings, context: context ?? '{}', outcomes: outcomes ?? '' }),
    digest: BigInt(digest ?? 0),
    promised: Number(promised),
    ...(emptied === 0 ? {} : { emptied }),
  };
}

/** Cells as `readCells` puts them together. One that was answered like the latest one is not read again. */
export function cellsIn(
  texts: readonly (string | null)[],
  latest: SharedCells = new SharedCells(),
): readonly BriefCell[] {
  return texts.map((text, at) => {
    const known = latest.cells[at];
    if (known && latest.texts[at] === text) return known;
    const cell = cellIn(text);
    latest.texts[at] = text;
    latest.cells[at] = cell;
    return cell;
  });
}

function cellIn(text: string | null): BriefCell {
  if (text === null) return absentCell;
  const [digest = '', promised, emptied, siblings, context = '', outcomes, ...more] =
    text.split(fieldMark);
  const counted = Number(emptied);
  const state: CellDigest = {
    digest: BigInt(digest),
    promised: Number(promised),
    ...(counted === 0 ? {} : { emptied: counted }),
  };
  if (siblings === undefined) return state;
  if (outcomes === undefined || more.length > 0) throw new Error('a cell is not readable');
  return { cell: decodeCell({ siblings, context, outcomes }), ...state };
}
