import { includes } from '../causality/version-vector.ts';
import type { Change, ChangePosition } from '../replica/change-source.ts';

/** What comes out of one replica's log, in its order. */
export type LogItem =
  | { readonly kind: 'change'; readonly change: Change }
  /** A window is finished; `begun` is the number of the read that began it. */
  | { readonly kind: 'end'; readonly position: ChangePosition; readonly begun: number }
  | { readonly kind: 'gap'; readonly reason: string; readonly position: ChangePosition };

/** What may be delivered now. */
export interface Released {
  readonly replica: string;
  readonly item: LogItem;
  /** Pulled ahead of its turn: the replica's position has not reached it. It comes again in its turn. */
  readonly early: boolean;
}

interface Batch {
  readonly items: readonly LogItem[];
  /** By replica: the number of its read that must be finished before this batch may go. */
  readonly needs: Map<string, number>;
}

interface Waiting {
  readonly replica: string;
  readonly change: Change;
}

/**
 * Merges the logs of the replicas so that no change overtakes one that it replaced.
 *
 * Each log is in order by itself, but they are read one beside the other. When v2 replaced v1 in a write through replica B, B's log may
 * hold only v2, and v1 stands in A's; if B is read first, v1 would be known (and dropped) before it was ever told. But v1 was committed
 * at A before anyone could replace it. So a page of B waits until every other replica that answers has finished a read *begun after* the
 * page arrived, and then each of its changes takes those along, from the pages still waiting, that it has seen.
 *
 * Pure: the numbers of reads are the only time it knows. Replicas that fail, or are slow, are not waited for (`lost`).
 */
export class CausalOrder {
  readonly #queues = new Map<string, Batch[]>();
  readonly #finished = new Map<string, number>();
  readonly #waitingByKey = new Map<string, Waiting[]>();

  /** A page of one replica, and the reads of others that it has to wait for. */
  offer(replica: string, batch: { readonly items: readonly LogItem[]; readonly needs: ReadonlyMap<string, number> }): void {
    const queue = this.#queues.get(replica) ?? [];
    queue.push({ items: batch.items, needs: new Map(batch.needs) });
    this.#queues.set(replica, queue);
    for (const item of batch.items) if (item.kind === 'change') this.#index(replica, item.change);
  }

  /** A read of `replica` is over, and its page was offered. */
  finished(replica: string, read: number): void {
    this.#finished.set(replica, read);
  }

  /** Nothing waits for this replica any more. */
  lost(replica: string): void {
    for (const queue of this.#queues.values()) for (const { needs } of queue) needs.delete(replica);
  }

  /** For whom something waits. */
  awaited(): ReadonlySet<string> {
    const awaited = new Set<string>();
    for (const queue of this.#queues.values()) for (const { needs } of queue) for (const replica of needs.keys()) awaited.add(replica);
    return awaited;
  }

  /** All that may go now, in the order in which it must. */
  drain(): readonly Released[] {
    const released: Released[] = [];
    for (let progress = true; progress; ) {
      progress = false;
      for (const [replica, queue] of this.#queues) {
        const [batch] = queue;
        if (!batch || !this.#isRipe(batch)) continue;
        queue.shift();
        for (const item of batch.items) this.#release(replica, item, released);
        progress = true;
      }
    }
    return released;
  }

  #isRipe(batch: Batch): boolean {
    for (const [replica, read] of batch.needs) {
      if ((this.#finished.get(replica) ?? 0) < read) return false;
      batch.needs.delete(replica);
    }
    return true;
  }

  #release(replica: string, item: LogItem, released: Released[]): void {
    if (item.kind === 'change') {
      this.#unindex(item.change);
      for (const { replica: other, change } of this.#takeSeen(replica, item.change)) {
        released.push({ replica: other, item: { kind: 'change', change }, early: true });
      }
    }
    released.push({ replica, item, early: false });
  }

  #index(replica: string, change: Change): void {
    const name = nameOf(change);
    const waiting = this.#waitingByKey.get(name);
    if (waiting) waiting.push({ replica, change });
    else this.#waitingByKey.set(name, [{ replica, change }]);
  }

  /** Takes out of the index the changes of other replicas that this one has seen: once pulled ahead, they need not be again. */
  #takeSeen(replica: string, change: Change): readonly Waiting[] {
    const name = nameOf(change);
    const waiting = this.#waitingByKey.get(name) ?? [];
    const isSeen = (other: Waiting): boolean =>
      other.replica !== replica && includes(change.cell.context, other.change.cell.context);
    const seen = waiting.filter(isSeen);
    if (seen.length > 0) this.#keep(name, waiting.filter((other) => !isSeen(other)));
    return seen;
  }

  #unindex(change: Change): void {
    const name = nameOf(change);
    const waiting = this.#waitingByKey.get(name);
    if (waiting) this.#keep(name, waiting.filter((other) => other.change !== change));
  }

  #keep(name: string, waiting: Waiting[]): void {
    if (waiting.length > 0) this.#waitingByKey.set(name, waiting);
    else this.#waitingByKey.delete(name);
  }
}

/** Neither tenants nor keyspaces nor keys have a NUL in them. */
export function nameOf(of: { readonly tenant: string; readonly keyspace: string; readonly key: string }): string {
  return `${of.tenant}\0${of.keyspace}\0${of.key}`;
}
