import type { Member, Topology } from './membership.ts';
import { partitioners, type PartitionerName } from './partitioner.ts';

/** One replica that a partition asks for. */
export interface PreferenceEntry {
  readonly replica: string;
  readonly zone: string | undefined;
  /**
   * A primary owns the data. A fallback may keep hints for one that is away, and its word never
   * counts as an acknowledgement.
   */
  readonly role: 'primary' | 'fallback';
}

/**
 * Where the keys of one keyspace lie, under one topology. A value: it never changes, a new topology
 * has new ones.
 */
export interface Placement {
  readonly epoch: number;
  readonly partitions: number;
  /** Primaries of every partition. */
  readonly replicationFactor: number;
  partitionOf(key: string): number;
  /** All members: the primaries first, then the fallbacks. Computed once; asking costs nothing. */
  preferenceList(partition: number): readonly PreferenceEntry[];
  /**
   * The partitions that may hold keys of [from, to), ascending: all when keys are hashed,
   * neighbours under RANGE.
   */
  partitionsOfRange(from?: string, to?: string): readonly number[];
}

/** What of a keyspace decides where its keys lie. */
export interface PlacementRules {
  readonly partitioner: PartitionerName;
  readonly replicationFactor: number;
  /** Only for RANGE; in any order. */
  readonly splitKeys?: readonly string[] | undefined;
}

/**
 * Hashed keyspaces of one topology are alike but for their replication factor, so thousands of
 * tenants share a few placements.
 */
const hashedPlacements = new WeakMap<Topology, Map<string, Placement>>();

/**
 * Places every partition of a keyspace on the members of a topology.
 *
 * Throws RangeError when fewer members exist than `replicationFactor` asks for: the caller checks
 * what users ask before.
 *
 * Law: N distinct primaries; while a zone is unused, no zone is used twice. It depends on the set
 * of members, not on their order.
 * Law (CONSISTENT_HASH and RANGE): when a member joins, a partition's primaries stay or one of them
 * makes way for it; when one leaves, only its own partitions get a new primary. No key moves
 * between two members that both stay.
 * Law (CONSISTENT_HASH, 256 partitions, 3 to 12 members, no zones): each member is a primary of
 * 0.55 to 1.5 times its fair share of partitions at a replication factor of 3, and comes first in
 * 0.2 to 2.1 times its fair share. That is the spread of dice; a ring evened out by hand would move
 * keys between members that stay.
 */
export function createPlacement(topology: Topology, rules: PlacementRules): Placement {
  if (rules.partitioner === 'RANGE') return computePlacement(topology, rules);
  const known = hashedPlacements.get(topology) ?? new Map<string, Placement>();
  hashedPlacements.set(topology, known);
  const name = `${rules.partitioner}/${rules.replicationFactor}`;
  const placement = known.get(name) ?? computePlacement(topology, rules);
  known.set(name, placement);
  return placement;
}

function computePlacement(topology: Topology, rules: PlacementRules): Placement {
  const { replicationFactor } = rules;
  const most = topology.members.length;
  if (!Number.isInteger(replicationFactor) || replicationFactor < 1 || replicationFactor > most) {
    throw new RangeError(
      `the replication factor must be an integer from 1 to ${most} (the number of replicas), and it is ${replicationFactor}`,
    );
  }
  const layout = partitioners[rules.partitioner](topology, rules.splitKeys ?? []);
  const lists = layout.orders.map((order) => preferenceListOf(order, replicationFactor));
  return {
    epoch: topology.epoch,
    partitions: lists.length,
    replicationFactor,
    partitionOf: layout.partitionOf,
    partitionsOfRange: layout.partitionsOfRange,
    preferenceList: (partition) => {
      const list = lists[partition];
      if (!list)
        throw new RangeError(`there is no partition ${partition}: there are ${lists.length}`);
      return list;
    },
  };
}

/**
 * The first N of `order`, distinct zones first, as primaries; then the others, in that order, as
 * fallbacks.
 *
 * Members are taken in rounds: the first member of every zone, then the second of every zone, and
 * so on. So N primaries use as many zones as there are, and no zone holds two more of them than
 * another that could have held one.
 */
export function preferenceListOf(
  order: readonly Member[],
  count: number,
): readonly PreferenceEntry[] {
  const taken = new Map<string, number>();
  const rounds = order.map((member, at) => {
    // A member without a zone counts as a zone of its own.
    const zone = member.zone === undefined ? `member ${member.id}` : `zone ${member.zone}`;
    const round = taken.get(zone) ?? 0;
    taken.set(zone, round + 1);
    return { member, round, at };
  });
  const primaries = rounds.toSorted((a, b) => a.round - b.round || a.at - b.at).slice(0, count);
  const chosen = new Set(primaries.map(({ member }) => member));
  const fallbacks = order.filter((member) => !chosen.has(member));
  return [
    ...primaries.map(({ member }) => entryOf(member, 'primary')),
    ...fallbacks.map((member) => entryOf(member, 'fallback')),
  ];
}

function entryOf({ id, zone }: Member, role: PreferenceEntry['role']): PreferenceEntry {
  return { replica: id, zone, role };
}

/** In how many partitions each member is a primary. */
export function ownedPartitions(placement: Placement): ReadonlyMap<string, number> {
  const owned = new Map<string, number>();
  for (let partition = 0; partition < placement.partitions; partition++) {
    for (const { replica, role } of placement.preferenceList(partition)) {
      owned.set(replica, (owned.get(replica) ?? 0) + (role === 'primary' ? 1 : 0));
    }
  }
  return owned;
}
