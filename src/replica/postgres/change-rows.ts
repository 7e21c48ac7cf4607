import { decodeCell } from '../../causality/cell-codec.ts';
import type { Change, ChangedKey, ChangePosition, KeyRange, Singles } from '../change-source.ts';
import { ReplicaError } from '../replica.ts';
import type { Row } from './connection.ts';

/** Of a row of the log (seq, tenant, keyspace, key, siblings, context, outcomes): whose change it is. */
export function keyIn(row: Row): ChangedKey {
  return { tenant: text(row[1]), keyspace: text(row[2]), key: text(row[3]) };
}

/** Where a reader stands after the row, in the window from the place `before` to `until`. */
export function placeOf(row: Row, before: ChangePosition, until: string): ChangePosition {
  const { incarnation, seen } = before;
  return { incarnation, seen, window: { until, seq: Number(row[0]) } };
}

/** The row as a change, its cell read. */
export function changeIn(row: Row, before: ChangePosition, until: string): Change {
  const [, , , , siblings, context, outcomes] = row;
  const texts = { siblings: text(siblings), context: text(context), outcomes: text(outcomes) };
  return { ...keyIn(row), cell: decodeCell(texts), position: placeOf(row, before, until) };
}

/** Four arrays, as the statements take ranges. */
export function rangeColumns(ranges: readonly KeyRange[]): unknown[] {
  const column = (name: keyof KeyRange): unknown[] => ranges.map((range) => range[name] ?? null);
  return [column('tenant'), column('keyspace'), column('from'), column('to')];
}

/** Two arrays and the bits of a sieve, as the statements take single keys. */
export function singleColumns({ keyspaces, sieve }: Singles = nothing): unknown[] {
  const tenants = keyspaces.map(({ tenant }) => tenant);
  return [tenants, keyspaces.map(({ keyspace }) => keyspace), sieve];
}

/** One byte, as Postgres must find a bit to look at. */
const nothing: Singles = { keyspaces: [], sieve: new Uint8Array(1) };

/** Rejects what no log of ours holds. */
export function text(value: unknown): string {
  if (typeof value !== 'string')
    throw new ReplicaError('REFUSED', 'the change log is not what it should be', false);
  return value;
}
