/**
 * How much of something a tenant may still use at this moment: it fills at a steady rate, up to what
 * one burst may take.
 *
 * No timer fills it: what has come since the last look is added when it is looked at, so an idle
 * tenant costs nothing. A single thing that is larger than the bucket is let through when the bucket
 * is full, and leaves a debt: the rate holds in the long run, and nothing is refused for ever.
 *
 * Invariant: in any stretch of time, no more is taken than burst + rate × seconds + one thing.
 */
export class TokenBucket {
  #rate: number;
  #burst: number;
  #level: number;
  #atMs: number;

  constructor(shape: BucketShape, nowMs: number) {
    this.#rate = shape.perSecond;
    this.#burst = shape.burst;
    this.#level = shape.burst;
    this.#atMs = nowMs;
  }

  /** From now on it fills at another rate; what is in it stays, as far as there is room. */
  reshape({ perSecond, burst }: BucketShape, nowMs: number): void {
    this.#fill(nowMs);
    this.#rate = perSecond;
    this.#burst = burst;
    this.#level = Math.min(this.#level, burst);
  }

  /** 0 when `amount` may be taken now; otherwise in how many ms it may, if nobody else takes any. */
  waitMs(amount: number, nowMs: number): number {
    this.#fill(nowMs);
    const missing = Math.min(amount, this.#burst) - this.#level;
    // A rounding error of the sums must not make a full bucket refuse.
    if (missing <= 1e-9) return 0;
    return this.#rate > 0 ? Math.ceil((missing / this.#rate) * 1_000) : Infinity;
  }

  /** Nothing of it was used of late: one that is made anew would hold as much. */
  isFull(nowMs: number): boolean {
    this.#fill(nowMs);
    return this.#level >= this.#burst;
  }

  take(amount: number): void {
    this.#level -= amount;
  }

  #fill(nowMs: number): void {
    const gained = (this.#rate * Math.max(0, nowMs - this.#atMs)) / 1_000;
    this.#level = Math.min(this.#burst, this.#level + gained);
    this.#atMs = Math.max(this.#atMs, nowMs);
  }
}

export interface BucketShape {
  readonly perSecond: number;
  /** What it holds when it is full; more than 0. */
  readonly burst: number;
}
