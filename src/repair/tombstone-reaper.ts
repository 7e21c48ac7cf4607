import type { Cell } from '../causality/cell.ts';
import { goneAt } from '../causality/gone.ts';
import type { GoneKey } from '../replica/digest-source.ts';
import type { CallOptions, CellRef, Replica } from '../replica/replica.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Metrics } from '../runtime/metrics.ts';
import type { RepairKeyspace } from './repair-keyspace.ts';

export interface ReaperDeps {
  readonly clock: Clock;
  readonly metrics: Metrics;
  /**
   * How long a deletion is kept at the least. Whatever may still carry an older state — a hint, a
   * repair, a statement in a frozen server, a clock that is behind — must be over by then.
   */
  readonly graceMs: number;
  /** Whether a hint of the key is open anywhere, or may be where one cannot look now. */
  readonly hasHint: (ref: CellRef) => Promise<boolean>;
  /** Whether the replica takes part in everything: neither down nor under repair. */
  readonly isWhole: (replica: Replica) => boolean;
}

export interface Reaped {
  readonly collected: number;
  /** Looked at, and left for another time. */
  readonly kept: number;
}

const callMs = 10_000;
const pageKeys = 256;
/** Retries of idempotent writes are answered for so long. */
const outcomesMs = 10 * 60 * 1_000;

/**
 * Forgets keys that hold nothing but deletions: only when the deletion is older than the grace, all N
 * primaries hold the very same cell, and no hint of the key is open.
 *
 * Invariant: when a deletion is forgotten, no primary holds what it deleted, and whatever carries it
 * still has run out. Where only some primaries have forgotten it, the others' copy is joined back by
 * the next repair, and collected again.
 */
export class TombstoneReaper {
  readonly #deps: ReaperDeps;

  constructor(deps: ReaperDeps) {
    this.#deps = deps;
  }

  /** All of one keyspace that may be forgotten now. Rejects when a replica cannot be asked. */
  async reap(keyspace: RepairKeyspace): Promise<Reaped> {
    const sum = { collected: 0, kept: 0 };
    for (const replica of firstPrimaries(keyspace)) {
      if (!this.#deps.isWhole(replica)) continue;
      for await (const page of this.#gone(keyspace, replica)) {
        const own = page.filter(
          ({ key }) => keyspace.primariesOf(keyspace.partitionOf(key))[0] === replica,
        );
        const outcomes = await Promise.all(own.map((gone) => this.#collect(keyspace, gone)));
        const collected = outcomes.filter(Boolean).length;
        sum.collected += collected;
        sum.kept += own.length - collected;
      }
    }
    this.#deps.metrics.tombstones.inc({ result: 'collected' }, sum.collected);
    this.#deps.metrics.tombstones.inc({ result: 'kept' }, sum.kept);
    return sum;
  }

  async *#gone(
    { tenant, storageName }: RepairKeyspace,
    replica: Replica,
  ): AsyncGenerator<readonly GoneKey[]> {
    const beforeMs = this.#deps.clock.nowMs() - this.#deps.graceMs;
    const request = { tenant, keyspace: storageName, beforeMs, limit: pageKeys };
    for (let after: GoneKey | undefined; ;) {
      const page = await replica.goneKeys({ ...request, after }, this.#inTime());
      if (page.length > 0) yield page;
      if (page.length < pageKeys) return;
      after = page.at(-1);
    }
  }

  /** Whether all primaries have forgotten the key. */
  async #collect(keyspace: RepairKeyspace, { key }: GoneKey): Promise<boolean> {
    const ref = { tenant: keyspace.tenant, keyspace: keyspace.storageName, key };
    const primaries = keyspace.primariesOf(keyspace.partitionOf(key));
    if (!primaries.every(this.#deps.isWhole)) return false;
    try {
      const options = this.#inTime();
      const states = await Promise.all(primaries.map((replica) => replica.read(ref, options)));
      const [first] = states;
      if (!first || states.some(({ digest }) => digest !== first.digest)) return false;
      if (!states.every(({ cell }) => this.#mayForget(cell))) return false;
      if (await this.#deps.hasHint(ref)) return false;
      const collected = await Promise.all(
        primaries.map((replica) => replica.collect(ref, first.digest, options)),
      );
      return collected.every(Boolean);
    } catch {
      // One did not answer: what the others have forgotten comes back by repair, and is collected
      // again.
      return false;
    }
  }

  #mayForget(cell: Cell): boolean {
    const nowMs = this.#deps.clock.nowMs();
    const atMs = goneAt(cell);
    if (atMs === undefined || atMs > nowMs - this.#deps.graceMs) return false;
    const outcomes = [...(cell.outcomes?.values() ?? [])];
    // What is fenced may turn up at any time: its key is never forgotten.
    return outcomes.every(
      ({ atUs, settlement }) => settlement?.stage !== 'fenced' && atUs / 1_000 < nowMs - outcomesMs,
    );
  }

  #inTime(): CallOptions {
    return { deadlineMs: this.#deps.clock.monotonicMs() + callMs };
  }
}

function firstPrimaries(keyspace: RepairKeyspace): ReadonlySet<Replica> {
  const partitions = Array.from({ length: keyspace.partitions }, (_, partition) => partition);
  return new Set(partitions.flatMap((partition) => keyspace.primariesOf(partition).slice(0, 1)));
}
