import { assembleIdentity, type IdentityOptions } from './assemble-identity.ts';
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
import { tracedConsensus } from './coordinator/traced.ts';
import { Hedging } from './coordinator/hedging.ts';
import { Minter } from './coordinator/minter.ts';
import { createTopology } from './placement/membership.ts';
import { consensusRules, type ConsensusRules } from './paxos/proposer.ts';
import type { Admission } from './repair/admission.ts';
import { HintKeeper } from './repair/hint-keeper.ts';
import { HintLedger } from './repair/hint-ledger.ts';
import { hintSettings, type HintSettings } from './repair/hint-settings.ts';
import { HintedHandoff } from './repair/hinted-handoff.ts';
import { ReadRepair } from './repair/read-repair.ts';
import { GuardedReplica } from './replica/guarded-replica.ts';
import type { Replica } from './replica/replica.ts';
import { judgePaces } from './replica/traffic.ts';
import type { Clock } from './runtime/clock.ts';
import { HybridClock } from './runtime/hybrid-clock.ts';
import type { Log } from './runtime/log.ts';
import { repeat, type Loop } from './runtime/loop.ts';
import type { Metrics } from './runtime/metrics.ts';
import { noTracing, type Tracing } from './runtime/tracing.ts';
import type { Random } from './runtime/random.ts';

/** What a store is made of; the simulator hands in its own time, chance and replicas. */
export interface StoreParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Left out: no spans. */
  readonly tracing?: Tracing;
  readonly replicas: readonly Replica[];
  readonly partitions: number;
  readonly signingKeys: readonly string[];
  /** Of keyspaces that do not name their own; 3, or as many as there are replicas. */
  readonly replicationFactor?: number;
  readonly timeouts: { readonly requestMs: number; readonly mintMs: number };
  /** See `Deps`; 4 MiB when it is left out. */
  readonly pageBytes?: number;
  /** Left out: all in force. */
  readonly rules?: ConsensusRules;
  /** Left out: as `repairSettings` has it. */
  readonly repair?: Partial<RepairSettings>;
  /** Left out: as `hintSettings` has it. */
  readonly hints?: Partial<HintSettings>;
  readonly identity?: IdentityOptions;
}

export interface AssembledStore {
  readonly store: DataStore;
  readonly cluster: Cluster;
  readonly directory: Directory;
  readonly sealer: Sealer;
  readonly deps: Deps;
  readonly repair: AssembledRepair;
  readonly handoff: HintedHandoff;
  readonly admission: Admission;
  /** Finishes writes, hints, repairs and removals that are under way, then closes the replicas. */
  close(): Promise<void>;
}

const requestMaxMs = 30_000;
const pageBytesUsual = 4 * 1_048_576;
const probeEveryMs = 100;
const probeTimeoutMs = 1_000;
const judgeEveryMs = 100;
/** A forward may take two seconds, and the hint that is then left as long. */
const finishMs = 4_500;

/**
 * One gateway without its edge: replicas behind their guards, the coordinator, and the store on
 * top.
 */
export function assembleStore(parts: StoreParts): AssembledStore {
  const { clock, random, log, metrics, tracing = noTracing } = parts;
  const replicas = parts.replicas.map(
    (replica) => new GuardedReplica(replica, { clock, metrics, tracing }),
  );
  const hinting = openHints(parts);
  const { keeper: hints } = hinting;
  const members = replicas.map(({ id, zone }) => ({ id, zone }));
  const cluster = new Cluster(
    createTopology({ epoch: 1, members, partitions: parts.partitions }),
    replicas,
    (replica, atMs) => hinting.ledger.of(replica, atMs),
  );
  const gatewayId = random.hex(8);
  const deps = coordinatorOf(parts, { replicas, gatewayId, hints });
  const factor = parts.replicationFactor ?? Math.min(3, members.length);
  const directory = new Directory(deps, cluster, factor);
  const sealer = createSealer(parts.signingKeys);
  const timeouts = { requestMs: parts.timeouts.requestMs, requestMaxMs };
  const store = new DataStore({ coordinator: deps, cluster, directory, sealer, timeouts });
  const repairing = { ...repairSettings, ...parts.repair };
  const owner = gatewayId;
  const ways = { settings: repairing, hintSettings: hinting.settings, owner };
  const repair = assembleRepair({ ...deps, cluster, directory, ...ways });
  if (repairing.antiEntropyEveryMs > 0) repair.loop.start();
  const handoff = handOff({ cluster, directory, ...hinting }, deps);
  const identity = { settleMs: requestMaxMs, ...parts.identity };
  const graceMs = repairing.tombstoneGraceMs;
  const identifying = { clock, random, log, replicas, repair, owner, graceMs, identity };
  const { admission, loops: identifiers } = assembleIdentity(identifying);
  const loops = [
    probeAll(replicas, parts),
    judgeAll(replicas, parts),
    directory.dropped.start(),
    ...identifiers,
  ];
  return {
    store,
    cluster,
    directory,
    sealer,
    deps,
    repair,
    handoff,
    admission,
    async close() {
      await Promise.all([repair.loop.stop(), handoff.stop(), hints.idle(finishMs)]);
      for (const loop of loops) loop.stop();
      await Promise.all([deps.repair.idle(), directory.idle()]);
      await Promise.all(replicas.map((replica) => replica.close()));
    },
  };
}

/** What every coordinator of this gateway works with. */
function coordinatorOf(
  parts: StoreParts,
  own: Pick<Deps, 'gatewayId' | 'hints'> & { readonly replicas: readonly GuardedReplica[] },
): Deps {
  const { clock, random, log, metrics, tracing = noTracing, pageBytes = pageBytesUsual } = parts;
  const { replicas, gatewayId, hints } = own;
  const hybridClock = new HybridClock(clock);
  const lines = new ConsensusLines({
    clock,
    random,
    ballots: new Ballots({ clock, random, replicas, owner: gatewayId }),
    rules: parts.rules ?? consensusRules,
    hints,
  });
  return {
    clock,
    hybridClock,
    random,
    log,
    metrics,
    tracing,
    repair: new ReadRepair({ clock, log, metrics }),
    hints,
    minter: new Minter({ clock, hybridClock }),
    consensus: tracedConsensus(lines, tracing),
    gatewayId,
    mintMs: parts.timeouts.mintMs,
    hedging: new Hedging({ clock, metrics }),
    pageBytes,
  };
}

/** Where hints are left, and what is known of them. */
function openHints({ clock, log, metrics, hints }: StoreParts) {
  const ledger = new HintLedger({ clock, metrics });
  const settings = { ...hintSettings, ...hints };
  return { ledger, settings, keeper: new HintKeeper({ clock, log, metrics, ledger, settings }) };
}

/** Brings replicas that are back what others keep for them, from now on. */
function handOff(
  parts: {
    cluster: Cluster;
    directory: Directory;
    ledger: HintLedger;
    settings: HintSettings;
  },
  { clock, log, metrics, gatewayId }: Deps,
): HintedHandoff {
  const { cluster, directory, ledger, settings } = parts;
  const handoff = new HintedHandoff({
    clock,
    log,
    metrics,
    settings,
    ledger,
    replicas: cluster.replicas,
    owner: gatewayId,
    async locate(ref) {
      const keyspace = await directory.filedUnder(ref.tenant, ref.keyspace);
      if (!keyspace) return undefined;
      const { convergence, targets } = cluster.placeKey(keyspace, ref.key);
      return { convergence, primaries: targets.map(({ replica }) => replica) };
    },
  });
  // Where no more are left, too: those that are there may be all that a primary will get of a sloppy write.
  handoff.start();
  return handoff;
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
