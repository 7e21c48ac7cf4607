import { nextBallot } from '../causality/ballot.ts';
import type { GuardedReplica } from '../replica/guarded-replica.ts';
import type { ReplicaIdentity } from '../replica/register.ts';
import { ReplicaError } from '../replica/replica.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { fromEach } from './founding.ts';

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
  /** The same with whoever can be asked, whether it votes or not; tells who could not be. */
  readonly gather: (replica: GuardedReplica) => Promise<ReadonlyMap<string, string>>;
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

/** How long a gateway may be silent before another one goes on. */
const leaseMs = 60_000;
/** How often is looked whether another one has let go. */
const leasedMs = 500;
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
    const { owner, replicas, settings } = this.#deps;
    const { register } = replica;
    const found = await register.look(this.#within(statementMs));
    if (found.standing !== 'repairing') return;
    const others = replicas.filter((other) => other !== replica);
    // One that has lost its own past cannot vouch for this one's.
    if (!others.every(({ votes }) => votes)) return;
    if (!(await register.lease({ owner, forMs: leaseMs }, this.#within(statementMs)))) return;
    await this.#leased(replica, async () => {
      const isSettled = found.standingMs >= settings.settleMs;
      const before = others.map((other) => other.register.latest?.incarnation);
      const isComplete = await this.#deps.rebuild(replica, found);
      if (!isComplete || !isSettled) return;
      // Nor can one that has lost its past while it was asked.
      const after = await Promise.all(
        others.map((other) => other.register.look(this.#within(statementMs))),
      );
      const isSame = after.every(
        ({ incarnation, standing }, at) => standing === 'admitted' && incarnation === before[at],
      );
      if (!isSame) return;
      const ballots = await Promise.all(
        others.map((other) => other.register.greatestBallot(this.#within(ballotsMs))),
      );
      for (const other of others) await this.#learnNumbers(replica, other);
      await this.#grant(replica, { found, ballots });
    });
  }

  /**
   * An operator's way out: gives a replica its vote although others that should vouch for it have lost
   * their data too, or cannot be reached. It gets what those hold that can be asked. Resolves with the
   * replicas that could not be, and why.
   *
   * What is lost is what only those replicas held that have lost it or are away: nothing can bring that
   * back. Nothing else is: it waits as long as `pass` does, and votes behind a floor as `pass` has it.
   *
   * Rejects with a `ReplicaError` (REFUSED) where nothing needs to be given up, or another gateway is
   * bringing the replica up to date.
   */
  async acceptLoss(id: string): Promise<ReadonlyMap<string, string>> {
    const { clock, owner, replicas, settings } = this.#deps;
    const replica = replicas.find((one) => one.id === id);
    if (!replica) throw refused(`there is no replica "${id}"`);
    const { register } = replica;
    const found = await register.look(this.#within(statementMs));
    if (found.standing !== 'repairing')
      throw refused(`"${id}" is not REPAIRING: its database is ${found.standing}`);
    const others = replicas.filter((other) => other !== replica);
    const standings = await fromEach(others, (other) =>
      other.register.look(this.#within(statementMs)),
    );
    if (standings.length === others.length && standings.every((one) => one.standing === 'admitted'))
      throw refused(`nothing need be lost: all others vote, and gateways will admit "${id}"`);
    // A gateway that tries in vain lets go soon; one that has died, when its lease ends.
    const untilMs = clock.monotonicMs() + 2 * leaseMs;
    while (!(await register.lease({ owner, forMs: leaseMs }, this.#within(statementMs)))) {
      if (clock.monotonicMs() > untilMs)
        throw refused(`a gateway is bringing "${id}" up to date now`);
      await clock.sleep(leasedMs);
    }
    return this.#leased(replica, async () => {
      await clock.sleep(Math.max(0, settings.settleMs - found.standingMs));
      const missing = await this.#deps.gather(replica);
      const ballots = await fromEach([replica, ...others], (one) =>
        one.register.greatestBallot(this.#within(ballotsMs)),
      );
      await fromEach(others, (other) => this.#learnNumbers(replica, other));
      if (!(await this.#grant(replica, { found, ballots })))
        throw refused(`"${id}" has become another one meanwhile; look again`);
      return missing;
    });
  }

  /** Keeps the lease for as long as the work takes: another gateway would only do the same. */
  async #leased<T>({ register }: GuardedReplica, work: () => Promise<T>): Promise<T> {
    const { clock, owner } = this.#deps;
    const renew = (): void => {
      const lease = { owner, forMs: leaseMs };
      // One that could not be renewed costs work that is done twice, and nothing else.
      void register.lease(lease, this.#within(statementMs)).catch(() => undefined);
      cancel = clock.after(leaseMs / 3, renew);
    };
    let cancel = clock.after(leaseMs / 3, renew);
    try {
      return await work();
    } finally {
      cancel();
      await register.lease({ owner, forMs: 0 }, this.#within(statementMs)).catch(() => undefined);
    }
  }

  async #learnNumbers({ register }: GuardedReplica, other: GuardedReplica): Promise<void> {
    const numbers = await other.register.proposerNumbers(this.#within(statementMs));
    await register.learnNumbers(numbers, this.#within(statementMs));
  }

  /** A full member again, behind a floor; false when it is another incarnation by now. */
  async #grant(
    replica: GuardedReplica,
    { found, ballots }: { found: ReplicaIdentity; ballots: readonly number[] },
  ): Promise<boolean> {
    const { register } = replica;
    const { incarnation, cluster = '', place, cause, fence } = found;
    const from = { incarnation, standing: 'repairing' } as const;
    const nowMs = this.#deps.clock.nowMs() + skewMs;
    const promiseFloor = Math.max(nextBallot(0, { number: 0, nowMs }), ...ballots);
    const member = { cluster, name: replica.id, place, cause, fence, promiseFloor };
    await register.become({ from, to: 'admitted', ...member }, this.#within(statementMs));
    const now = await register.look(this.#within(statementMs));
    if (now.incarnation !== incarnation || now.standing !== 'admitted') return false;
    this.#deps.admitted(replica, now);
    this.#deps.log.info(
      { replica: replica.id, incarnation, afterMs: Math.round(now.standingMs + found.standingMs) },
      'the replica has been brought up to date, and votes again',
    );
    return true;
  }

  #within(ms: number): { deadlineMs: number } {
    return { deadlineMs: this.#deps.clock.monotonicMs() + ms };
  }
}

function refused(why: string): ReplicaError {
  return new ReplicaError('REFUSED', why, false);
}
