import { compareKeys } from './key-order.ts';

/** A replica as placement sees it: a name, and what it would go down together with. */
export interface Member {
  readonly id: string;
  /** A room, a rack, a provider's zone. Members without one are taken to share nothing. */
  readonly zone?: string | undefined;
}

/**
 * Who holds the data, at one moment of the cluster's life.
 *
 * A value with a number, not a live object: two gateways that answer for the same epoch place every
 * key alike, and a receipt can say which epoch it was answered in.
 */
export interface Topology {
  /** Grows by one whenever the members change. */
  readonly epoch: number;
  /**
   * Parts into which hashed keyspaces are cut; fixed for the life of the cluster, since it decides
   * where every key lies.
   */
  readonly partitions: number;
  readonly members: readonly Member[];
}

/**
 * Enough for 12 replicas to get about 20 each, and few enough to compare them all in one round of
 * anti-entropy.
 */
export const DEFAULT_PARTITIONS = 256;

/**
 * A topology whose members are in the order of their ids, so that nothing depends on the order in
 * which they were written down.
 *
 * Throws RangeError when there is no member, when two share an id, or when `partitions` is not a
 * positive integer.
 */
export function createTopology(parts: {
  epoch: number;
  members: readonly Member[];
  partitions?: number | undefined;
}): Topology {
  const { epoch, partitions = DEFAULT_PARTITIONS } = parts;
  const members = sortedMembers(parts.members);
  if (members.length === 0) throw new RangeError('a cluster needs at least one replica');
  if (!Number.isInteger(partitions) || partitions < 1) {
    throw new RangeError(
      `the number of partitions must be a positive integer, and it is ${partitions}`,
    );
  }
  const twice = members.find(({ id }, at) => members[at + 1]?.id === id);
  if (twice) throw new RangeError(`two replicas are both called "${twice.id}"`);
  return { epoch, partitions, members };
}

/** In the order of their ids. */
export function sortedMembers(members: readonly Member[]): readonly Member[] {
  return members.toSorted((a, b) => compareKeys(a.id, b.id));
}
