import type { Elsewhere } from './rate-limit.ts';

/**
 * So many of what stays open for long, at all gateways: sockets, subscriptions. One too many would not
 * be gone with the next answer, so nobody guesses a part: before one more is opened, the gateway says
 * that it wants to, and then looks at what the others have open or want (see `Admission.open`).
 *
 * Invariant: where each says so before it looks, of two that want the last one at least one sees the
 * other. Both may be refused; both are never let in.
 */
export class StandingLimit {
  #limit: number | undefined;
  #others = 0;
  #open = 0;
  #wanted = 0;

  get limit(): number | undefined {
    return this.#limit;
  }
  /** Open at this gateway. */
  get open(): number {
    return this.#open;
  }
  /** Open here and elsewhere. */
  get used(): number {
    return this.#open + this.#others;
  }
  /** What the other gateways are told. */
  get demand(): number {
    return this.#open + this.#wanted;
  }
  /** Whether one more may be opened. */
  get hasRoom(): boolean {
    return this.#limit === undefined || this.used < this.#limit;
  }

  setLimit(limit: number | undefined): void {
    this.#limit = limit;
  }

  /** Somebody is about to open one; until it is known whether he may, it counts elsewhere. */
  want(by: 1 | -1): void {
    this.#wanted += by;
  }

  add(): void {
    this.#open += 1;
  }

  remove(): void {
    this.#open -= 1;
  }

  hear({ others }: Elsewhere): void {
    this.#others = others;
  }
}
