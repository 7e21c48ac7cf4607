import { share } from './share.ts';
import { TokenBucket, type BucketShape } from './token-bucket.ts';

/** What all gateways were told of one limit of one tenant. */
export interface Elsewhere {
  /** What is asked of the other gateways, or open there. */
  readonly others: number;
  /** How many gateways there are, this one included. */
  readonly gateways: number;
}

export const alone: Elsewhere = { others: 0, gateways: 1 };

/** A burst is what one second brings. */
const burstSeconds = 1;
/** A gateway that is asked at all keeps this part of the limit, or its first request would wait. */
const leastPart = 0.01;

/**
 * So much a second of one tenant, at this gateway: its part of what all gateways together may give.
 */
export class RateLimit {
  #limit: number;
  #elsewhere: Elsewhere;
  readonly #bucket: TokenBucket;
  /** Asked for since the last tick, granted or not. */
  #asked = 0;
  /** What is asked for in a second, lately. */
  #demand = 0;

  constructor(limit: number, elsewhere: Elsewhere, nowMs: number) {
    this.#limit = limit;
    this.#elsewhere = elsewhere;
    this.#bucket = new TokenBucket(this.#shape(), nowMs);
  }

  get limit(): number {
    return this.#limit;
  }
  /** What is asked of this gateway in a second; refused requests count, they would be served. */
  get demand(): number {
    return this.#demand;
  }
  /** What is asked for in a second, here and elsewhere. */
  get asked(): number {
    return Math.max(this.#demand, this.#asked) + this.#elsewhere.others;
  }

  setLimit(limit: number, nowMs: number): void {
    this.#limit = limit;
    this.#bucket.reshape(this.#shape(), nowMs);
  }

  /** 0 when `amount` may be taken; otherwise how many ms that takes. It counts as asked for. */
  waitMs(amount: number, nowMs: number): number {
    this.#asked += amount;
    return this.#bucket.waitMs(amount, nowMs);
  }

  /** The same for one who comes to the door: he counts as asking only if he is sent away there. */
  waitAtDoorMs(nowMs: number): number {
    const ms = this.#bucket.waitMs(1, nowMs);
    if (ms > 0) this.#asked += 1;
    return ms;
  }

  isUntouched(nowMs: number): boolean {
    return this.#bucket.isFull(nowMs);
  }

  take(amount: number): void {
    this.#bucket.take(amount);
  }

  /** A second, or whatever `seconds` were, is over. */
  tick(seconds: number, nowMs: number): void {
    // Half of what was: one second's chance must not move the parts of all gateways.
    this.#demand = this.#demand / 2 + this.#asked / seconds / 2;
    this.#asked = 0;
    this.#bucket.reshape(this.#shape(), nowMs);
  }

  hear(elsewhere: Elsewhere, nowMs: number): void {
    this.#elsewhere = elsewhere;
    this.#bucket.reshape(this.#shape(), nowMs);
  }

  #shape(): BucketShape {
    const { others, gateways } = this.#elsewhere;
    const own = Math.max(this.#demand, this.#limit * leastPart);
    const perSecond = share({ limit: this.#limit, own, others, gateways });
    return { perSecond, burst: Math.max(1, perSecond * burstSeconds) };
  }
}
