import type {
  ChangePage,
  ChangePosition,
  ChangeSession,
  ChangeSource,
  ChangesWanted,
} from '../replica/change-source.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Random } from '../runtime/random.ts';
import { Rest } from './rest.ts';

/** How a tail behaves in time. */
export interface TailOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** The truth: the log is read this often, woken or not. */
  readonly pollMs: number;
  /** Woken reads are at least this far apart. */
  readonly gapMs: number;
  /** And up to this far, while what others write is all that they find: it is nobody's. */
  readonly barrenGapMs: number;
  readonly backoffMaxMs: number;
}

/** Whom a tail tells. */
export interface TailEvents {
  /** What is worth reading. */
  wanted(): ChangesWanted;
  /** A read is over; `window` is the number of the read that began the window of this page. */
  page(tail: Tail, page: ChangePage, window: number): void;
  /** The replica does not answer. The tail goes on trying, from where it was. */
  lost(tail: Tail): void;
}

/**
 * Follows the change log of one replica, over one connection, until it is stopped. A replica that
 * hangs holds up only its own tail.
 */
export class Tail {
  readonly id: string;
  readonly #source: ChangeSource;
  readonly #options: TailOptions;
  readonly #events: TailEvents;
  #position: ChangePosition | undefined;
  #session: ChangeSession | undefined;
  #stopped = false;
  #woken = false;
  /** The replica says that something was logged; perhaps what somebody follows. */
  #hinted = false;
  /** Reads in a row that were hinted at and found nothing that anybody follows. */
  #barren = 0;
  /** It reads again when its nap is over: hints do not end that. */
  #isNapping = false;
  #rest = new Rest();
  #endNap: (() => void) | undefined;
  #failures = 0;

  /** Reads are numbered, so that others can ask for one that was begun after now. */
  readsBegun = 0;
  /** It answered its last read. */
  live = false;

  constructor(source: ChangeSource, options: TailOptions, events: TailEvents) {
    this.id = source.id;
    this.#source = source;
    this.#options = options;
    this.#events = events;
  }

  /** Whether it was tried and could not be reached: nobody needs to wait for it. */
  get isDown(): boolean {
    return !this.live && this.#failures > 0;
  }

  start(): void {
    void this.#run();
  }

  stop(): void {
    this.#stopped = true;
    this.live = false;
    this.#session?.close();
    this.#endNap?.();
  }

  /** There is something to read, or somebody who waits for a read. */
  wake(): void {
    this.#woken = true;
    this.#endNap?.();
  }

  #hint(): void {
    this.#hinted = true;
    if (!this.#isNapping) this.#endNap?.();
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.#follow();
      } catch (error) {
        if (this.#isStopped()) return;
        const reason = error instanceof Error ? error.message : 'unknown failure';
        if (this.#failures === 0)
          this.#options.log.warn({ replica: this.id, reason }, 'the change log cannot be followed');
      } finally {
        this.#session?.close();
        this.#session = undefined;
      }
      if (this.#isStopped()) return;
      this.live = false;
      this.#failures++;
      this.#events.lost(this);
      const { random, backoffMaxMs } = this.#options;
      this.#woken = false;
      await this.#nap(
        Math.min(backoffMaxMs, 100 * 2 ** Math.min(this.#failures, 10)) * (0.5 + random.next() / 2),
      );
    }
  }

  async #follow(): Promise<void> {
    const session = await this.#source.open({
      onWake: () => this.#hint(),
      onLost: () => this.wake(),
    });
    this.#session = session;
    this.#rest = new Rest();
    if (this.#isStopped()) return;
    this.#position ??= await session.head();
    let window = 0;
    for (let more = false; !this.#isStopped();) {
      const read = ++this.readsBegun;
      if (!more) window = read;
      this.#woken = false;
      this.#hinted = false;
      const page = await session.read(this.#position, this.#events.wanted());
      if (this.#isStopped()) return;
      if (this.#failures > 0)
        this.#options.log.info({ replica: this.id }, 'the change log is followed again');
      this.#failures = 0;
      this.live = true;
      const moved = page.position.seen !== this.#position.seen;
      this.#position = page.position;
      more = page.kind === 'page' && page.more;
      const found = page.kind === 'gap' || page.changes.length > 0;
      this.#barren = found ? 0 : this.#barren + 1;
      this.#events.page(this, page, window);
      if (more) continue;
      const isWoken = this.#rest.after({ atMs: this.#options.clock.monotonicMs(), moved, found });
      if (isWoken !== undefined) await session.listen(isWoken);
      await this.#idle();
    }
  }

  async #idle(): Promise<void> {
    const { pollMs, gapMs, barrenGapMs, clock } = this.#options;
    const { looksByItself } = this.#rest;
    if (!this.#woken && this.#barren > 0) {
      this.#isNapping = true;
      await this.#nap(Math.min(barrenGapMs, gapMs * 2 ** Math.min(this.#barren, 10)));
      this.#isNapping = false;
      if (this.#isCalled() || looksByItself) return;
      this.#barren = 0;
    }
    if (this.#isCalled()) await clock.sleep(gapMs);
    else await this.#nap(looksByItself ? gapMs : pollMs);
  }

  #isCalled(): boolean {
    return this.#woken || this.#hinted;
  }

  #nap(delayMs: number): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        this.#endNap = undefined;
        resolve();
      };
      const cancel = this.#options.clock.after(delayMs, done);
      this.#endNap = done;
    });
  }

  /** A method, because the flag changes while others are awaited. */
  #isStopped(): boolean {
    return this.#stopped;
  }
}
