import { decodeCell } from '../../causality/cell-codec.ts';
import type { ScanPage, ScanRequest } from '../replica.ts';
import { pageMarks } from './scan-statements.ts';

type Cells = ScanPage['cells'];

/** Pages of this length at most are remembered, so many of them. */
const remembered = { chars: 65_536, pages: 128 } as const;
const latest = new Map<string, Page>();

interface Page {
  readonly text: string;
  readonly rows: readonly string[];
  readonly cells: Cells;
}

/**
 * What stands in a page as `scanCells` puts it together.
 *
 * The replicas of a stretch answer with the same text, one soon after the other: it is read once, and
 * all of them have answered with the same cells, which are values. Where they differ, they do in a few
 * rows, and only those are read again.
 */
export function cellsOf(text: string | null, request: ScanRequest): Cells {
  if (text === null) return [];
  const { tenant, keyspace, from, to, reverse, limit } = request;
  const name = [tenant, keyspace, from ?? '', to ?? '', `${reverse}${limit}`].join('\0');
  const known = latest.get(name);
  if (known?.text === text) return known.cells;
  const rows = text.split(pageMarks.row);
  const cells = known ? readBeside(known, rows) : rows.map(cellOf);
  if (text.length > remembered.chars) return cells;
  // The latest one stands last, so that the first one is the oldest.
  latest.delete(name);
  latest.set(name, { text, rows, cells });
  if (latest.size > remembered.pages) latest.delete(latest.keys().next().value as string);
  return cells;
}

function readBeside(known: Page, rows: readonly string[]): Cells {
  const before = new Map(known.rows.map((row, at) => [row, known.cells[at]]));
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
