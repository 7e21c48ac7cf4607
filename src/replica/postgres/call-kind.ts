import { ReplicaError } from '../replica.ts';
import type { Connection, Row } from './connection.ts';
import type { Statement } from './statements.ts';

/**
 * Of calls with equal keys only one need be sent, where its answer tells those of the others: which
 * one, and what the others are told when it has succeeded.
 */
interface OneForAll<Call, Reply> {
  isGreater(call: Call, than: Call): boolean;
  replyToOther(sent: Call, reply: Reply): Reply;
}

/** One kind of call that can share a statement with others of its kind. */
export interface CallKind<Call, Reply> {
  readonly name: string;
  readonly statement: Statement;
  /** Whether an unanswered call may have changed something. */
  readonly writes: boolean;
  /**
   * Also the sort order within a batch. What stands before the first NUL is the tenant whose turn the
   * call takes. Calls with equal keys never share a batch, but for these two:
   */
  readonly keyOf: (call: Call) => string;
  /** Any number of equal keys may stand in one statement: it reads, and answers each call. */
  readonly mayRepeatKeys?: true;
  /**
   * It locks the row of its key. None is sent while another such call of the key is under way: it would
   * wait in the server, and with it all that shares its statement.
   */
  readonly locksRow?: true;
  /** Each has a statement to itself: it gains nothing by waiting for others. */
  readonly alone?: true;
  /** So many in one statement at most, where that is fewer than of other kinds. */
  readonly most?: number;
  /** One of the calls with equal keys is sent for all. */
  readonly oneForAll?: OneForAll<Call, Reply>;
  /** How much of a turn a call takes; 1 when it is left out. */
  readonly sizeOf?: (call: Call) => number;
  /** How many rows of a statement it is; 1 when it is left out. */
  readonly rowsOf?: (call: Call) => number;
  /** One array a column. */
  readonly values: (calls: readonly Call[], connection: Connection) => readonly unknown[];
  /** The column in which a row tells the server's time, in ms since 1970; where one does. */
  readonly clockColumn?: number;
  /** The column in which a row tells which incarnation answers; where the answer is a vote. */
  readonly incarnationColumn?: number;
  /** The column in which a row tells the transaction that wrote it, if one did. */
  readonly xidColumn?: number;
  /** One reply a call, in the order of the calls. See `byPosition`. */
  readonly replies: (
    rows: readonly Row[],
    calls: readonly Call[],
  ) => readonly (Reply | ReplicaError)[];
}

/**
 * For statements whose rows carry the 1-based position of their call in the first column; a call
 * may have no row.
 */
export function byPosition<Call, Reply>(
  reply: (row: Row | undefined, call: Call) => Reply | ReplicaError,
) {
  return (rows: readonly Row[], calls: readonly Call[]): readonly (Reply | ReplicaError)[] => {
    const rowOf = placed(rows);
    return calls.map((call, index) => reply(rowOf[index + 1], call));
  };
}

/** Rows by the 1-based position in their first column. */
export function placed(rows: readonly Row[]): readonly (Row | undefined)[] {
  const rowOf: (Row | undefined)[] = [];
  for (const row of rows) rowOf[row[0] as number] = row;
  return rowOf;
}

/** A call that shares its statement with no other. */
export function alone<Reply>(call: {
  name: string;
  statement: Statement;
  values: readonly unknown[];
  writes?: boolean;
  reply: (rows: readonly Row[]) => Reply;
}): CallKind<undefined, Reply> {
  const { name, statement, values, writes = false, reply } = call;
  const replies = (rows: readonly Row[]): Reply[] => [reply(rows)];
  const keyOf = (): string => name;
  return { name, statement, writes, alone: true, keyOf, values: () => values, replies };
}

/** One call on its way through a batcher. */
export interface Pending {
  readonly kind: CallKind<unknown, unknown>;
  readonly call: unknown;
  readonly key: string;
  /** The tenant, or '' for what is nobody's. */
  readonly flow: string;
  readonly size: number;
  readonly rows: number;
  readonly deadlineMs: number;
  readonly resolve: (reply: unknown) => void;
  readonly reject: (error: ReplicaError) => void;
  /** Calls of the same key that this one is sent for, too. */
  others: Pending[];
  settled: boolean;
}

/** Whose turn a call of this key takes: the tenant's, or '' where there is none. */
export function flowOf(key: string): string {
  const end = key.indexOf('\0');
  return end < 0 ? '' : key.slice(0, end);
}

/** A turn for so many characters of values. */
const charsPerTurn = 4_096;
const sizeMax = 64;

/** How much of a turn a write takes that brings so many characters of values along. */
export function sizeOfChars(chars: number): number {
  return Math.min(sizeMax, 1 + Math.floor(chars / charsPerTurn));
}

/** The first outcome counts; a later one finds nobody waiting. */
export function settle(pending: Pending, reply: unknown): void {
  if (!pending.settled) {
    pending.settled = true;
    pending.resolve(reply);
  }
  const { kind, call, others } = pending;
  for (const other of others) settle(other, kind.oneForAll?.replyToOther(call, reply));
}

/** What was not sent by itself shares the fate of what was sent in its place. */
export function fail(pending: Pending, fault: ReplicaError): void {
  failAlone(pending, fault);
  for (const other of pending.others) fail(other, fault);
}

/** Lets one go whose time is up; the others wait on. */
export function failAlone(pending: Pending, fault: ReplicaError): void {
  if (pending.settled) return;
  pending.settled = true;
  pending.reject(fault);
}

/** All who wait for what is sent with this call, itself first. */
export function waitingFor(pending: Pending): readonly Pending[] {
  return pending.others.length === 0 ? [pending] : [pending, ...pending.others];
}

/** The one of two calls that is sent for both; undefined when each must be sent by itself. */
export function oneOf(a: Pending, b: Pending): Pending | undefined {
  const { oneForAll } = a.kind;
  if (!oneForAll || b.kind !== a.kind) return undefined;
  const [sent, other] = oneForAll.isGreater(b.call, a.call) ? [b, a] : [a, b];
  // Into the longer list: of thousands of one key that wait, each is moved a few times and not thousands.
  const [longer, shorter] =
    sent.others.length < other.others.length
      ? [other.others, sent.others]
      : [sent.others, other.others];
  longer.push(other, ...shorter);
  sent.others = longer;
  other.others = [];
  return sent;
}

/**
 * A vote counts for the incarnation that was examined when the connection was opened. Behind a proxy
 * a connection may lead to another database since, or another gateway may have renamed this one.
 */
export function refuseAnother(
  kind: Pending['kind'],
  rows: readonly Row[],
  connection: Connection,
): void {
  const answers = inFirstRow(rows, kind.incarnationColumn);
  if (answers === undefined || answers === connection.identity.incarnation) return;
  connection.destroy();
  throw new ReplicaError('REFUSED', 'the replica is another incarnation than it was', kind.writes);
}

/** How far the server's clock is from ours, where the answer says it. */
export function observeClock(
  kind: Pending['kind'],
  rows: readonly Row[],
  connection: Connection,
): void {
  const serverMs = inFirstRow(rows, kind.clockColumn);
  if (serverMs !== undefined) connection.observeClock(Number(serverMs));
}

/** The transaction of this batch, when it has written something: then it is durable. */
export function committedIn(kind: Pending['kind'], rows: readonly Row[]): bigint | undefined {
  const xid = inFirstRow(rows, kind.xidColumn);
  return xid === undefined ? undefined : BigInt(xid as string);
}

/** What the first row says that says anything in this column. Rows may come in any order. */
function inFirstRow(rows: readonly Row[], column: number | undefined): unknown {
  if (column === undefined) return undefined;
  return rows.find((row) => row[column] !== null)?.[column];
}
