import type {
  Change,
  ChangedKey,
  ChangePosition,
  RecentAsked,
  RecentChanges,
} from '../change-source.ts';
import { refName } from '../cell-ref.ts';
import { changeIn, keyIn, rangeColumns, text } from './change-rows.ts';
import * as sql from './change-statements.ts';
import type { Row } from './connection.ts';
import type { Statement } from './statements.ts';

/** Sends a statement over the session that reads the log. */
type Run = (statement: Statement, values: readonly unknown[]) => Promise<readonly Row[]>;

const rowsMax = 10_000;
const bytesMax = 4_000_000;

/**
 * What was logged of late, to each who asks. Those who ask for single keys, and look about as far back,
 * are answered from one look at the log: it goes through all that was logged in that time, whoever asks, so
 * ten thousand looks of which each finds one key would keep a busy server for minutes.
 */
export async function recentChanges(
  asked: readonly RecentAsked[],
  run: Run,
): Promise<readonly RecentChanges[]> {
  const answers = new Map<RecentAsked, RecentChanges>();
  for (const group of groupsOf(asked)) await answer(byKey(group), run, answers);
  return asked.map((one) => answers.get(one) ?? { changes: [], complete: false });
}

/** Twice as far back at most: whoever was away for hours is no burden on those who begin. */
function groupsOf(asked: readonly RecentAsked[]): readonly (readonly RecentAsked[])[] {
  const groups = new Map<unknown, RecentAsked[]>();
  for (const one of asked) {
    const name = one.range.key === undefined ? one : Math.ceil(Math.log2(one.ageMs));
    const group = groups.get(name);
    if (group) group.push(one);
    else groups.set(name, [one]);
  }
  return [...groups.values()];
}

/**
 * When more was logged of the keys of a group than one answer holds, each half is asked by itself; of one
 * key there is nothing to halve, and whoever asks for it is told what is newest.
 */
async function answer(
  group: readonly RecentAsked[],
  run: Run,
  answers: Map<RecentAsked, RecentChanges>,
): Promise<void> {
  const [first] = group;
  if (!first) return;
  if (group.length === 1) return void answers.set(first, await recentOfOne(first, run));
  const rows = await recentOfKeys(group, run);
  const isComplete = isWhole(rows, 8);
  const isOneKey = group.every(({ range }) => nameOf(range) === nameOf(first.range));
  if (!isComplete && !isOneKey) {
    const middle = Math.ceil(group.length / 2); // of those sorted by key
    await answer(group.slice(0, middle), run, answers);
    return answer(group.slice(middle), run, answers);
  }
  const rowsOf = new Map<string, Row[]>();
  for (const row of rows) {
    const name = nameOf(keyIn(row));
    const others = rowsOf.get(name);
    if (others) others.push(row);
    else rowsOf.set(name, [row]);
  }
  const pastOf = memoized(snapshotOf);
  for (const one of group) {
    const { key = '', tenant, keyspace } = one.range;
    const own = rowsOf.get(nameOf({ tenant, keyspace, key })) ?? [];
    const before = own.filter((row) => isBefore(one.position, row, pastOf));
    // Of a place so far back that nothing before it is among the newest of the key.
    if (!isComplete && before.length === 0) answers.set(one, await recentOfOne(one, run));
    else answers.set(one, { changes: changesOf(before, one.position), complete: isComplete });
  }
}

async function recentOfOne(
  { position, range, ageMs }: RecentAsked,
  run: Run,
): Promise<RecentChanges> {
  const { seen, window } = position;
  const place = [seen, window?.until ?? seen, window?.seq ?? 0];
  const values = [...rangeColumns([range]), rowsMax, bytesMax, ...place, ageMs];
  const rows = await run(sql.recentChanges, values);
  return { changes: changesOf(rows, position), complete: isWhole(rows, 7) };
}

function recentOfKeys(group: readonly RecentAsked[], run: Run): Promise<readonly Row[]> {
  const keys = [...new Map(group.map(({ range }) => [nameOf(range), range])).values()];
  const columns = [
    keys.map(({ tenant }) => tenant),
    keys.map(({ keyspace }) => keyspace),
    keys.map(({ key }) => key),
  ];
  const ageMs = Math.max(...group.map((one) => one.ageMs));
  return run(sql.recentChangesOfKeys, [...columns, ageMs, rowsMax, bytesMax]);
}

/** Those who ask for one key stand together. */
function byKey(group: readonly RecentAsked[]): readonly RecentAsked[] {
  const nth = new Map<string, number>();
  for (const { range } of group) if (!nth.has(nameOf(range))) nth.set(nameOf(range), nth.size);
  const at = ({ range }: RecentAsked): number => nth.get(nameOf(range)) ?? 0;
  return group.toSorted((a, b) => at(a) - at(b));
}

/** Whether nothing was cut off; the column says how many rows there were before bytes were counted. */
function isWhole(rows: readonly Row[], foundAt: number): boolean {
  const found = Number(rows[0]?.[foundAt] ?? 0);
  return found === rows.length && found < rowsMax;
}

function changesOf(rows: readonly Row[], position: ChangePosition): readonly Change[] {
  return rows.map((row) => changeIn(row, position, position.seen));
}

/** As Postgres prints it, read: finished is what is below `end` and not running. */
interface Snapshot {
  readonly end: bigint;
  readonly running: ReadonlySet<string>;
}

function snapshotOf(printed: string): Snapshot {
  const [, end = '0', running = ''] = printed.split(':');
  return { end: BigInt(end), running: new Set(running.split(',')) };
}

/** Whether the row was delivered at the position: what the statement for one asks Postgres. */
function isBefore(
  { seen, window }: ChangePosition,
  row: Row,
  pastOf: (printed: string) => Snapshot,
): boolean {
  const xid = text(row[7]);
  const isIn = (printed: string): boolean => {
    const { end, running } = pastOf(printed);
    return BigInt(xid) < end && !running.has(xid);
  };
  return isIn(seen) || (window !== undefined && Number(row[0]) <= window.seq && isIn(window.until));
}

function memoized<T>(make: (text: string) => T): (text: string) => T {
  const made = new Map<string, T>();
  return (given) => {
    const known = made.get(given) ?? make(given);
    made.set(given, known);
    return known;
  };
}

/** A range of one key; of another one, the keyspace. */
function nameOf({
  key = '',
  ...of
}: Omit<ChangedKey, 'key'> & { key?: string | undefined }): string {
  return refName({ ...of, key });
}
