import type { CallSort } from '../replica/call-record.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Metrics } from '../runtime/metrics.ts';
import type { Target } from './plan.ts';

/** When one more replica is asked, because the answer of the one that was asked is slow to come. */
export interface Hedge {
  /** How long the answer of this replica is waited for. */
  delayMs(target: Target): number;
  /**
   * Whether one more may be asked now, in view of the one that was asked at `askedMs`. After `freeMs` it
   * may in any case; never when that is left out.
   */
  allows(target: Target, askedMs: number, freeMs?: number): boolean;
}

/** Extra questions for each question, in the long run; and how many may be saved up. */
export interface HedgeBudget {
  readonly share: number;
  readonly saved: number;
}

/** Clocks round: whoever looks again because it was too soon looks this much later at least. */
export const roundingMs = 0.01;

/** The figures of hedging. */
export const hedgeLimits = {
  /** The wait is the replica's recent 95th percentile, but never less nor more than this. */
  leastMs: 2,
  mostMs: 200,
  /** With fewer answers of late than this there is no percentile to speak of: then `patienceMs`. */
  answersMin: 20,
  patienceMs: 50,
  share: 0.1,
  saved: 20,
} as const;

/**
 * Asks one more when the needed answer is slower than the replica's recent 95th percentile, within a
 * budget: about one extra question for every ten. Dean and Barroso, "The Tail at Scale", CACM 2013.
 *
 * The budget is what keeps hedging from doing harm: when all replicas are slow because they have too
 * much to do, every question is late, and a second one for each would double the load. A replica
 * that has told nobody anything for `patienceMs` is another matter: it is frozen or cut off rather
 * than busy, the question goes to another one instead, and the budget is not asked.
 */
export class Hedging {
  readonly #clock: Clock;
  readonly #metrics: Metrics;
  readonly #budget: HedgeBudget;
  #saved: number;

  constructor(deps: { clock: Clock; metrics: Metrics }, budget: HedgeBudget = hedgeLimits) {
    this.#clock = deps.clock;
    this.#metrics = deps.metrics;
    this.#budget = budget;
    this.#saved = budget.saved;
  }

  /** For one question, which adds its share to the budget. */
  of(sort: CallSort): Hedge {
    this.#saved = Math.min(this.#budget.saved, this.#saved + this.#budget.share);
    return {
      delayMs: (target) => this.#delayMs(target, sort),
      allows: (target, askedMs, freeMs = Infinity) =>
        this.#allows(target, sort, { askedMs, freeMs }),
    };
  }

  #delayMs({ replica }: Target, sort: CallSort): number {
    const { leastMs, mostMs, answersMin, patienceMs } = hedgeLimits;
    const p95 = replica.pace(sort).p95(this.#clock.monotonicMs(), answersMin);
    return p95 === undefined ? patienceMs : Math.min(mostMs, Math.max(leastMs, p95));
  }

  #allows(
    { replica }: Target,
    sort: CallSort,
    { askedMs, freeMs }: { askedMs: number; freeMs: number },
  ): boolean {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - askedMs >= freeMs) return this.#told(sort, 'instead');
    const waitedMs = Math.min(nowMs - askedMs, replica.pace(sort).silentForMs(nowMs));
    if (waitedMs >= hedgeLimits.patienceMs) return this.#told(sort, 'instead');
    // One hundredth is forgiven: ten tenths are not quite one.
    if (this.#saved < 0.99) return !this.#told(sort, 'withheld');
    this.#saved -= 1;
    return this.#told(sort, 'sent');
  }

  #told(kind: CallSort, result: 'sent' | 'instead' | 'withheld'): true {
    this.#metrics.hedges.inc({ kind, result });
    return true;
  }
}

/**
 * For questions that only find out who is there. Before a mint: whoever answers it mints, and all
 * gateways should choose the same one, so a replica is not passed over for one slow answer.
 */
export const patientHedge: Hedge = {
  delayMs: () => hedgeLimits.patienceMs,
  allows: () => true,
};
