import { ballotOf } from '../../causality/cell.ts';
import { digestOf, encodeCell } from '../../causality/cell-codec.ts';
import type { Cell } from '../../causality/cell.ts';
import { goneAt } from '../../causality/gone.ts';
import { tokenOf } from '../../placement/token.ts';
import type { Clock } from '../../runtime/clock.ts';
import { refName } from '../cell-ref.ts';
import {
  absentCell,
  ReplicaError,
  type BriefCell,
  type CellRef,
  type KeepResult,
  type PrepareResult,
  type SharedCells,
  type StoredCell,
  type SwapRequest,
  type SwapResult,
} from '../replica.ts';
import { charsOf } from '../traffic.ts';
import { alone, byPosition, placed, sizeOfChars, type CallKind } from './call-kind.ts';
import type { Connection, Row } from './connection.ts';
import { cellsIn, storedCell } from './rows.ts';
import {
  areYouThere,
  keepNewestCells,
  prepareBallots,
  readCells,
  swapCells,
} from './statements.ts';

/**
 * A call as the batcher carries it. Deadlines are on our monotonic clock; they are translated when
 * the batch leaves.
 */
export interface Addressed {
  readonly ref: CellRef;
  readonly deadlineMs: number;
}
interface WriteCall extends Addressed {
  readonly next: Cell;
  readonly stamp: string;
}
export interface SwapCall extends WriteCall {
  readonly request: SwapRequest;
}
export interface PrepareCall extends Addressed {
  readonly ballot: number;
}

export const keyOf = ({ ref }: Addressed): string => refName(ref);

/** What the calls have in common that bring a cell along. */
const carrying = {
  writes: true,
  locksRow: true,
  keyOf,
  sizeOf: ({ next }: WriteCall) => sizeOfChars(charsOf(next)),
} as const;

/** Every kind of statement that a replica serves, as a table: what goes in, what comes out. */
export function callKinds(clock: Clock) {
  return {
    swap: {
      name: 'swap',
      statement: swapCells,
      ...carrying,
      clockColumn: 10,
      xidColumn: 11,
      values: (calls, connection) => [
        ...cellColumns(calls, { connection, clock }),
        calls.map(({ next }) => ballotOf(next)),
        calls.map(({ next }) => encodeCell(next).outcomes),
        calls.map(({ request }) => request.mintedBy ?? request.acceptedBy ?? ''),
        calls.map(({ request }) => request.expected),
        calls.map(({ request }) => request.acceptedBy !== undefined),
        calls.map(emptiedOf),
        calls.map(({ request }) => request.promises ?? 0),
      ],
      replies: byPosition(swapReply),
    } satisfies CallKind<SwapCall, SwapResult>,
    keepNewest: keepNewestKind(clock),
    prepare: {
      name: 'prepare',
      statement: prepareBallots,
      writes: true,
      locksRow: true,
      incarnationColumn: 9,
      xidColumn: 10,
      keyOf,
      values: (calls, connection) => [
        ...addressColumns(calls),
        calls.map(({ ballot }) => ballot),
        calls.map((call) => serverDeadlineMs(call, { connection, clock })),
        tokenColumn(calls),
      ],
      replies: byPosition(prepareReply),
    } satisfies CallKind<PrepareCall, PrepareResult>,
  };
}

function keepNewestKind(clock: Clock): CallKind<WriteCall, KeepResult> {
  return {
    name: 'keep_newest',
    statement: keepNewestCells,
    ...carrying,
    clockColumn: 4,
    xidColumn: 5,
    // The greater stamp stays, whatever order they arrive in: the others would have left no trace.
    oneForAll: {
      isGreater: (call, than) => call.stamp > than.stamp,
      replyToOther: ({ next }, { stored }) => ({
        stored: false,
        ...(stored ? { by: next } : {}),
      }),
    },
    values: (calls, connection) => cellColumns(calls, { connection, clock }),
    replies: byPosition((row) => refusal(row) ?? { stored: row?.[1] === true }),
  };
}

interface ReadCall {
  readonly refs: readonly CellRef[];
  readonly shared: SharedCells | undefined;
  readonly briefly: boolean;
}

/**
 * Any number of keys a call, and of calls a statement: the answers of each call stand one after the
 * other. A call is charged a turn for every key, as if its keys had been asked for one by one.
 */
export const readKind: CallKind<ReadCall, readonly BriefCell[]> = {
  name: 'read',
  statement: readCells,
  writes: false,
  incarnationColumn: 2,
  mayRepeatKeys: true,
  keyOf: ({ refs: [first] }) => (first ? refName(first) : ''),
  sizeOf: ({ refs }) => refs.length,
  rowsOf: ({ refs }) => refs.length,
  values: (calls) => {
    const columns: [string[], string[], string[], boolean[]] = [[], [], [], []];
    for (const { refs, briefly } of calls)
      for (const { tenant, keyspace, key } of refs) {
        columns[0].push(tenant);
        columns[1].push(keyspace);
        columns[2].push(key);
        columns[3].push(briefly);
      }
    return columns;
  },
  replies: (rows, calls) => {
    const rowOf = placed(rows);
    let before = 0;
    return calls.map(({ refs, shared }) => {
      const own = rowOf.slice(before + 1, before + 1 + refs.length);
      before += refs.length;
      const texts = own.flatMap((row) => (row ? [row[1] as string | null] : []));
      return texts.length === refs.length ? cellsIn(texts, shared) : absentRow();
    });
  },
};

/** The cell of a call for one key. */
export function firstOf([first]: readonly StoredCell[]): StoredCell {
  if (!first) throw new Error('a call for one key is answered with one cell');
  return first;
}

/** Whether somebody is there, and still the one who was. */
export const pingKind: CallKind<undefined, undefined> = {
  ...alone({ name: 'ping', statement: areYouThere, values: [], reply: () => undefined }),
  incarnationColumn: 0,
};

/** How often the row must have been emptied for a dot to be minted in it. */
function emptiedOf({ request }: SwapCall): number | null {
  return request.mintedBy === undefined ? null : (request.emptied ?? 0);
}

export function addressColumns(calls: readonly Addressed[]): readonly unknown[] {
  return [
    calls.map(({ ref }) => ref.tenant),
    calls.map(({ ref }) => ref.keyspace),
    calls.map(({ ref }) => ref.key),
  ];
}

function cellColumns(
  calls: readonly WriteCall[],
  at: { connection: Connection; clock: Clock },
): readonly unknown[] {
  const texts = calls.map(({ next }) => encodeCell(next));
  return [
    ...addressColumns(calls),
    texts.map(({ siblings }) => siblings),
    texts.map(({ context }) => context),
    calls.map(({ next }) => digestOf(next)),
    calls.map(({ stamp }) => stamp),
    calls.map((call) => serverDeadlineMs(call, at)),
    tokenColumn(calls),
    calls.map(({ next }) => goneAt(next) ?? null),
  ];
}

function tokenColumn(calls: readonly Addressed[]): readonly number[] {
  return calls.map(({ ref }) => tokenOf(ref.key));
}

/**
 * The call's deadline on the replica's own clock, so that a server that froze and thaws does not
 * act on what was abandoned.
 */
export function serverDeadlineMs(
  { deadlineMs }: Addressed,
  at: { connection: Connection; clock: Clock },
): number {
  return serverTimeMs(deadlineMs, at);
}

/** A time on our monotonic clock as the replica's own clock has it, in ms since 1970. */
export function serverTimeMs(
  atMs: number,
  { connection, clock }: { connection: Connection; clock: Clock },
): number {
  return clock.nowMs() + (atMs - clock.monotonicMs()) + connection.clockOffsetMs;
}

function prepareReply(row: Row | undefined): PrepareResult | ReplicaError {
  const stored = row ? storedCell(row, 3) : absentCell;
  return refusal(row) ?? { promised: row?.[1] === true, stored };
}

function swapReply(row: Row | undefined, { request }: SwapCall): SwapResult | ReplicaError {
  const refused = refusal(row);
  if (refused || !row) return refused ?? absentRow();
  if (row[1] === true) return { status: 'swapped' };
  const current = storedCell(row, 4);
  const advances = ballotOf(request.next) > ballotOf(current.cell);
  if (
    current.digest === request.expected &&
    advances &&
    current.promised > ballotOf(request.next)
  ) {
    return { status: 'promised', promised: current.promised, current };
  }
  return { status: 'mismatch', current };
}

/** Columns 2 and 3 of a writing statement: in time? same incarnation? */
export function refusal(row: Row | undefined): ReplicaError | undefined {
  if (!row) return absentRow();
  if (row[2] === false)
    return new ReplicaError(
      'REFUSED',
      'the statement reached the replica after its deadline',
      false,
    );
  if (row[3] === false)
    return new ReplicaError('REFUSED', 'the replica is another incarnation than it was', false);
  return undefined;
}

/** Every statement answers for every call; no row means that the `replica` table is empty. */
export function absentRow(): ReplicaError {
  return new ReplicaError('REFUSED', 'the database has lost its replica identity', false);
}
