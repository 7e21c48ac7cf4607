import {
  assembleRepair,
  repairSettings,
  type AssembledRepair,
  type RepairSettings,
} from './assemble-repair.ts';
import { Cluster } from './consistency/cluster.ts';
import { DataStore } from './consistency/data-store.ts';
import { Directory } from './consistency/directory.ts';
import { createSealer, type Sealer } from './consistency/seal.ts';
import type { Deps } from './coordinator/deps.ts';
import { Ballots } from './coordinator/ballots.ts';
import { ConsensusLines } from './coordinator/consensus.ts';
import { Hedging } from './coordinator/hedging.ts';
import { Minter } from './coordinator/minter.ts';
import { createTopology } from './placement/membership.ts';
import { consensusRules, type ConsensusRules } from './paxos/proposer.ts';
import { ReadRepair } from './repair/read-repair.ts';
import { GuardedReplica } from './replica/guarded-replica.ts';
import type { Replica } from './replica/replica.ts';
import { judgePaces } from './replica/traffic.ts';
import type { Clock } from './runtime/clock.ts';
import { HybridClock } from './runtime/hybrid-clock.ts';
import type { Log } from './runtime/log.ts';
import { repeat, type Loop } from './runtime/loop.ts';
import type { Metrics } from './runtime/metrics.ts';
import type { Random } from './runtime/random.ts';

/** What a store is made of; the simulator hands in its own time, chance and replicas. */
export interface StoreParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly replicas: readonly Replica[];
  readonly partitions: number;
  readonly signingKeys: readonly string[];
  /** Of keyspaces that do not name their own; 3, or as many as there are replicas. */
  readonly replicationFactor?: number;
  readonly timeouts: { readonly requestMs: number; readonly mintMs: number };
  /** Left out: all in force. */
  readonly rules?: ConsensusRules;
  /** Left out: as `repairSettings` has it. */
  readonly repair?: Partial<RepairSettings>;
}

export interface AssembledStore {
  readonly store: DataStore;
  readonly cluster: Cluster;
  readonly directory: Directory;
  readonly sealer: Sealer;
  readonly deps: Deps;
  readonly repair: AssembledRepair;
  /** Finishes repairs and removals that are under way, then closes the replicas. */
  close(): Promise<void>;
}

const requestMaxMs = 30_000;
const probeEveryMs = 100;
const probeTimeoutMs = 1_000;
const judgeEveryMs = 100;

/**
 * One gateway without its edge: replicas behind their guards, the coordinator, and the store on
 * top.
 */
export function assembleStore(parts: StoreParts): AssembledStore {
  const { clock, random, log, metrics } = parts;
  const replicas = parts.replicas.map((replica) => new GuardedReplica(replica, { clock, metrics }));
  const members = replicas.map(({ id, zone }) => ({ id, zone }));
  const cluster = new Cluster(
    createTopology({ epoch: 1, members, partitions: parts.partitions }),
    replicas,
  );
  const hybridClock = new HybridClock(clock);
  const gatewayId = random.hex(8);
  const deps: Deps = {
    clock,
    hybridClock,
    random,
    log,
    metrics,
    repair: new ReadRepair({ clock, log, metrics }),
    minter: new Minter({ clock, hybridClock }),
    consensus: new ConsensusLines({
      clock,
      random,
      ballots: new Ballots({ clock, random, replicas, owner: gatewayId }),
      rules: parts.rules ?? consensusRules,
    }),
    gatewayId,
    mintMs: parts.timeouts.mintMs,
    hedging: new Hedging({ clock, metrics }),
  };
  const factor = parts.replicationFactor ?? Math.min(3, members.length);
  const directory = new Directory(deps, cluster, factor);
  const sealer = createSealer(parts.signingKeys);
  const timeouts = { requestMs: parts.timeouts.requestMs, requestMaxMs };
  const store = new DataStore({ coordinator: deps, cluster, directory, sealer, timeouts });
  const settings = { ...repairSettings, ...parts.repair };
  const repair = assembleRepair({
    ...{ clock, random, log, metrics, cluster, directory, settings },
    owner: gatewayId,
  });
  if (settings.antiEntropyEveryMs > 0) repair.loop.start();
  const loops = [probeAll(replicas, parts), judgeAll(replicas, parts)];
  return {
    store,
    cluster,
    directory,
    sealer,
    deps,
    repair,
    async close() {
      await repair.loop.stop();
      for (const loop of loops) loop.stop();
      await Promise.all([deps.repair.idle(), directory.idle()]);
      await Promise.all(replicas.map((replica) => replica.close()));
    },
  };
}

/** Finds out whether replicas that are down are back, so that no request has to. */
function probeAll(replicas: readonly GuardedReplica[], { clock, log }: StoreParts): Loop {
  return repeat({ clock, log, name: 'probe', everyMs: probeEveryMs }, async () => {
    await Promise.all(replicas.map((replica) => replica.probe(probeTimeoutMs)));
  });
}

/** Finds out which replicas are slow beside the others, so that those are asked last. */
function judgeAll(replicas: readonly GuardedReplica[], { clock, log }: StoreParts): Loop {
  return repeat({ clock, log, name: 'pace', everyMs: judgeEveryMs }, async () =>
    judgePaces(replicas, clock.monotonicMs()),
  );
}
