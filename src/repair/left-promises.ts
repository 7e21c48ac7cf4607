import type { Clock } from '../runtime/clock.ts';
import type { Metrics } from '../runtime/metrics.ts';
import type { JoinOutcome } from './join-into.ts';

/** A repair that a promise stands in the way of. */
export interface Refused {
  /** Tells keys apart. */
  readonly name: string;
  readonly promised: number;
  /** Tries the same repair again; undefined when the replica did not answer. */
  readonly again: () => Promise<JoinOutcome | undefined>;
  /** A round of consensus on the key, which has something accepted whatever it finds. */
  readonly settle: () => Promise<unknown>;
}

/** A round that is under way is over in much less than so many looks. */
const lookEveryMs = 250;
const looks = 3;
const watchedMax = 16;

/**
 * Promises that no accept follows: their proposer died between prepare and accept, or had nothing to
 * accept. Rule A keeps repair away from such a row until something greater is accepted there, and on
 * a key that nobody writes any more nothing ever is. So the same promise, met again for a while, is
 * followed by a round of our own.
 *
 * Bounded: so many keys are watched at a time, each for most of a second before its round, so there
 * are about twenty such rounds a second at the most. What is not watched is met again by the next
 * read, or by anti-entropy.
 */
export class LeftPromises {
  readonly #clock: Clock;
  readonly #metrics: Metrics;
  readonly #watched = new Set<string>();

  constructor({ clock, metrics }: { clock: Clock; metrics: Metrics }) {
    this.#clock = clock;
    this.#metrics = metrics;
  }

  /** Resolves when the repair got through, the promise has moved, or its round is over. */
  async watch({ name, promised, again, settle }: Refused): Promise<void> {
    if (this.#watched.size >= watchedMax || this.#watched.has(name)) return;
    this.#watched.add(name);
    try {
      for (let look = 0; look < looks; look += 1) {
        await this.#clock.sleep(lookEveryMs);
        const outcome = await again();
        if (outcome?.status !== 'refused' || outcome.promised !== promised) return;
      }
      await settle();
      const outcome = await again();
      this.#metrics.repairs.inc({ kind: 'settled', result: outcome?.status ?? 'failed' });
    } catch {
      // No majority: the next refusal tries again.
      this.#metrics.repairs.inc({ kind: 'settled', result: 'failed' });
    } finally {
      this.#watched.delete(name);
    }
  }
}
