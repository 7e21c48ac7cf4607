import { isTombstone, visible, type Cell } from '../causality/cell.ts';
import { PI } from '../causality/dot.ts';
import type { Keyspace } from './keyspace.ts';
import type { Entry } from './store.ts';

/** Ballots carry ms since 2020 above 12 bits of gateway number (paxos/ballot); this makes them comparable with clocks in µs. */
const ballotEpochUs = 1_577_836_800_000_000;

/** A cell as a reader sees it at `nowMs`. */
export function entryOf(keyspace: Keyspace, key: string, what: { cell: Cell; nowMs: number }): Entry {
  const { cell, nowMs } = what;
  const live = visible(cell).filter((sibling) => !isTombstone(sibling, nowMs));
  return { keyspace, key, cell, revision: revisionOf(cell), live };
}

/**
 * A string that grows with the state: whatever has seen more is greater, and a key recreated after its tombstone was collected is
 * greater than all before (its dots start at the clock). Concurrent states are ordered, but arbitrarily.
 *
 * Shape: the latest time in the context (µs, 16 digits), then the sum of all (20 digits): the maximum alone would not grow
 * when a slower clock's event is added.
 */
export function revisionOf(cell: Cell): string {
  let latestUs = 0;
  let sumUs = 0n;
  for (const [actor, counter] of cell.context) {
    const timeUs = actor === PI ? ballotEpochUs + Math.floor(counter / 4096) * 1000 : counter;
    latestUs = Math.max(latestUs, timeUs);
    sumUs += BigInt(timeUs) + (actor === PI ? BigInt(counter % 4096) : 0n);
  }
  return `${String(latestUs).padStart(16, '0')}.${String(sumUs).padStart(20, '0')}`;
}
