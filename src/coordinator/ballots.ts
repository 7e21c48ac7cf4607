import { nextBallot, proposerNumberMax } from '../causality/ballot.ts';
import type { GuardedReplica } from '../replica/guarded-replica.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';
import { StoreError } from '../errors.ts';

export interface BallotsOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly replicas: readonly GuardedReplica[];
  /** Names this gateway process. */
  readonly owner: string;
}

const claimMs = 2_000;
const claimAttempts = 8;
/** A number may be given to another after a day; long before that it is claimed again. */
const renewAfterMs = 6 * 3_600_000;

/**
 * Issues this gateway's ballots. Its proposer number is one that a majority of all replicas
 * recorded for it, so no two gateways share one: two majorities meet, and a replica gives a number
 * once.
 */
export class Ballots {
  readonly #options: BallotsOptions;
  #last = 0;
  #claim: Promise<number> | undefined;
  #claimedMs = 0;

  constructor(options: BallotsOptions) {
    this.#options = options;
  }

  /**
   * A ballot greater than `floor` and than all before. Rejects with QUORUM_UNAVAILABLE while no
   * number can be claimed.
   */
  async next(floor: number): Promise<number> {
    const { clock } = this.#options;
    if (this.#claim && clock.monotonicMs() - this.#claimedMs > renewAfterMs)
      this.#claim = undefined;
    this.#claim ??= this.#claimNumber().catch((error: unknown) => {
      this.#claim = undefined;
      throw error;
    });
    const number = await this.#claim;
    this.#last = nextBallot(Math.max(floor, this.#last), { number, nowMs: clock.nowMs() });
    return this.#last;
  }

  /** A ballot that was promised with an accept is used: all that are issued are greater. */
  used(ballot: number): void {
    this.#last = Math.max(this.#last, ballot);
  }

  async #claimNumber(): Promise<number> {
    const { clock, random, replicas, owner } = this.#options;
    this.#claimedMs = clock.monotonicMs();
    const majority = Math.floor(replicas.length / 2) + 1;
    for (let attempt = 0; attempt < claimAttempts; attempt += 1) {
      const number = 1 + Math.floor(random.next() * proposerNumberMax);
      const options = { deadlineMs: clock.monotonicMs() + claimMs };
      const claims = replicas.map((replica) =>
        replica.claimNumber(number, owner, options).catch(() => undefined),
      );
      const holders = await majorityOf(claims, majority);
      if (holders.filter((holder) => holder === owner).length >= majority) return number;
      if (holders.filter((holder) => holder !== undefined).length < majority) break;
    }
    throw new StoreError(
      'QUORUM_UNAVAILABLE',
      'Cannot take part in consensus: this gateway needs a proposer number, and a majority of all replicas to record it',
      {
        required: majority,
        alive: replicas.filter(({ votes }) => votes).length,
      },
    );
  }
}

/**
 * The answers as soon as `enough` useful ones are in, or all: one silent replica must not hold the
 * first consensus write up.
 */
function majorityOf(
  claims: readonly Promise<string | undefined>[],
  enough: number,
): Promise<(string | undefined)[]> {
  return new Promise((resolve) => {
    const answers: (string | undefined)[] = [];
    for (const claim of claims) {
      void claim.then((answer) => {
        answers.push(answer);
        const mostFrequent = Math.max(
          ...answers.map(
            (one) => answers.filter((other) => other === one && other !== undefined).length,
          ),
        );
        if (mostFrequent >= enough || answers.length === claims.length) resolve([...answers]);
      });
    }
  });
}
