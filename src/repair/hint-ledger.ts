import type { HintCount } from '../replica/hint-store.ts';
import type { Metrics } from '../runtime/metrics.ts';

interface Kept {
  readonly hints: number;
  readonly bytes: number;
}

const nothing: Kept = { hints: 0, bytes: 0 };

/**
 * What this gateway believes is kept where: what each holder said when it was last asked, and what
 * this gateway has put there since. Of a holder that cannot be reached, what it last said stands.
 */
export class HintLedger {
  readonly #metrics: Metrics;
  readonly #holders = new Map<string, Map<string, Kept>>();

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  /** What a holder keeps, as it says itself. */
  learn(holder: string, counts: readonly HintCount[]): void {
    const before = [...(this.#holders.get(holder)?.keys() ?? [])];
    const lines = counts.map(({ target, hints, bytes }) => [target, { hints, bytes }] as const);
    this.#holders.set(holder, new Map(lines));
    for (const target of new Set([...before, ...counts.map((line) => line.target)])) {
      this.#metrics.openHints.set({ replica: target }, this.openFor(target));
    }
  }

  /** One more is kept there. */
  added(holder: string, target: string, bytes: number): void {
    const targets = this.#holders.get(holder) ?? new Map<string, Kept>();
    const { hints, bytes: sum } = targets.get(target) ?? nothing;
    targets.set(target, { hints: hints + 1, bytes: sum + bytes });
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
