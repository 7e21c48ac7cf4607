import { emptyCell, type Cell } from '../causality/cell.ts';
import { digestOf } from '../causality/cell-codec.ts';
import type { Convergence } from '../causality/convergence.ts';
import { refName } from '../replica/cell-ref.ts';
import type { CellRef, CellStore, StoredCell } from '../replica/replica.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';
import { joinInto, type JoinOutcome } from './join-into.ts';
import { LeftPromises } from './left-promises.ts';

/** One replica, and what it answered. */
export interface Holding {
  readonly store: CellStore & { readonly id: string };
  readonly stored: StoredCell;
}

export interface RepairDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

export interface RepairRequest {
  readonly ref: CellRef;
  readonly convergence: Convergence;
  /** A round of consensus on the key; see `LeftPromises`. */
  readonly settle?: () => Promise<unknown>;
}

/** One key that was found to differ, and how. */
export interface Differing {
  readonly request: RepairRequest;
  readonly holdings: readonly Holding[];
}

const openMax = 1_000;
const repairMs = 5_000;

/** The state that knows what all of these know, its digest, and who does not hold it yet. */
export function converge(
  holdings: readonly Holding[],
  { join }: Convergence,
): { cell: Cell; digest: bigint; behind: readonly Holding[] } {
  const [first] = holdings;
  if (first && holdings.every(({ stored }) => stored.digest === first.stored.digest))
    return { cell: first.stored.cell, digest: first.stored.digest, behind: [] };
  const cell = holdings.reduce((state, { stored }) => join(state, stored.cell), emptyCell);
  const digest = digestOf(cell);
  return { cell, digest, behind: holdings.filter(({ stored }) => stored.digest !== digest) };
}

/**
 * Heals replicas that a read found behind, off the hot path.
 *
 * Bounded: beyond `openMax` repairs at a time further ones are dropped and counted; the next read,
 * or anti-entropy, finds them again.
 */
export class ReadRepair {
  readonly #deps: RepairDeps;
  readonly #leftPromises: LeftPromises;
  readonly #open = new Set<Promise<void>>();

  constructor(deps: RepairDeps) {
    this.#deps = deps;
    this.#leftPromises = new LeftPromises(deps);
  }

  /** Compares all answers of a read when they are in, and joins what differs into those behind. */
  later(request: RepairRequest, answers: Promise<readonly Holding[]>): void {
    this.#keep(async () => this.#heal(request, await answers));
  }

  /**
   * Many keys that were read together count as one; they are healed one after the other. All have the time
   * of one: what was read longer ago could bring back what has been deleted and collected since.
   */
  laterMany(find: () => Promise<readonly Differing[]>): void {
    const deadlineMs = this.#deps.clock.monotonicMs() + repairMs;
    this.#keep(async () => {
      for (const { request, holdings } of await find())
        await this.#heal(request, holdings, deadlineMs);
    });
  }

  /** Resolves when no repair is under way: for a clean shutdown, and for tests. */
  async idle(): Promise<void> {
    while (this.#open.size > 0) await Promise.allSettled(this.#open);
  }

  #keep(work: () => Promise<void>): void {
    if (this.#open.size >= openMax) {
      this.#deps.metrics.repairs.inc({ kind: 'background', result: 'dropped' });
      return;
    }
    const repair = work()
      .catch((error: unknown) => {
        const what = 'a background repair failed; a later read finds the difference again';
        this.#deps.log.debug({ error }, what);
      })
      .then(() => void this.#open.delete(repair));
    this.#open.add(repair);
  }

  async #heal(
    request: RepairRequest,
    holdings: readonly Holding[],
    deadlineMs = this.#deps.clock.monotonicMs() + repairMs,
  ): Promise<void> {
    if (this.#deps.clock.monotonicMs() >= deadlineMs) return;
    const { cell, behind } = converge(holdings, request.convergence);
    const what = { ...request, cell, deadlineMs };
    await Promise.all(behind.map((holding) => this.#healOne(holding, what)));
  }

  async #healOne(
    { store, stored }: Holding,
    what: RepairRequest & { cell: Cell; deadlineMs: number },
  ): Promise<void> {
    const { clock, metrics } = this.#deps;
    const { ref, convergence, cell, settle } = what;
    const join = (guess?: StoredCell): Promise<JoinOutcome | undefined> => {
      const deadlineMs = guess ? what.deadlineMs : clock.monotonicMs() + repairMs;
      const request = { ref, convergence, cell, ...(guess ? { guess } : {}) };
      return joinInto(store, request, { deadlineMs }).catch(() => undefined);
    };
    const outcome = await join(stored);
    metrics.repairs.inc({ kind: 'background', result: outcome?.status ?? 'failed' });
    if (outcome?.status !== 'refused' || !settle) return;
    const name = refName(ref);
    await this.#leftPromises.watch({ name, promised: outcome.promised, again: join, settle });
  }
}
