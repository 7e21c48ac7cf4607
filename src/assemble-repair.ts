import type { Cluster } from './consistency/cluster.ts';
import type { Consensus } from './coordinator/agreement.ts';
import { settleRound } from './coordinator/settle.ts';
import type { Directory } from './consistency/directory.ts';
import type { WeakerPlan } from './consistency/system-records.ts';
import { AntiEntropy } from './repair/anti-entropy.ts';
import type { HintSettings } from './repair/hint-settings.ts';
import type { RepairKeyspace } from './repair/repair-keyspace.ts';
import { RepairLoop } from './repair/repair-loop.ts';
import { TombstoneReaper } from './repair/tombstone-reaper.ts';
import type { CellRef } from './replica/replica.ts';
import type { Clock } from './runtime/clock.ts';
import type { Log } from './runtime/log.ts';
import type { Metrics } from './runtime/metrics.ts';
import type { Random } from './runtime/random.ts';

/** How replicas are kept alike in the background. */
export interface RepairSettings {
  /** A keyspace is compared this often, by one gateway; 0 for never. */
  readonly antiEntropyEveryMs: number;
  /** How long a deletion is kept at the least. */
  readonly tombstoneGraceMs: number;
}

export const repairSettings: RepairSettings = {
  antiEntropyEveryMs: 600_000,
  tombstoneGraceMs: 24 * 3_600_000,
};

export interface RepairParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly owner: string;
  readonly cluster: Cluster;
  readonly directory: Directory;
  readonly consensus: Consensus;
  readonly settings: RepairSettings;
  readonly hintSettings: HintSettings;
}

export interface AssembledRepair {
  readonly antiEntropy: AntiEntropy;
  readonly reaper: TombstoneReaper;
  readonly loop: RepairLoop;
  /** What is compared; `weaker` as `Directory.all` has it. */
  keyspaces(weaker?: WeakerPlan): Promise<readonly RepairKeyspace[]>;
}

const lookMs = 5_000;

/** Anti-entropy and the collection of tombstones over a cluster; the loop is not started. */
export function assembleRepair(parts: RepairParts): AssembledRepair {
  const { clock, random, log, metrics, owner, cluster, directory, settings } = parts;
  const keyspaces = async (weaker?: WeakerPlan): Promise<readonly RepairKeyspace[]> =>
    (await directory.all(weaker)).map((keyspace) => {
      const settle = (key: string) => settleRound(parts, cluster.placeKey(keyspace, key));
      return { ...cluster.repairView(keyspace), settle };
    });
  const hintLifeMs = parts.hintSettings.expireMs;
  const antiEntropy = new AntiEntropy({
    ...{ clock, log, metrics, hintLifeMs },
    keyspaces: () => keyspaces(),
  });
  const states = new Map(cluster.replicas.map((replica) => [replica.id, replica]));
  const reaper = new TombstoneReaper({
    clock,
    metrics,
    graceMs: settings.tombstoneGraceMs,
    isWhole: ({ id }) => states.get(id)?.state === 'UP',
    hasHint: (ref) => hasHint(cluster, ref, clock.monotonicMs() + lookMs),
  });
  const everyMs = settings.antiEntropyEveryMs;
  const background = { antiEntropy, reaper, keyspaces: () => keyspaces(), owner, everyMs };
  const deps = { clock, random, log, ...background };
  return { antiEntropy, reaper, loop: new RepairLoop(deps), keyspaces };
}

/** Whoever cannot say may have one. */
async function hasHint(cluster: Cluster, ref: CellRef, deadlineMs: number): Promise<boolean> {
  const found = await Promise.all(
    cluster.replicas.map((replica) => replica.hasHintFor(ref, { deadlineMs }).catch(() => true)),
  );
  return found.some(Boolean);
}
