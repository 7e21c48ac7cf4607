import type { PageSum, ScanPage, ScanRequest } from '../replica.ts';
import { byPosition, type CallKind } from './call-kind.ts';
import { absentRow } from './calls.ts';
import { cellsOf } from './scan-page.ts';
import { scanCells, sumCells } from './scan-statements.ts';

/** A turn for so many rows of a range. */
const rowsPerTurn = 50;
/** A turn for so many rows that are only summed up; sums of more rows do not share statements. */
const summedPerTurn = 200;

/** Pages that are taken to be no larger than this share statements, so many of them one. */
const light = { chars: 65_536, together: 32 } as const;

const together = { mayRepeatKeys: true, most: light.together } as const;
const alone = { alone: true, most: 1 } as const;

/** Nobody is asked for more bytes in one text than this: a page may end before it is full. */
const roomMax = 67_108_864;

interface Way {
  readonly reverse: boolean;
  readonly bounded: boolean;
  readonly isLight: boolean;
}

const ways: readonly Way[] = [0, 1, 2, 3, 4, 5, 6, 7].map((bits) => {
  return { reverse: (bits & 1) > 0, bounded: (bits & 2) > 0, isLight: (bits & 4) > 0 };
});
/** Four texts, so that each one has its index plan; what is heavy has a statement to itself. */
const pages = new Map(ways.map((way) => [nameOf(way), pageKind(way)]));
/** What a page sums up to is short; but many rows are read for that of a long page. */
const sums = new Map(ways.map((way) => [nameOf(way), sumsKind(way)]));

/** The kind of call that this page is; those of one kind can go together. */
export function scanKind(request: ScanRequest): CallKind<ScanRequest, ScanPage> {
  const { expected = Infinity } = request;
  const way = wayOf(request, expected <= light.chars);
  return pages.get(nameOf(way)) ?? pageKind(way);
}

export function sumKind(request: ScanRequest): CallKind<ScanRequest, PageSum> {
  const way = wayOf(request, request.limit <= summedPerTurn);
  return sums.get(nameOf(way)) ?? sumsKind(way);
}

function wayOf({ reverse, to }: ScanRequest, isLight: boolean): Way {
  return { reverse, bounded: to !== undefined, isLight };
}

function nameOf({ reverse, bounded, isLight }: Way): string {
  return `${reverse}/${bounded}/${isLight}`;
}

function pageKind(way: Way): CallKind<ScanRequest, ScanPage> {
  return {
    ...asking('scan'),
    statement: scanCells(way),
    ...(way.isLight ? together : alone),
    sizeOf: ({ limit }) => 1 + limit / rowsPerTurn,
    values: (scans) => [...bounds(scans, way), scans.map(({ summed }) => summed === true)],
    replies: byPosition((row, scan) => {
      if (!row) return absentRow();
      const [, , found, text, sum] = row as readonly [
        number,
        string,
        number,
        string | null,
        string,
      ];
      const cells = cellsOf(text, scan.shared);
      const exhausted = found < scan.limit && cells.length === found;
      return { cells, exhausted, ...(scan.summed ? { sum: { sum, exhausted } } : {}) };
    }),
  };
}

function sumsKind(way: Way): CallKind<ScanRequest, PageSum> {
  return {
    ...asking('sum'),
    statement: sumCells(way),
    ...(way.isLight ? together : alone),
    sizeOf: ({ limit }) => 1 + limit / summedPerTurn,
    values: (scans) => bounds(scans, way),
    replies: byPosition((row, { limit }) => {
      if (!row) return absentRow();
      const [, , found, isCut, sum] = row as readonly [
        number,
        string,
        number,
        boolean | null,
        string,
      ];
      return { sum, exhausted: found < limit && !isCut };
    }),
  };
}

function asking(name: string) {
  const keyOf = ({ tenant, keyspace, from = '' }: ScanRequest): string =>
    `${tenant}\0${keyspace}\0${from}`;
  return { name, writes: false, incarnationColumn: 1, keyOf } as const;
}

function bounds(scans: readonly ScanRequest[], { bounded }: Way): readonly unknown[] {
  return [
    scans.map(({ tenant }) => tenant),
    scans.map(({ keyspace }) => keyspace),
    scans.map(({ from = '' }) => from),
    scans.map(({ limit }) => limit),
    scans.map(({ bytes }) => Math.min(bytes, roomMax)),
    ...(bounded ? [scans.map(({ to }) => to)] : []),
  ];
}
