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

/** Finds out who the replicas are, and brings those up to date that may have lost something. */
export function assembleIdentity(parts: IdentityParts): readonly Loop[] {
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
  const admission = new Admission({
    ...{ clock, log, replicas, owner, rebuild },
    settings: identity,
    admitted: (replica, found) => incarnations.admit(replica, found),
  });
  const every = { clock, log, everyMs: beatEveryMs };
  return [
    repeat({ ...every, name: 'beat' }, () => incarnations.beat()),
    repeat({ ...every, name: 'admission' }, () => admission.pass()),
  ];
}
