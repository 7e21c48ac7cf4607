import type { Quota } from '../tenancy/tenant-record.ts';
import { CountLimit } from './count-limit.ts';
import { StandingLimit } from './standing-limit.ts';
import { alone, RateLimit, type Elsewhere } from './rate-limit.ts';
import type { Refusal } from './refusal.ts';

/** What one request weighs; see `graphql/document-metrics`. */
export interface Weight {
  readonly cost: number;
  /** Of its text, where nobody keeps them yet. */
  readonly bytes?: number;
}

/** What is counted at once, and what is counted by the second. */
export type CountName = 'concurrentRequests' | 'sockets' | 'subscriptions';
export type RateName = 'requestsPerSecond' | 'costPerSecond';
/** What stays open for long, so that one too many is not soon forgotten. */
export type StandingName = 'sockets' | 'subscriptions';
export const countNames: readonly CountName[] = ['concurrentRequests', 'sockets', 'subscriptions'];
export const rateNames: readonly RateName[] = ['requestsPerSecond', 'costPerSecond'];

/** A full house is looked at again this much later. */
const roomAgainMs = { concurrentRequests: 100, sockets: 1_000, subscriptions: 1_000 } as const;

/**
 * What one tenant uses at this gateway, against what it may.
 *
 * Everything here is plain arithmetic on numbers that are at hand: a request is admitted or refused
 * in the turn in which it comes, without a promise, a look-up or a timer.
 */
export class Account {
  readonly tenant: string;
  readonly counts: Readonly<Record<StandingName, StandingLimit>> & {
    readonly concurrentRequests: CountLimit;
  };
  readonly #rates: Record<RateName, RateLimit | undefined> = {
    requestsPerSecond: undefined,
    costPerSecond: undefined,
  };
  readonly #elsewhere: Partial<Record<RateName, Elsewhere>> = {};
  #gateways: number;
  #quota: Quota = {};
  /** Since this gateway was started. */
  readonly totals = { requests: 0, cost: 0, refused: 0 };
  /** When it was last asked for anything. */
  usedMs: number;
  /** Of its requests, in this gateway's room. */
  heldBytes = 0;

  constructor(tenant: string, at: { readonly nowMs: number; readonly gateways: number }) {
    this.tenant = tenant;
    this.usedMs = at.nowMs;
    this.#gateways = at.gateways;
    const elsewhere = { ...alone, gateways: at.gateways };
    this.counts = {
      concurrentRequests: new CountLimit(elsewhere),
      sockets: new StandingLimit(),
      subscriptions: new StandingLimit(),
    };
  }

  get quota(): Quota {
    return this.#quota;
  }

  /** Operations that this gateway is carrying out for it. */
  get underWay(): number {
    return this.counts.concurrentRequests.open;
  }

  /** From now on it may use this; what is open stays open. */
  setQuota(quota: Quota, nowMs: number): void {
    if (quota === this.#quota) return;
    this.#quota = quota;
    for (const name of countNames) this.counts[name].setLimit(quota[name]);
    for (const name of rateNames) {
      const limit = quota[name];
      if (limit === undefined) this.#rates[name] = undefined;
      else if (this.#rates[name]) this.#rates[name].setLimit(limit, nowMs);
      else this.#rates[name] = new RateLimit(limit, this.#heard(name), nowMs);
    }
  }

  /**
   * Sends away at the door who would be sent away inside: before his body is read, so that a flood costs
   * its tenant's quota and little more. Who is let in here is charged there.
   */
  knock(nowMs: number): Refusal | undefined {
    this.usedMs = nowMs;
    const requests = this.#rates.requestsPerSecond;
    const waitMs = requests?.waitAtDoorMs(nowMs) ?? 0;
    return requests && waitMs > 0 ? this.#slow('requestsPerSecond', requests, waitMs) : undefined;
  }

  /** THE CHARGE: once a request, before anything is done for it. Whoever is let in must `leave`. */
  admit({ cost }: Weight, nowMs: number): Refusal | undefined {
    this.usedMs = nowMs;
    const { concurrentRequests } = this.counts;
    const { requestsPerSecond: requests, costPerSecond: costs } = this.#rates;
    // Both are asked, whatever the first one says: what is asked for decides the gateways' parts.
    const requestMs = requests?.waitMs(1, nowMs) ?? 0;
    const costMs = costs?.waitMs(cost, nowMs) ?? 0;
    if (requests && requestMs > 0) return this.#slow('requestsPerSecond', requests, requestMs);
    if (costs && costMs > 0) return this.#slow('costPerSecond', costs, costMs);
    if (!concurrentRequests.hasRoom) return this.#full('concurrentRequests');
    requests?.take(1);
    costs?.take(cost);
    concurrentRequests.add();
    this.totals.requests += 1;
    this.totals.cost += cost;
    return undefined;
  }

  /** The request is answered. */
  leave(): void {
    this.counts.concurrentRequests.remove();
  }

  /** One more of what stays open; whoever is let in must `close` it. */
  open(name: StandingName, nowMs: number): Refusal | undefined {
    this.usedMs = nowMs;
    const count = this.counts[name];
    if (!count.hasRoom) return this.#full(name);
    count.add();
    return undefined;
  }

  close(name: StandingName): void {
    this.counts[name].remove();
  }

  /** Something else was refused for a quota. */
  refuse(refusal: Refusal): Refusal {
    this.totals.refused += 1;
    return refusal;
  }

  /** A second, or whatever `seconds` were, is over. */
  tick(seconds: number, nowMs: number): void {
    this.counts.concurrentRequests.tick();
    for (const name of rateNames) this.#rates[name]?.tick(seconds, nowMs);
  }

  /** What is asked of this gateway: what the others are to know. */
  demand(name: CountName | RateName): number {
    return name in this.counts
      ? this.counts[name as CountName].demand
      : (this.#rates[name as RateName]?.demand ?? 0);
  }

  /** What the other gateways are asked for, all of them together. */
  hear(others: Readonly<Record<CountName | RateName, number>>, at: HeardAt): void {
    this.#gateways = at.gateways;
    for (const name of countNames)
      this.counts[name].hear({ others: others[name], gateways: at.gateways });
    for (const name of rateNames) {
      const elsewhere = { others: others[name], gateways: at.gateways };
      this.#elsewhere[name] = elsewhere;
      this.#rates[name]?.hear(elsewhere, at.nowMs);
    }
  }

  /**
   * Nothing is open and no bucket is less than full: nothing would be forgotten but the totals, and who
   * is forgotten gains nothing by it.
   */
  isIdle(nowMs: number): boolean {
    const isClosed = countNames.every((name) => this.counts[name].open === 0);
    const isFull = rateNames.every((name) => this.#rates[name]?.isUntouched(nowMs) ?? true);
    return this.heldBytes === 0 && isClosed && isFull;
  }

  #heard(name: RateName): Elsewhere {
    return this.#elsewhere[name] ?? { ...alone, gateways: this.#gateways };
  }

  #slow(quota: RateName, { limit, asked }: RateLimit, retryAfterMs: number): Refusal {
    return this.refuse({ quota, limit, used: Math.max(limit, asked), retryAfterMs });
  }

  #full(quota: CountName): Refusal {
    const { limit = 0, used } = this.counts[quota];
    return this.refuse({ quota, limit, used, retryAfterMs: roomAgainMs[quota] });
  }
}

export interface HeardAt {
  readonly gateways: number;
  readonly nowMs: number;
}
