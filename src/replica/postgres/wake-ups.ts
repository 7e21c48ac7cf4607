import type { Cancel, Clock } from '../../runtime/clock.ts';
import { alone, type CallKind } from './call-kind.ts';
import type { Statement } from './statements.ts';

/** By this name a replica knows who is to be woken when its change log grows; the others only read it. */
export const feedName = 'quorate feed';
export const quietFeedName = 'quorate feed, not to be woken';

/**
 * Wakes who reads the log, of any gateway; says whether there is anybody, where $1 asks for that. Sent after
 * the batch has committed, because NOTIFY inside it would serialise all commits.
 */
const wakeListeners: Statement = {
  name: 'quorate_wake',
  text: `select pg_notify('quorate_changes', ''), case when $1::bool then exists (
    select from pg_stat_activity where application_name = '${feedName}' and datname = current_database()) end`,
};

type Send = (wake: CallKind<undefined, boolean | undefined>) => Promise<boolean | undefined>;

const everyMs = 10;
/** After it has been heard by nobody, and how long it is taken for granted that somebody hears it. */
const unheardMs = 250;
const heardMs = 1_000;

/**
 * Tells who reads a replica's log that something was written: at most every 10 ms, and while nobody reads it,
 * four times a second, because a statement for nobody costs as much as one for somebody. Who reads it by himself,
 * because nothing of what is written is for him, counts for nobody.
 *
 * Whoever begins to read meanwhile polls every 500 ms: half of that is the most that this adds, once.
 */
export class WakeUps {
  readonly #clock: Clock;
  readonly #send: Send;
  #timer: Cancel | undefined;
  #notBeforeMs = 0;
  #heardUntilMs = 0;

  constructor(clock: Clock, send: Send) {
    this.#clock = clock;
    this.#send = send;
  }

  /** Nothing waits for it, and its failure is nobody's failure: see decision 0004. */
  written(): void {
    const unheardForMs = this.#notBeforeMs - this.#clock.monotonicMs();
    this.#timer ??= this.#clock.after(Math.max(everyMs, unheardForMs), () => {
      this.#timer = undefined;
      const nowMs = this.#clock.monotonicMs();
      if (nowMs < this.#notBeforeMs) this.written();
      else void this.#wake(nowMs >= this.#heardUntilMs);
    });
  }

  stop(): void {
    this.#timer?.();
  }

  async #wake(asks: boolean): Promise<void> {
    const isHeard = await this.#send(
      alone({
        name: 'wake',
        statement: wakeListeners,
        values: [asks],
        reply: ([row]) => (typeof row?.[1] === 'boolean' ? row[1] : undefined),
      }),
    ).catch(() => undefined);
    const nowMs = this.#clock.monotonicMs();
    if (isHeard === true) this.#heardUntilMs = nowMs + heardMs;
    if (isHeard === false) this.#notBeforeMs = nowMs + unheardMs;
  }
}
