import type { Operation } from '../simulation/history.ts';
import type { Verdict } from './checks.ts';
import type { Fault } from './faults.ts';

/** What is counted of operations, so that a long run need not keep them. */
export interface Counts {
  readonly operations: number;
  readonly ok: number;
  readonly fail: number;
  readonly unknown: number;
  /** Those of `ok` that were done while a replica was away. */
  readonly away: number;
  readonly slowestMs: number;
}

export type CountsByName = ReadonlyMap<string, Counts>;

const none: Counts = { operations: 0, ok: 0, fail: 0, unknown: 0, away: 0, slowestMs: 0 };

/** Counts by level and by reading or writing. */
export function countByLevel(
  operations: readonly Operation[],
  faults: readonly Fault[],
): CountsByName {
  const away = faults.filter(({ kind }) => kind !== 'kill of a gateway');
  const counts = new Map<string, Counts>();
  for (const { op, level = '?', status, start, end, tookMs = 0 } of operations) {
    const name = `${level} ${op === 'read' ? 'read' : 'write'}`;
    const before = counts.get(name) ?? none;
    const isAway =
      status === 'ok' &&
      away.some(({ startNs, endNs }) => start > startNs && end! < (endNs ?? Infinity));
    counts.set(name, {
      ...before,
      operations: before.operations + 1,
      [status]: before[status] + 1,
      away: before.away + Number(isAway),
      slowestMs: Math.max(before.slowestMs, tookMs),
    });
  }
  return counts;
}

/** Failures and unknown outcomes by code. */
export function countByCode(operations: readonly Operation[]): ReadonlyMap<string, number> {
  const failed = operations.filter(({ status }) => status !== 'ok');
  const codes = Map.groupBy(failed, ({ code, status }) => `${code ?? '?'} (${status})`);
  return new Map([...codes].map(([code, those]) => [code, those.length]));
}

export function addCounts(a: CountsByName, b: CountsByName): CountsByName {
  const sum = new Map(a);
  for (const [name, more] of b) {
    const had = sum.get(name) ?? none;
    sum.set(name, {
      operations: had.operations + more.operations,
      ok: had.ok + more.ok,
      fail: had.fail + more.fail,
      unknown: had.unknown + more.unknown,
      away: had.away + more.away,
      slowestMs: Math.max(had.slowestMs, more.slowestMs),
    });
  }
  return sum;
}

/** Columns as wide as they need to be; the first is aligned left, the others right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, at) => Math.max(...all.map((row) => row[at]!.length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!)))
      .join('  ');
  return all.map((row) => `  ${line(row)}\n`).join('');
}

export function levelTable(counts: CountsByName): string {
  const rows = [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const total = rows.reduce<CountsByName>(
    (sum, [, one]) => addCounts(sum, new Map([['all', one]])),
    new Map(),
  );
  return table(
    ['level', 'operations', 'ok', 'fail', 'unknown', 'ok while a replica was away', 'slowest ms'],
    [...rows, ...total].map(([name, one]) => [
      name,
      ...[one.operations, one.ok, one.fail, one.unknown, one.away, one.slowestMs].map((n) =>
        n.toLocaleString('en'),
      ),
    ]),
  );
}

export function verdictTable(verdicts: readonly Verdict[]): string {
  return table(
    ['keys', 'checker', 'operations', 'violations', 'seconds'],
    verdicts.map(({ group, checker, operations, violations, tookMs }) => [
      group,
      checker,
      operations.toLocaleString('en'),
      String(violations.length),
      (tookMs / 1000).toFixed(1),
    ]),
  );
}
