import { digestOf, encodeCell } from '../causality/cell-codec.ts';
import type { Cell } from '../causality/cell.ts';
import type { Convergence } from '../causality/convergence.ts';
import type { CellRef } from '../replica/cell-ref.ts';
import type { HintStore } from '../replica/hint-store.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';
import type { HintLedger } from './hint-ledger.ts';
import type { HintSettings } from './hint-settings.ts';

/** A replica that may keep a hint. */
export type HintHolder = Pick<HintStore, 'putHint'> & { readonly id: string };

/** A cell that a replica did not take. */
export interface Missed {
  readonly target: string;
  readonly ref: CellRef;
  readonly cell: Cell;
  readonly convergence: Convergence;
  readonly epoch: number;
}

export interface KeeperParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly ledger: HintLedger;
  readonly settings: HintSettings;
}

const openMax = 10_000;
/** How long one holder may take. */
const putMs = 2_000;

/**
 * Leaves hints: each in the first replica that keeps it.
 *
 * Bounded: a holder takes `hintsMax` and `bytesMax`, and beyond `openMax` hints on their way further
 * ones are dropped. What is dropped is counted, and left to reads and anti-entropy.
 */
export class HintKeeper {
  readonly #parts: KeeperParts;
  /** Hints on their way to a holder: writes that became one cell leave one hint. */
  readonly #putting = new Map<string, Promise<void>>();
  readonly #open = new Set<Promise<unknown>>();

  constructor(parts: KeeperParts) {
    this.#parts = parts;
  }

  get isEnabled(): boolean {
    return this.#parts.settings.enabled;
  }

  /** Asks one holder after the other; answers with the one that keeps it, if any does. */
  async keep(missed: Missed, holders: readonly HintHolder[]): Promise<HintHolder | undefined> {
    for (const holder of holders) {
      try {
        await this.keepAt(holder, missed);
        return holder;
      } catch (error) {
        this.#parts.log.debug({ error, holder: holder.id }, 'a hint could not be kept there');
      }
    }
    this.#parts.metrics.hints.inc({ result: 'dropped' });
    return undefined;
  }

  /** Rejects when this holder does not keep it: with a `ReplicaError`, or an `Error` when it is full. */
  keepAt(holder: HintHolder, missed: Missed, deadlineMs = Infinity): Promise<void> {
    const { target, ref, cell } = missed;
    const name = [holder.id, target, ref.tenant, ref.keyspace, ref.key, digestOf(cell)].join('\0');
    const begun = this.#putting.get(name);
    if (begun) return begun;
    const put = this.#put(holder, missed, deadlineMs).finally(() => this.#putting.delete(name));
    this.#putting.set(name, put);
    return put;
  }

  /** Work that a gateway which stops should finish: writes on their way, and hints for them. */
  follow(work: Promise<unknown>): void {
    const followed: Promise<unknown> = work
      .catch(() => undefined)
      .finally(() => this.#open.delete(followed));
    this.#open.add(followed);
  }

  /** Resolves when nothing of it is under way, or after `mostMs`. */
  async idle(mostMs: number): Promise<void> {
    const { clock } = this.#parts;
    const untilMs = clock.monotonicMs() + mostMs;
    for (let leftMs = mostMs; this.#open.size > 0 && leftMs > 0;) {
      await Promise.race([Promise.all(this.#open), clock.sleep(leftMs)]);
      leftMs = untilMs - clock.monotonicMs();
    }
  }

  async #put(holder: HintHolder, missed: Missed, deadlineMs: number): Promise<void> {
    const { clock, ledger, metrics, settings } = this.#parts;
    const { target, ref, cell, convergence, epoch } = missed;
    const { siblings, context, outcomes } = encodeCell(cell);
    const bytes = Buffer.byteLength(siblings) + context.length + outcomes.length;
    const kept = ledger.at(holder.id);
    const isFull = kept.hints >= settings.hintsMax || kept.bytes + bytes > settings.bytesMax;
    if (isFull || this.#putting.size >= openMax) throw new Error('no room for another hint');
    const stamp = convergence.stampOf(cell);
    await holder.putHint(
      { target, ref, cell, stamp, epoch, lifeMs: settings.expireMs },
      { deadlineMs: Math.min(clock.monotonicMs() + putMs, deadlineMs) },
    );
    ledger.added(holder.id, target, bytes);
    metrics.hints.inc({ result: 'kept' });
  }
}
