import type { Cancel, Clock } from '../../src/runtime/clock.ts';

interface Timer {
  readonly atMs: number;
  readonly nth: number;
  readonly task: () => void;
}

/** A clock that stands still until somebody moves it. Promises run between two timers, as they would in real time. */
export class HandClock implements Clock {
  /** How far wall time is ahead of the truth; for skew. */
  skewMs = 0;
  #nowMs = 1_000;
  #nth = 0;
  #timers: Timer[] = [];

  nowMs(): number {
    return 1_700_000_000_000 + this.#nowMs + this.skewMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, task: () => void): Cancel {
    const timer = { atMs: this.#nowMs + Math.max(0, delayMs), nth: this.#nth++, task };
    this.#timers.push(timer);
    return () => (this.#timers = this.#timers.filter((other) => other !== timer));
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((wake) => this.after(delayMs, wake));
  }

  endOfTurn(task: () => void): void {
    setImmediate(task);
  }

  /** Lets `forMs` pass, timer by timer. */
  async advance(forMs: number): Promise<void> {
    const untilMs = this.#nowMs + forMs;
    await drained();
    while (this.#fireNext(untilMs)) await drained();
    this.#nowMs = untilMs;
  }

  /** Lets time pass until `work` has settled; a test that would wait for longer than `mostMs` fails. */
  async settled<T>(work: Promise<T>, mostMs = 60_000): Promise<T> {
    const seen = { settled: false };
    const mark = (): void => void (seen.settled = true);
    work.then(mark, mark);
    const untilMs = this.#nowMs + mostMs;
    await drained();
    while (!seen.settled) {
      if (!this.#fireNext(untilMs)) throw new Error(`not settled after ${mostMs} ms`);
      await drained();
    }
    return work;
  }

  #fireNext(untilMs: number): boolean {
    const [next] = this.#timers.toSorted((a, b) => a.atMs - b.atMs || a.nth - b.nth);
    if (!next || next.atMs > untilMs) return false;
    this.#timers = this.#timers.filter((timer) => timer !== next);
    this.#nowMs = Math.max(this.#nowMs, next.atMs);
    next.task();
    return true;
  }
}

/** Everything that can happen without time passing has happened. */
export async function drained(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) await new Promise((resume) => setImmediate(resume));
}
