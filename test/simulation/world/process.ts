import type { Clock } from '../../../src/runtime/clock.ts';
import type { Schedule } from './schedule.ts';

/** 2026-01-01: what every unskewed wall clock of the simulation shows at the beginning. */
const epochMs = 1_767_225_600_000;

/**
 * One process of the simulated cluster: it has a clock of its own, and it can be killed.
 *
 * After `kill` none of its timers fires and none of its sleeps ends, so nothing that it was in the
 * middle of ever goes on: as after a `kill -9`.
 */
export class Process {
  readonly name: string;
  readonly clock: Clock;
  /** How far its wall clock is ahead; may be changed at any time, as by a step of NTP. */
  skewMs: number;
  /** What its monotonic clock showed when the run began: origins differ between machines. */
  readonly originMs: number;
  #alive = true;

  constructor(schedule: Schedule, options: { name: string; skewMs?: number; originMs?: number }) {
    this.name = options.name;
    this.skewMs = options.skewMs ?? 0;
    this.originMs = options.originMs ?? 0;
    const after = (delayMs: number, task: () => void): (() => void) =>
      schedule.after(delayMs, () => {
        if (this.#alive) task();
      });
    this.clock = {
      nowMs: () => epochMs + this.skewMs + schedule.nowMs,
      monotonicMs: () => this.originMs + schedule.nowMs,
      after,
      sleep: (delayMs) => new Promise((wake) => after(delayMs, wake)),
      endOfTurn: (task) => void after(0, task),
    };
  }

  get alive(): boolean {
    return this.#alive;
  }

  kill(): void {
    this.#alive = false;
  }
}
