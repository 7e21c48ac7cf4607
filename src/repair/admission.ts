import { nextBallot } from '../causality/ballot.ts';
import type { GuardedReplica } from '../replica/guarded-replica.ts';
import type { ReplicaIdentity } from '../replica/register.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';

export interface AdmissionDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly replicas: readonly GuardedReplica[];
  /** Names this gateway process. */
  readonly owner: string;
  /**
   * Brings a replica up to what the others hold; false when one of them could not be asked about all
   * that the two have in common.
   */
  readonly rebuild: (replica: GuardedReplica, found: ReplicaIdentity) => Promise<boolean>;
  readonly admitted: (replica: GuardedReplica, found: ReplicaIdentity) => void;
  readonly settings: AdmissionSettings;
}

export interface AdmissionSettings {
  /**
   * Longer than any request may take: whatever counted on the word of the former incarnation is over
   * by then.
   */
  readonly settleMs: number;
}

const leaseMs = 60_000;
const statementMs = 5_000;
/** Reading every row of a replica. */
const ballotsMs = 600_000;
/** How far proposers' clocks may be ahead of this one, beyond what the rows of the others show. */
const skewMs = 1_000;

/**
 * Brings replicas that are being repaired up to date, and gives them their vote back.
 *
 * Invariant: whatever a quorum with the vote of the former incarnation has acknowledged, the new one
 * holds when it votes. What a quorum acknowledged is held by one of the other primaries at least, and
 * nobody knows by which: so *all* of them are asked. The pass that counts begins when every request
 * that the former incarnation has answered is over, so none of its acknowledgements is still to be
 * counted together with one that comes later.
 *
 * One gateway at a time does it (a lease in the replica itself, which ends by itself), and it is a
 * compare-and-swap in the end: two at it do no harm.
 */
export class Admission {
  readonly #deps: AdmissionDeps;

  constructor(deps: AdmissionDeps) {
    this.#deps = deps;
  }

  /** One pass over all replicas that need one. */
  async pass(): Promise<void> {
    const waiting = this.#deps.replicas.filter(({ state }) => state === 'REPAIRING');
    await Promise.all(
      waiting.map((replica) =>
        this.#bringUp(replica).catch((error: unknown) =>
          this.#deps.log.warn(
            { replica: replica.id, reason: error instanceof Error ? error.message : String(error) },
            'a replica could not be brought up to date; it will be tried again',
          ),
        ),
      ),
    );
  }

  async #bringUp(replica: GuardedReplica): Promise<void> {
    const { clock, owner, replicas, settings } = this.#deps;
    const { register } = replica;
    const found = await register.look(this.#within(statementMs));
    if (found.standing !== 'repairing') return;
    const others = replicas.filter((other) => other !== replica);
    // One that has lost its own past cannot vouch for this one's.
    if (!others.every(({ votes }) => votes)) return;
    if (!(await register.lease({ owner, forMs: leaseMs }, this.#within(statementMs)))) return;
    const isSettled = found.standingMs >= settings.settleMs;
    const isComplete = await this.#deps.rebuild(replica, found);
    if (!isComplete || !isSettled) return;
    const ballots = await Promise.all(
      others.map((other) => other.register.greatestBallot(this.#within(ballotsMs))),
    );
    for (const other of others) {
      const numbers = await other.register.proposerNumbers(this.#within(statementMs));
      await register.learnNumbers(numbers, this.#within(statementMs));
    }
    const { incarnation, cluster = '', place, cause, fence } = found;
    const from = { incarnation, standing: 'repairing' } as const;
    const soon = nextBallot(0, { number: 0, nowMs: clock.nowMs() + skewMs });
    const promiseFloor = Math.max(soon, ...ballots);
    const member = { cluster, name: replica.id, place, cause, fence, promiseFloor };
    await register.become({ from, to: 'admitted', ...member }, this.#within(statementMs));
    const now = await register.look(this.#within(statementMs));
    if (now.incarnation !== incarnation || now.standing !== 'admitted') return;
    this.#deps.admitted(replica, now);
    this.#deps.log.info(
      { replica: replica.id, incarnation, afterMs: Math.round(now.standingMs + found.standingMs) },
      'the replica has been brought up to date, and votes again',
    );
  }

  #within(ms: number): { deadlineMs: number } {
    return { deadlineMs: this.#deps.clock.monotonicMs() + ms };
  }
}
