import type { MemoryChange } from '../../../src/replica/memory-rows.ts';

/** One row of the change log, with what Postgres knows of it. */
export interface LoggedRow extends MemoryChange {
  readonly xid: number;
  readonly seq: number;
  readonly atMs: number;
}

/** Smaller ids belong to Postgres. */
const firstId = 3;

/**
 * The change log of one replica as Postgres keeps it: transaction ids and places in the log are both drawn before the commit, so rows
 * appear out of either order. After a crash the ids of whatever left nothing durable are given out again.
 */
export class TransactionLog {
  /** Committed rows, in the order of `seq`. */
  rows: LoggedRow[] = [];
  /** Below it the log has holes. */
  trimmed = firstId;
  readonly #running = new Set<number>();
  #nextId = firstId;
  #nextSeq = 0;
  #topId = firstId - 1;

  /** A transaction begins. */
  begin(): number {
    const xid = this.#nextId++;
    this.#running.add(xid);
    return xid;
  }

  /** It holds its lock, and takes its place in the log. */
  draw(): number {
    return this.#nextSeq++;
  }

  /** It is finished, and its rows are there for everyone. */
  end(xid: number, rows: readonly LoggedRow[]): void {
    this.#running.delete(xid);
    for (const row of rows) {
      this.#topId = Math.max(this.#topId, xid);
      const at = this.rows.findLastIndex(({ seq }) => seq < row.seq);
      this.rows.splice(at + 1, 0, row);
    }
  }

  crash(): void {
    this.#running.clear();
    this.#nextId = this.#topId + 1;
  }

  wipe(): void {
    this.#running.clear();
    this.rows = [];
    this.#topId = firstId - 1;
    this.#nextId = this.trimmed = firstId;
  }

  /** What is finished now, as Postgres prints it, cut behind the last transaction that has logged anything. */
  snapshot(): string {
    const xmax = Math.max(this.#topId + 1, this.trimmed);
    const running = [...this.#running].filter((xid) => xid < xmax).sort((a, b) => a - b);
    return `${running[0] ?? xmax}:${xmax}:${running.join(',')}`;
  }

  /** Deletes rows from before a moment, below the oldest running transaction; how many. */
  trim(beforeMs: number): number {
    const oldest = Math.min(this.#nextId, ...this.#running);
    const gone = this.rows.filter(({ atMs, xid }) => atMs < beforeMs && xid < oldest);
    this.trimmed = gone.reduce((mark, { xid }) => Math.max(mark, xid + 1), this.trimmed);
    this.rows = this.rows.filter((row) => !gone.includes(row));
    return gone.length;
  }
}

/** Whether the transaction is finished in the snapshot. */
export function isIn(snapshot: string, xid: number): boolean {
  const [, xmax = '', running = ''] = snapshot.split(':');
  return xid < Number(xmax) && !running.split(',').includes(String(xid));
}

/** The smallest transaction that may not be. */
export function firstUnseen(snapshot: string): number {
  return Number(snapshot.split(':')[0]);
}
