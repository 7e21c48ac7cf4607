import type { Faults } from './world/nemesis.ts';
import type { World, WorldOptions } from './world/world.ts';

/** A sentence about what went wrong; none when all is well. */
export type Violations = readonly string[];

/** Everything about the cluster that a scenario may choose; what it leaves out is `usual`. */
export type Setting = Omit<WorldOptions, 'seed' | 'operationsMax' | 'trace' | 'defects'>;

/**
 * One workload: what is set up in calm weather, what clients do in the storm, and what must hold of what they saw.
 */
export interface Scenario {
  readonly name: string;
  /** The row of the verification table that it stands for. */
  readonly promise: string;
  readonly checker: string;
  readonly setting?: Partial<Setting>;
  readonly faults?: Faults;
  /**
   * The product's own repair has to do, in this many quiet ms: nothing of the simulator's joins what differs.
   */
  readonly healsWithinMs?: number;
  /** How often two replicas compare one key, in ms. */
  readonly repairEveryMs?: number;
  /** How many such comparisons are under way at a time; two. */
  readonly repairLoops?: number;
  /** Nothing compares replicas, not even when the storm is over. */
  readonly withoutAntiEntropy?: boolean;
  readonly setup: (world: World) => Promise<void>;
  /** Resolves when every client has done what it wanted. */
  readonly clients: (world: World, thinkMs?: number) => Promise<unknown>;
  /** After the storm: reads on a calm network, or nothing. */
  readonly afterwards?: (world: World) => Promise<unknown>;
  readonly check: (world: World) => Violations;
}

/** Bad enough to find things: mild settings show nothing. */
export const usual: Setting = {
  replicas: 3,
  gateways: 3,
  weather: { loss: 0.05, tail: 0.3, nearMs: 20, farMs: 250, duplicate: 0.05 },
  skewMaxMs: 200,
  requestMs: 800,
  mintMs: 200,
  pageBytes: 1_000_000,
  antiEntropyEveryMs: 0,
  tombstoneGraceMs: 86_400_000,
  identity: {},
  open: { share: 0, maxMs: 0 },
  feed: () => ({ settings: {} }),
};
