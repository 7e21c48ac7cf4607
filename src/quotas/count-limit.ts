import type { Elsewhere } from './rate-limit.ts';
import { wholeShare } from './share.ts';

/**
 * So many requests at once of one tenant, at this gateway: its part of what all gateways together may
 * have open. Counted whether they are limited or not, since a limit may come while they are open.
 */
export class CountLimit {
  #limit: number | undefined;
  #elsewhere: Elsewhere;
  #open = 0;
  /** The most that were open at once since the last tick, or would have been. */
  #peak = 0;
  #told = 0;
  #most = Infinity;

  constructor(elsewhere: Elsewhere) {
    this.#elsewhere = elsewhere;
  }

  get limit(): number | undefined {
    return this.#limit;
  }

  /** Open at this gateway. */
  get open(): number {
    return this.#open;
  }
  /** Open here and elsewhere. */
  get used(): number {
    return this.#open + this.#elsewhere.others;
  }
  /** What the other gateways are told. */
  get demand(): number {
    return this.#told;
  }

  setLimit(limit: number | undefined): void {
    this.#limit = limit;
    this.#setMost();
  }

  /** Whether one more may be opened. */
  get hasRoom(): boolean {
    if (this.#open + 1 > this.#peak) this.#peak = this.#open + 1;
    return this.#open < this.#most;
  }

  add(): void {
    this.#open += 1;
  }

  remove(): void {
    this.#open -= 1;
  }

  /** A second is over. What was refused counts too: who was refused a moment ago asks again. */
  tick(): void {
    this.#told = Math.max(this.#peak, this.#open);
    this.#peak = this.#open;
    this.#setMost();
  }

  hear(elsewhere: Elsewhere): void {
    this.#elsewhere = elsewhere;
    this.#setMost();
  }

  #setMost(): void {
    const limit = this.#limit;
    const own = this.#told;
    this.#most = limit === undefined ? Infinity : wholeShare({ limit, own, ...this.#elsewhere });
  }
}
