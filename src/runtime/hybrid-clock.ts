import type { Clock } from './clock.ts';

/**
 * A hybrid logical clock in microseconds: close to wall time, and strictly increasing in this
 * gateway.
 *
 * Source: Kulkarni et al., "Logical Physical Clocks", OPODIS 2014, folded into one integer: the
 * logical part lives in the microseconds that a millisecond clock does not use. 2^53 µs after 1970
 * is the year 2255, so a double holds it exactly.
 */
export class HybridClock {
  readonly #clock: Clock;
  #lastUs = 0;
  #aheadUs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A time later than every earlier answer and every observed time, in µs since 1970. */
  tick(): number {
    const nowUs = Math.floor(this.#clock.nowMs() * 1000);
    // Even, so that it never equals an answer of `tickAfter` that is ahead.
    this.#lastUs = Math.max(this.#lastUs + 2 - (this.#lastUs % 2), nowUs - (nowUs % 2));
    return this.#lastUs;
  }

  /**
   * A time later than `timeUs`, and never the same twice. Where `timeUs` is ahead of this clock the
   * answer is too, and later answers of `tick` are not: one version with a broken clock must not
   * drag along what has nothing to do with it.
   */
  tickAfter(timeUs: number): number {
    const nextUs = this.tick();
    if (nextUs > timeUs) return nextUs;
    const afterUs = Math.max(timeUs, this.#aheadUs) + 1;
    this.#aheadUs = afterUs + 1 - (afterUs % 2);
    return this.#aheadUs;
  }

  /**
   * Learns of a time that another gateway issued, so that what is written after reading it is later
   * than it. A time more than `driftMaxUs` ahead is not followed: one broken clock must not drag
   * all others into the future.
   */
  observe(timeUs: number, driftMaxUs = 60_000_000): void {
    const nowUs = this.#clock.nowMs() * 1000;
    if (timeUs > this.#lastUs && timeUs <= nowUs + driftMaxUs) this.#lastUs = timeUs;
  }
}
