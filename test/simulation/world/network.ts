import type { Random } from '../../../src/runtime/random.ts';

/** How bad the network is. Probabilities are of one message, in one direction. */
export interface Weather {
  readonly loss: number;
  /** How likely a message takes up to `farMs` instead of up to `nearMs`: reordering comes from here. */
  readonly tail: number;
  readonly nearMs: number;
  readonly farMs: number;
  /** How likely a request is carried out twice, the second time unnoticed. */
  readonly duplicate: number;
}

/** Setup, and the quiet at the end: nothing is lost, nothing is late. */
export const calm: Weather = { loss: 0, tail: 0, nearMs: 2, farMs: 2, duplicate: 0 };

/** What a message is for. */
export type Lane = 'data' | 'hints' | 'register';

/** Messages between processes: each is lost, or arrives after a delay of its own. */
export class Network {
  weather: Weather = calm;
  readonly #chances: Readonly<Record<Lane, Random>>;
  readonly #cut = new Set<string>();

  constructor(chances: Readonly<Record<Lane, Random>>) {
    this.#chances = chances;
  }

  /** Drops everything from one process to another, in this direction only. */
  cut(from: string, to: string): void {
    this.#cut.add(`${from}>${to}`);
  }

  mend(from: string, to: string): void {
    this.#cut.delete(`${from}>${to}`);
  }

  heal(): void {
    this.#cut.clear();
  }

  /**
   * The delay of one message in ms; undefined when it never arrives. What is only about hints, or about who is who, has a chance of its own:
   * gateways ask for it all the time, and that should change as little of the rest as possible.
   */
  delay(from: string, to: string, lane: Lane = 'data'): number | undefined {
    const random = this.#chances[lane];
    const { loss, tail, nearMs, farMs } = this.weather;
    // Chance is drawn before the cut is looked at, so that a split changes as little of the rest as possible.
    const lost = random.next() < loss;
    const far = random.next() < tail;
    const delayMs = 0.5 + random.next() * (far ? farMs : nearMs);
    return lost || this.#cut.has(`${from}>${to}`) ? undefined : delayMs;
  }

  duplicates(lane: Lane = 'data'): boolean {
    const random = this.#chances[lane];
    return random.next() < this.weather.duplicate;
  }
}
