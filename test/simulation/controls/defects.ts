import type { AssembledStore, StoreParts } from '../../../src/assemble-store.ts';
import type { Store } from '../../../src/consistency/store.ts';
import type { Feed } from '../../../src/feed/feed.ts';
import type { MemoryReplica } from '../../../src/replica/memory-replica.ts';
import type { ChangeSource } from '../../../src/replica/change-source.ts';
import type { Replica } from '../../../src/replica/replica.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import type { Process } from '../world/process.ts';
import type { World } from '../world/world.ts';

/** What a replica of the simulation is made of. */
export interface ReplicaOptions {
  readonly id: string;
  readonly incarnation: string;
  readonly clock: Clock;
}

/**
 * What a negative control breaks, each part through a seam that the product has anyway. Nothing of this exists outside the simulator.
 */
export interface Defects {
  /** Another replica in place of the right one. */
  readonly replica?: (options: ReplicaOptions) => MemoryReplica;
  /** A link around the right one. */
  readonly link?: (link: Replica, from: { process: Process; world: World }) => Replica;
  /** A store around the right one. */
  readonly store?: (assembled: AssembledStore, world: World) => Store;
  /** A change log around the right one. */
  readonly log?: (source: ChangeSource) => ChangeSource;
  /** A feed around the right one. */
  readonly feed?: (feed: Feed, world: World) => Feed;
  /** Rules of the coordinator that are switched off. */
  readonly parts?: Partial<StoreParts>;
  /** No anti-entropy at all. */
  readonly noAntiEntropy?: boolean;
  /** A wiped replica comes back under its old name. */
  readonly keepsIncarnation?: boolean;
  /** Nobody notices that a replica was wiped or restored. */
  readonly unnoticed?: boolean;
  /** Replicas are wiped in a scenario that does not wipe any otherwise. */
  readonly wipes?: boolean;
}
