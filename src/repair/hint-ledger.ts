import type { HintCount } from '../replica/hint-store.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Metrics } from '../runtime/metrics.ts';

interface Kept {
  readonly hints: number;
  readonly bytes: number;
}

interface KeptForOne extends Kept {
  /** When the oldest was left, on our monotonic clock. */
  readonly sinceMs: number;
}

/**
 * What this gateway believes is kept where: what each holder said when it was last asked, and what
 * this gateway has put there since. Of a holder that cannot be reached, what it last said stands.
 */
export class HintLedger {
  readonly #clock: Clock;
  readonly #metrics: Metrics;
  readonly #holders = new Map<string, Map<string, KeptForOne>>();

  constructor(deps: { clock: Clock; metrics: Metrics }) {
    this.#clock = deps.clock;
    this.#metrics = deps.metrics;
  }

  /** What a holder keeps, as it says itself. */
  learn(holder: string, counts: readonly HintCount[]): void {
    const before = [...(this.#holders.get(holder)?.keys() ?? [])];
    const nowMs = this.#clock.monotonicMs();
    const lines = counts.map(({ target, hints, bytes, oldestMs }) => {
      return [target, { hints, bytes, sinceMs: nowMs - oldestMs }] as const;
    });
    this.#holders.set(holder, new Map(lines));
    for (const target of new Set([...before, ...counts.map((line) => line.target)])) {
      this.#metrics.openHints.set({ replica: target }, this.openFor(target));
    }
  }

  /** One more is kept there. */
  added(holder: string, target: string, bytes: number): void {
    const targets = this.#holders.get(holder) ?? new Map<string, KeptForOne>();
    const nothing = { hints: 0, bytes: 0, sinceMs: this.#clock.monotonicMs() };
    const { hints, bytes: sum, sinceMs } = targets.get(target) ?? nothing;
    targets.set(target, { hints: hints + 1, bytes: sum + bytes, sinceMs });
    this.#holders.set(holder, targets);
  }

  /** All that a holder keeps, whoever it is for. */
  at(holder: string): Kept {
    let [hints, bytes] = [0, 0];
    for (const line of this.#holders.get(holder)?.values() ?? []) {
      hints += line.hints;
      bytes += line.bytes;
    }
    return { hints, bytes };
  }

  /** Hints that are kept for a replica, over all holders. */
  openFor(target: string): number {
    return [...this.#holders.values()].reduce(
      (sum, targets) => sum + (targets.get(target)?.hints ?? 0),
      0,
    );
  }

  /** What is open for a replica: how many, and how long ago the oldest was left; 0 when none is. */
  of(target: string, atMs: number): { openHints: number; lagMs: number } {
    const kept = [...this.#holders.values()].flatMap((targets) => targets.get(target) ?? []);
    const open = kept.filter(({ hints }) => hints > 0);
    const lagMs = Math.max(0, ...open.map(({ sinceMs }) => atMs - sinceMs));
    return { openHints: this.openFor(target), lagMs };
  }

  /** Replicas that hints are kept for, and by whom. */
  open(): ReadonlyMap<string, readonly string[]> {
    const targets = new Map<string, string[]>();
    for (const [holder, lines] of this.#holders) {
      for (const [target, { hints }] of lines) {
        if (hints > 0) targets.set(target, [...(targets.get(target) ?? []), holder]);
      }
    }
    return targets;
  }
}
