/**
 * Time, handed in.
 *
 * Everything above the replica contract takes a `Clock`, so that the simulator can run the same
 * code under virtual time. Nothing outside `runtime/` may call `Date.now`, `setTimeout` or
 * `performance.now` (test/tidy.test.ts checks).
 */
export interface Clock {
  /** Wall-clock time in milliseconds since 1970, with fractions. May be skewed, may step. */
  nowMs(): number;
  /**
   * Milliseconds from an arbitrary origin; never goes back. Deadlines and durations are measured
   * with it.
   */
  monotonicMs(): number;
  /** Runs `task` once after `delayMs`; the returned function cancels it. */
  after(delayMs: number, task: () => void): Cancel;
  /** Resolves after `delayMs`. */
  sleep(delayMs: number): Promise<void>;
  /** Runs `task` when this turn of the event loop is over: the moment at which a batch is cut. */
  endOfTurn(task: () => void): void;
}

export type Cancel = () => void;

/** The machine's clock. Timers do not keep the process alive: only servers do. */
export const systemClock: Clock = {
  // Not timeOrigin + now(): that never follows a correction of the system clock.
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
  sleep: (delayMs) => new Promise((wake) => setTimeout(wake, delayMs)),
  endOfTurn: (task) => void setImmediate(task),
};
