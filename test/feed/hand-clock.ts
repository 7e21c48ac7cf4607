import type { Clock } from '../../src/runtime/clock.ts';

/** A clock that goes when it is told to, and counts its timers. */
export interface HandClock extends Clock {
  /** Lets time pass; what is due then runs, in its order. */
  pass(ms: number): void;
  readonly timers: number;
  readonly fired: number;
}

export function handClock(): HandClock {
  let [nowMs, fired] = [0, 0];
  const timers = new Set<{ readonly atMs: number; readonly task: () => void }>();
  const after: Clock['after'] = (delayMs, task) => {
    const timer = { atMs: nowMs + delayMs, task };
    timers.add(timer);
    return () => void timers.delete(timer);
  };
  return {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    after,
    sleep: (delayMs) => new Promise((wake) => after(delayMs, wake)),
    endOfTurn: (task) => void setImmediate(task),
    pass(ms) {
      const endMs = nowMs + ms;
      for (;;) {
        const [next] = [...timers].sort((a, b) => a.atMs - b.atMs);
        if (!next || next.atMs > endMs) break;
        timers.delete(next);
        nowMs = Math.max(nowMs, next.atMs);
        fired += 1;
        next.task();
      }
      nowMs = endMs;
    },
    get timers() {
      return timers.size;
    },
    get fired() {
      return fired;
    },
  };
}
