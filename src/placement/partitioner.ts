import { compareKeys } from './key-order.ts';
import { sortedMembers, type Member, type Topology } from './membership.ts';
import { createRing, walk } from './ring.ts';
import { RING_SIZE, tokenOf } from './token.ts';

/** How keys are spread over partitions. */
export type PartitionerName = keyof typeof partitioners;

/**
 * Keys cut into partitions, and for each partition the members in the order in which it asks for
 * them.
 */
export interface Layout {
  /** The partition of a key. Every request pays for this. */
  readonly partitionOf: (key: string) => number;
  /** The partitions that may hold keys of [from, to), ascending; an open end is undefined. */
  readonly partitionsOfRange: (from?: string, to?: string) => readonly number[];
  /** One list a partition: every member, once. */
  readonly orders: readonly (readonly Member[])[];
}

/**
 * THE TABLE of partitioners.
 *
 * - CONSISTENT_HASH: as many partitions as the topology says; each is an arc of the ring, and its
 *   members are those met clockwise from where it begins.
 * - MODULO_HASH: as many partitions as members; the hash modulo their number is the first owner,
 *   the next ones follow. Perfectly even, and almost every key moves when a member comes or goes:
 *   it is here to show what consistent hashing saves.
 * - RANGE: one partition between two split keys; see `rangeLayout`.
 */
export const partitioners = {
  CONSISTENT_HASH: consistentLayout,
  MODULO_HASH: moduloLayout,
  RANGE: rangeLayout,
} as const satisfies Record<string, (topology: Topology, splitKeys: readonly string[]) => Layout>;

function consistentLayout({ members, partitions }: Topology): Layout {
  const ring = createRing(members);
  const all = upTo(partitions);
  return {
    // The token scaled down: exact, since 32 bits times a partition count fit a double.
    partitionOf: (key) => Math.floor((tokenOf(key) / RING_SIZE) * partitions),
    partitionsOfRange: (from, to) => (isEmpty(from, to) ? [] : all),
    orders: all.map((partition) => walk(ring, Math.floor((partition * RING_SIZE) / partitions))),
  };
}

function moduloLayout(topology: Topology): Layout {
  const members = sortedMembers(topology.members);
  const all = upTo(members.length);
  return {
    partitionOf: (key) => tokenOf(key) % members.length,
    partitionsOfRange: (from, to) => (isEmpty(from, to) ? [] : all),
    orders: all.map((first) => [...members.slice(first), ...members.slice(0, first)]),
  };
}

/**
 * Partition `i` holds the keys of [split i-1, split i), in byte order; the first and the last are
 * open to their side.
 *
 * A range asks for members clockwise from the token of its lower bound. The price: few ranges are
 * spread as dice fall, and not in turn.
 *
 * Law: a split key that is added later moves only the keys from it up to the next one.
 */
function rangeLayout({ members }: Topology, splitKeys: readonly string[]): Layout {
  const splits = splitKeys.toSorted(compareKeys);
  const twice = splits.find((split, at) => splits[at + 1] === split);
  if (twice !== undefined) throw new RangeError(`the split key "${twice}" is given twice`);
  const ring = createRing(members);
  const all = upTo(splits.length + 1);
  const partitionOf = (key: string): number => countAtMost(splits, key);
  return {
    partitionOf,
    partitionsOfRange: (from, to) => {
      if (isEmpty(from, to)) return [];
      const first = from === undefined ? 0 : partitionOf(from);
      const last = to === undefined ? splits.length : countBelow(splits, to);
      return all.slice(first, last + 1);
    },
    orders: all.map((partition) => walk(ring, tokenOf(splits[partition - 1] ?? ''))),
  };
}

/** How many of the sorted splits are ≤ key: the partition that begins at or before it. */
function countAtMost(splits: readonly string[], key: string): number {
  let low = 0;
  let high = splits.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareKeys(splits[middle] ?? '', key) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** How many of the sorted splits are < key: the last partition that holds anything below it. */
function countBelow(splits: readonly string[], key: string): number {
  const atMost = countAtMost(splits, key);
  return atMost > 0 && splits[atMost - 1] === key ? atMost - 1 : atMost;
}

/**
 * Whether no key can lie in [from, to): the bounds are reversed or equal, or nothing comes before
 * the empty text.
 */
function isEmpty(from: string | undefined, to: string | undefined): boolean {
  return to !== undefined && compareKeys(from ?? '', to) >= 0;
}

function upTo(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index);
}
