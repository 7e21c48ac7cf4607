import {
  isTombstone,
  latestUs,
  pastOf,
  visible,
  type Cell,
  type Sibling,
} from '../causality/cell.ts';
import type { Keyspace } from './keyspace.ts';
import type { Entry } from './store.ts';

/** A cell as a reader sees it at `nowMs`. */
export function entryOf(
  keyspace: Keyspace,
  key: string,
  what: { cell: Cell; nowMs: number },
): Entry {
  const { cell, nowMs } = what;
  const shown = visible(cell);
  const isGone = (sibling: Sibling): boolean => isTombstone(sibling, nowMs);
  const live = shown.some(isGone) ? shown.filter((sibling) => !isGone(sibling)) : shown;
  return { keyspace, key, cell, live };
}

/**
 * A string that grows with the state: whatever has seen more is greater, and a key recreated after
 * its tombstone was collected is greater than all before (its dots start at the clock). Concurrent
 * states are ordered, but arbitrarily.
 *
 * Shape: the latest time in the context (µs, 16 digits), then the sum of all (20 digits): the
 * maximum alone would not grow when a slower clock's event is added.
 */
export function revisionOf(cell: Cell): string {
  let sum = 0n;
  // Ballots enter as they are: split into time and proposer number, a later round of a smaller
  // number would count less.
  const past = pastOf(cell);
  for (const counter of past.values()) sum += BigInt(counter);
  return `${String(latestUs(past)).padStart(16, '0')}.${String(sum).padStart(20, '0')}`;
}
