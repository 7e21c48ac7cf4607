import type { AssembledRepair } from './assemble-repair.ts';
import { Admission } from './repair/admission.ts';
import { Incarnations } from './repair/incarnations.ts';
import type { GuardedReplica } from './replica/guarded-replica.ts';
import type { ReplicaIdentity } from './replica/register.ts';
import type { Clock } from './runtime/clock.ts';
import type { Log } from './runtime/log.ts';
import { repeat, type Loop } from './runtime/loop.ts';
import type { Random } from './runtime/random.ts';

/** How replicas that may have lost something get their vote back. See `AdmissionSettings`. */
export interface IdentityOptions {
  /** False for a command: it need not know every keyspace, and ends before a repair does. */
  readonly admits?: boolean;
  readonly settleMs?: number;
  /** How long one call of the repair that goes before may take. */
  readonly callMs?: number;
}

export interface IdentityParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly replicas: readonly GuardedReplica[];
  readonly repair: AssembledRepair;
  /** Names this gateway process. */
  readonly owner: string;
  /** How long a deletion is kept at the least. */
  readonly graceMs: number;
  readonly identity: IdentityOptions & { readonly settleMs: number };
}

const beatEveryMs = 1_000;

export interface AssembledIdentity {
  readonly admission: Admission;
  readonly loops: readonly Loop[];
}

/** Finds out who the replicas are, and brings those up to date that may have lost something. */
export function assembleIdentity(parts: IdentityParts): AssembledIdentity {
  const { clock, random, log, replicas, repair, owner, graceMs, identity } = parts;
  const incarnations = new Incarnations({ clock, random, log, replicas });
  const rebuild = async (
    { id }: GuardedReplica,
    { standingMs, cause }: ReplicaIdentity,
  ): Promise<boolean> => {
    const foundAtMs = clock.nowMs() - standingMs;
    const distrust = { replica: id, beforeMs: foundAtMs - graceMs };
    const { failed, faults } = await repair.antiEntropy.run(
      { replica: id },
      { forRepair: true, callMs: identity.callMs, ...(cause === 'copy' ? { distrust } : {}) },
    );
    return failed === 0 && faults.size === 0;
  };
  const gather = async ({ id }: GuardedReplica): Promise<ReadonlyMap<string, string>> => {
    const missing = new Map<string, string>();
    // The first of a cluster that has lost everything is the one that the others are compared with.
    const isAnyLeft = replicas.some(({ register }) => register.latest?.standing === 'admitted');
    if (!isAnyLeft) return missing;
    const options = { forRepair: true, callMs: identity.callMs, replica: id } as const;
    // No distrust: who would say that something was collected has lost its data, too.
    for (const keyspace of await repair.keyspaces({ need: 1, writeBack: false })) {
      const { faults } = await repair.antiEntropy.pass(keyspace, options);
      for (const [replica, reason] of faults) missing.set(replica, reason);
    }
    return missing;
  };
  const admission = new Admission({
    ...{ clock, log, replicas, owner, rebuild, gather },
    settings: identity,
    admitted: (replica, found) => incarnations.admit(replica, found),
  });
  const every = { clock, log, everyMs: beatEveryMs };
  const beating = repeat({ ...every, name: 'beat' }, () => incarnations.beat());
  if (identity.admits === false) return { admission, loops: [beating] };
  const admitting = repeat({ ...every, name: 'admission' }, () => admission.pass());
  return { admission, loops: [beating, admitting] };
}
