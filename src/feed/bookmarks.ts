import type { Cancel, Clock } from '../runtime/clock.ts';

/** How many turns there are in a period: no bookmark is late by more than one of them. */
const turns = 300;

/**
 * When subscriptions tell where they stand: one timer for all of them, and those whose time comes at
 * about the same moment are told together, so that what goes to one socket goes out at once. Ten
 * thousand timers of their own would wake an idle gateway hundreds of times a second.
 */
export class Bookmarks {
  readonly #clock: Clock;
  readonly #periodMs: number;
  /** By the number of the turn, counted from the clock's origin. */
  readonly #due = new Map<number, Set<() => void>>();
  #timer: Cancel | undefined;
  #timerTurn = 0;

  constructor(clock: Clock, periodMs: number) {
    this.#clock = clock;
    this.#periodMs = periodMs;
  }

  /** Runs the task once a period has passed, and not more than a turn later. */
  after(task: () => void): Cancel {
    const turn = this.#turnAt(this.#clock.monotonicMs() + this.#periodMs) + 1;
    const due = this.#due.get(turn) ?? new Set();
    this.#due.set(turn, due.add(task));
    this.#wind();
    return () => {
      if (due.delete(task) && due.size === 0 && this.#due.get(turn) === due) this.#drop(turn);
    };
  }

  #drop(turn: number): void {
    this.#due.delete(turn);
    if (turn !== this.#timerTurn) return;
    this.#timer?.();
    this.#timer = undefined;
    this.#wind();
  }

  #wind(): void {
    const [next] = this.#due.keys(); // turns come in order: the period is one and the same
    if (this.#timer || next === undefined) return;
    this.#timerTurn = next;
    const delayMs = (next * this.#periodMs) / turns - this.#clock.monotonicMs();
    this.#timer = this.#clock.after(Math.max(0, delayMs), () => {
      this.#timer = undefined;
      const due = this.#due.get(next) ?? [];
      this.#due.delete(next);
      for (const task of due) task();
      this.#wind();
    });
  }

  #turnAt(timeMs: number): number {
    return Math.floor((timeMs * turns) / this.#periodMs);
  }
}
