import type { ScanPage, ScanRequest } from '../replica.ts';
import { byPosition, type CallKind } from './call-kind.ts';
import { absentRow } from './calls.ts';
import { cellsOf } from './scan-page.ts';
import { scanCells } from './scan-statements.ts';

/** A turn for so many rows of a range. */
const rowsPerTurn = 50;

/** Pages that are taken to be no larger than this share statements, so many of them one. */
const light = { chars: 65_536, together: 32 } as const;

/** Nobody is asked for more bytes in one text than this: a page may end before it is full. */
const roomMax = 67_108_864;

interface Way {
  readonly reverse: boolean;
  readonly bounded: boolean;
  readonly isLight: boolean;
}

/** Four texts, so that each one has its index plan; what is heavy has a statement to itself. */
const kinds = new Map(
  [0, 1, 2, 3, 4, 5, 6, 7].map((bits) => {
    const way = { reverse: (bits & 1) > 0, bounded: (bits & 2) > 0, isLight: (bits & 4) > 0 };
    return [nameOf(way), kindOf(way)] as const;
  }),
);

/** The kind of call that this page is; those of one kind can go together. */
export function scanKind({
  reverse,
  to,
  expected = Infinity,
}: ScanRequest): CallKind<ScanRequest, ScanPage> {
  const way = { reverse, bounded: to !== undefined, isLight: expected <= light.chars };
  return kinds.get(nameOf(way)) ?? kindOf(way);
}

function nameOf({ reverse, bounded, isLight }: Way): string {
  return `${reverse}/${bounded}/${isLight}`;
}

function kindOf(way: Way): CallKind<ScanRequest, ScanPage> {
  return {
    name: 'scan',
    statement: scanCells(way),
    writes: false,
    ...(way.isLight ? { mayRepeatKeys: true, most: light.together } : { alone: true, most: 1 }),
    incarnationColumn: 1,
    keyOf: ({ tenant, keyspace, from = '' }) => `${tenant}\0${keyspace}\0${from}`,
    sizeOf: ({ limit }) => 1 + limit / rowsPerTurn,
    values: (scans) => [
      scans.map(({ tenant }) => tenant),
      scans.map(({ keyspace }) => keyspace),
      scans.map(({ from = '' }) => from),
      scans.map(({ limit }) => limit),
      scans.map(({ bytes }) => Math.min(bytes, roomMax)),
      ...(way.bounded ? [scans.map(({ to }) => to)] : []),
    ],
    replies: byPosition((row, scan) => {
      if (!row) return absentRow();
      const [, , found, text] = row as readonly [number, string, number, string | null];
      const cells = cellsOf(text, scan.shared);
      return { cells, exhausted: found < scan.limit && cells.length === found };
    }),
  };
}
