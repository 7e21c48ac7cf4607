import type { Deps } from '../coordinator/deps.ts';
import type { KeyBounds } from '../coordinator/key-bounds.ts';
import type { PlacedKey, Target } from '../coordinator/plan.ts';
import type { PlacedRange } from '../coordinator/range-report.ts';
import type { Topology } from '../placement/membership.ts';
import { createPlacement, ownedPartitions, type Placement } from '../placement/preference-list.ts';
import type { RepairKeyspace } from '../repair/repair-keyspace.ts';
import type { GuardedReplica } from '../replica/guarded-replica.ts';
import type { Keyspace } from './keyspace.ts';
import { levels } from './levels.ts';
import { policies } from './policies.ts';
import type { ClusterView, ReplicaView } from './store.ts';

/** The replicas of this gateway's topology, and where each key lies on them. */
export class Cluster {
  readonly topology: Topology;
  readonly #replicas: ReadonlyMap<string, GuardedReplica>;
  /**
   * A keyspace is a value that changes only by being read anew, so what is computed from it can
   * hang on it.
   */
  readonly #placements = new WeakMap<Keyspace, Placement>();
  readonly #systemKeyspaces: Keyspace[] = [];
  readonly #lists = new WeakMap<Placement, (PlacedPartition | undefined)[]>();
  /** By the partitions themselves: hashed keyspaces give every range the same ones. */
  readonly #owners = new WeakMap<readonly number[], Owners>();
  readonly #hintsFor: HintsFor;

  constructor(
    topology: Topology,
    replicas: readonly GuardedReplica[],
    hintsFor: HintsFor = () => ({ openHints: 0, lagMs: 0 }),
  ) {
    this.topology = topology;
    this.#hintsFor = hintsFor;
    this.#replicas = new Map(replicas.map((replica) => [replica.id, replica]));
  }

  get replicas(): readonly GuardedReplica[] {
    return [...this.#replicas.values()];
  }

  placeKey(keyspace: Keyspace, key: string): PlacedKey {
    const placement = this.#placementOf(keyspace);
    return {
      ref: { tenant: keyspace.tenant, keyspace: keyspace.storageName, key },
      ...this.#listOf(placement, placement.partitionOf(key)).preferred,
      convergence: policies[keyspace.conflicts],
      epoch: this.topology.epoch,
      isAgreedOnly: levels[keyspace.minimumWriteLevel].route === 'consensus',
    };
  }

  placeRange(keyspace: Keyspace, bounds: KeyBounds): PlacedRange {
    const placement = this.#placementOf(keyspace);
    return {
      tenant: keyspace.tenant,
      keyspace: keyspace.storageName,
      ...bounds,
      convergence: policies[keyspace.conflicts],
      epoch: this.topology.epoch,
      replicationFactor: placement.replicationFactor,
      ...this.#ownersOf(placement, placement.partitionsOfRange(bounds.from, bounds.to)),
      primariesOf: (key) => this.#listOf(placement, placement.partitionOf(key)).primaries,
      place: (key) => this.placeKey(keyspace, key),
    };
  }

  /** Those that are in no directory, and are looked after all the same. */
  get systemKeyspaces(): readonly Keyspace[] {
    return this.#systemKeyspaces;
  }

  addSystemKeyspace(keyspace: Keyspace): void {
    this.#systemKeyspaces.push(keyspace);
  }

  /** A keyspace as repair sees it. */
  repairView(keyspace: Keyspace): RepairKeyspace {
    const placement = this.#placementOf(keyspace);
    return {
      tenant: keyspace.tenant,
      name: keyspace.name,
      storageName: keyspace.storageName,
      convergence: policies[keyspace.conflicts],
      partitioner: keyspace.partitioner,
      splitKeys: keyspace.splitKeys,
      partitions: placement.partitions,
      epoch: this.topology.epoch,
      partitionOf: (key) => placement.partitionOf(key),
      primariesOf: (partition) =>
        this.#listOf(placement, partition).preferred.targets.map(({ replica }) => replica),
    };
  }

  /**
   * The cluster as an operator sees it. Partitions are counted for hashed keyspaces of
   * `replicationFactor`; latencies are those of about the half minute before `atMs`.
   */
  view(replicationFactor: number, atMs: number): ClusterView {
    const owned = ownedPartitions(
      createPlacement(this.topology, { partitioner: 'CONSISTENT_HASH', replicationFactor }),
    );
    return {
      epoch: this.topology.epoch,
      partitions: this.topology.partitions,
      replicas: this.replicas.map((replica) => ({
        id: replica.id,
        zone: replica.zone,
        state: replica.state,
        incarnation: replica.incarnation ?? '',
        ownedPartitions: owned.get(replica.id) ?? 0,
        ...this.#hintsFor(replica.id, atMs),
        reason: replica.reason === '' ? undefined : replica.reason,
        slow: replica.pace('read').slow || replica.pace('write').slow,
        readLatencyMs: replica.latencyMs,
        ...latenciesOf(replica, atMs),
      })),
    };
  }

  #placementOf(keyspace: Keyspace): Placement {
    const known = this.#placements.get(keyspace);
    if (known) return known;
    const placement = createPlacement(this.topology, keyspace);
    this.#placements.set(keyspace, placement);
    return placement;
  }

  /** Who owns a part of these partitions, and in which groups. */
  #ownersOf(placement: Placement, partitions: readonly number[]): Owners {
    const known = this.#owners.get(partitions);
    if (known) return known;
    const groups = new Map<string, readonly string[]>();
    const targets = new Map<string, Target>();
    for (const partition of partitions) {
      const { preferred, primaries } = this.#listOf(placement, partition);
      for (const target of preferred.targets) targets.set(target.replica.id, target);
      const ids = primaries.toSorted();
      groups.set(ids.join('\0'), ids);
    }
    const owners = { targets: [...targets.values()], groups: [...groups.values()] };
    this.#owners.set(partitions, owners);
    return owners;
  }

  #listOf(placement: Placement, partition: number): PlacedPartition {
    const lists = this.#lists.get(placement) ?? [];
    this.#lists.set(placement, lists);
    const known = lists[partition];
    if (known) return known;
    const all = placement.preferenceList(partition).flatMap(({ replica: id, role }): Target[] => {
      const replica = this.#replicas.get(id);
      return replica ? [{ replica, role }] : [];
    });
    const targets = all.filter(({ role }) => role === 'primary');
    const list = {
      preferred: { targets, fallbacks: all.filter(({ role }) => role === 'fallback') },
      primaries: targets.map(({ replica }) => replica.id),
    };
    lists[partition] = list;
    return list;
  }
}

/** Where the keys of one partition lie. */
interface PlacedPartition {
  readonly preferred: Pick<PlacedKey, 'targets' | 'fallbacks'>;
  /** Replica ids. */
  readonly primaries: readonly string[];
}

type Owners = Pick<PlacedRange, 'targets' | 'groups'>;

/** What is kept elsewhere for a replica. */
type HintsFor = (replica: string, atMs: number) => Pick<ReplicaView, 'openHints' | 'lagMs'>;

function latenciesOf(
  replica: GuardedReplica,
  atMs: number,
): Pick<ReplicaView, 'readLatencyP50Ms' | 'readLatencyP99Ms'> {
  const figures = replica.pace('read').figures(atMs);
  return { readLatencyP50Ms: figures?.p50, readLatencyP99Ms: figures?.p99 };
}

/** What the store works with, above the coordinator. */
export interface Placed {
  readonly deps: Deps;
  readonly cluster: Cluster;
}
