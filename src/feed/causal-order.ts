import { pastOf } from '../causality/cell.ts';
import { includes } from '../causality/version-vector.ts';
import { refName } from '../replica/cell-ref.ts';
import type { Change, ChangePage, ChangePosition } from '../replica/change-source.ts';

/** What comes out of one replica's log, in its order. */
export type LogItem =
  | { readonly kind: 'change'; readonly change: Change }
  /** A window is finished; `begun` is the number of the read that began it. */
  | { readonly kind: 'end'; readonly position: ChangePosition; readonly begun: number }
  | { readonly kind: 'gap'; readonly reason: string; readonly position: ChangePosition };

/** What a page holds; `window` is the number of the read that began its window. */
export function itemsOf(page: ChangePage, window: number): readonly LogItem[] {
  if (page.kind === 'gap') return [{ kind: 'gap', reason: page.reason, position: page.position }];
  const items: LogItem[] = page.changes.map((change) => ({ kind: 'change', change }));
  if (!page.more) items.push({ kind: 'end', position: page.position, begun: window });
  return items;
}

/** What may be delivered now. */
export interface Released {
  readonly replica: string;
  readonly item: LogItem;
  /**
   * Pulled ahead of its turn: the replica's position has not reached it. It comes again in its
   * turn.
   */
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
  pulled: boolean;
}

/**
 * Merges the logs of the replicas so that no change overtakes one that it replaced.
 *
 * Each log is in order by itself, but they are read one beside the other. When v2 replaced v1 in a
 * write through replica B, B's log may hold only v2, and v1 stands in A's; if B is read first, v1
 * would be known (and dropped) before it was ever told. But v1 was committed at A before anyone
 * could replace it. So a page of B waits until every other replica that answers has finished a read
 * *begun after* the page arrived, and then each of its changes takes those along, from the pages
 * still waiting, that it has seen.
 *
 * Pure: the numbers of reads are the only time it knows. Replicas that fail, or are slow, are not
 * waited for (`lost`).
 */
export class CausalOrder {
  readonly #queues = new Map<string, Batch[]>();
  readonly #finished = new Map<string, number>();
  readonly #waitingByKey = new Map<string, Waiting[]>();

  /** A page of one replica, and the reads of others that it has to wait for. */
  offer(
    replica: string,
    batch: { readonly items: readonly LogItem[]; readonly needs: ReadonlyMap<string, number> },
  ): void {
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
    for (const queue of this.#queues.values())
      for (const { needs } of queue) for (const replica of needs.keys()) awaited.add(replica);
    return awaited;
  }

  /** Hands out all that may go now, in the order in which it must. */
  drain(release: (released: Released) => void): void {
    for (let progress = true; progress;) {
      progress = false;
      for (const [replica, queue] of this.#queues) {
        const [batch] = queue;
        if (!batch || !this.#isRipe(batch)) continue;
        queue.shift();
        for (const item of batch.items) this.#release(replica, item, release);
        progress = true;
      }
    }
  }

  /**
   * Someone new listens to this replica: what was pulled ahead before is pulled ahead for them
   * again.
   */
  joined(replica: string): void {
    for (const waiting of this.#waitingByKey.values()) {
      for (const other of waiting) if (other.replica === replica) other.pulled = false;
    }
  }

  #isRipe(batch: Batch): boolean {
    for (const [replica, read] of batch.needs) {
      if ((this.#finished.get(replica) ?? 0) < read) return false;
      batch.needs.delete(replica);
    }
    return true;
  }

  #release(replica: string, item: LogItem, release: (released: Released) => void): void {
    if (item.kind === 'change') {
      this.#unindex(item.change);
      for (const other of this.#waitingByKey.get(refName(item.change)) ?? []) {
        if (other.replica === replica || other.pulled || !isReplacedBy(other.change, item.change))
          continue;
        other.pulled = true;
        release({
          replica: other.replica,
          item: { kind: 'change', change: other.change },
          early: true,
        });
      }
    }
    release({ replica, item, early: false });
  }

  #index(replica: string, change: Change): void {
    const name = refName(change);
    const waiting = this.#waitingByKey.get(name);
    if (waiting) waiting.push({ replica, change, pulled: false });
    else this.#waitingByKey.set(name, [{ replica, change, pulled: false }]);
  }

  #unindex(change: Change): void {
    const name = refName(change);
    const waiting = this.#waitingByKey.get(name);
    const rest = waiting?.filter((other) => other.change !== change) ?? [];
    if (rest.length > 0) this.#waitingByKey.set(name, rest);
    else this.#waitingByKey.delete(name);
  }
}

/**
 * Whether `later` has seen all of `earlier`, and more. Equal states are no case: the one that goes
 * first is told.
 */
function isReplacedBy(earlier: Change, later: Change): boolean {
  const [a, b] = [pastOf(earlier.cell), pastOf(later.cell)];
  return includes(b, a) && !includes(a, b);
}
