import { decodeCell } from '../../causality/cell-codec.ts';
import { SharedPages, type ScanPage } from '../replica.ts';
import { pageMarks } from './scan-statements.ts';

type Cells = ScanPage['cells'];

/**
 * What stands in a page as `scanCells` puts it together. A page like the latest one of those who were
 * asked for the same is not read again; one that differs does in a few rows, and only those are.
 */
export function cellsOf(text: string | null, latest: SharedPages = new SharedPages()): Cells {
  if (text === null) return [];
  if (text === latest.text) return latest.cells;
  const rows = text.split(pageMarks.row);
  const cells = latest.text === '' ? rows.map(cellOf) : readBeside(latest, rows);
  return Object.assign(latest, { text, rows, cells }).cells;
}

function readBeside(latest: SharedPages, rows: readonly string[]): Cells {
  const before = new Map(latest.rows.map((row, at) => [row, latest.cells[at]]));
  return rows.map((row) => before.get(row) ?? cellOf(row));
}

function cellOf(row: string): Cells[number] {
  const fields = row.split(pageMarks.field);
  const [digest = '', promised, counted, quoted = '', siblings = '', context = ''] = fields;
  const outcomes = fields[6];
  if (outcomes === undefined || fields.length > 7)
    throw new Error('a page of a range is not readable');
  const emptied = Number(counted);
  return {
    key: quoted.includes('\\') ? (JSON.parse(quoted) as string) : quoted.slice(1, -1),
    stored: {
      cell: decodeCell({ siblings, context, outcomes }),
      digest: BigInt(digest),
      promised: Number(promised),
      ...(emptied === 0 ? {} : { emptied }),
    },
  };
}
