import { emptyCell, type Cell } from '../causality/cell.ts';
import { PI, type Dot } from '../causality/dot.ts';
import { covers, includes } from '../causality/version-vector.ts';
import { ForgottenKeys } from './forgotten-keys.ts';

/** What one subscription counts as a change, and how much it can remember. */
export interface SeenRules {
  /** The keyspace's policy. */
  readonly join: (a: Cell, b: Cell) => Cell;
  /** Replicas that must report a state before it is emitted; 1 emits on the first report. */
  readonly need: number;
  /** Whose reports count, when more than one is needed. */
  readonly holders: (key: string) => readonly string[];
  readonly keysMax: number;
  /** UTF-16 units of values kept, over all keys. */
  readonly charsMax: number;
  /** Versions written before this time (µs since 1970) are older than the feed. */
  readonly bornUs: number;
}

/** The state of a key to tell the subscriber. */
export interface Emission {
  readonly cell: Cell;
  readonly confirmedBy: number;
}

export type Offered =
  | { readonly kind: 'emit'; readonly emissions: readonly Emission[] }
  /** Known already, older than the feed, or not yet confirmed by enough replicas. */
  | { readonly kind: 'nothing' }
  /**
   * The key may have been forgotten: only a read of its present state tells what it would be right
   * to emit.
   */
  | { readonly kind: 'lookup' };

/**
 * `before`: the replica said so before the subscription began. `always`: no lookup is possible, so
 * better once too often.
 */
export interface Report {
  readonly cell: Cell;
  readonly before?: boolean;
  readonly always?: boolean;
}

interface Pending {
  readonly cell: Cell;
  readonly by: Set<string>;
  /** False while only reports from before the subscription's start spoke of it. */
  live: boolean;
}

interface Record {
  emitted: Cell;
  pending: Pending[];
  /**
   * Something was told of it, or the client was told to read it; otherwise it was only recalled, and
   * more may have been told before.
   */
  isTold: boolean;
}

/**
 * States of one key that wait for confirmation, while a replica is down for long; past it, the key
 * is forgotten and later looked up.
 */
const pendingMax = 200;

const nothing: Offered = { kind: 'nothing' };

/**
 * What one subscription has told its client, key by key: turns the reports of several replicas into
 * one sequence a key.
 *
 * Invariant: the states emitted for a key only ever grow (each is the join of the one before with
 * something new), so every dot is emitted once, and the last one is the join of everything
 * reported. Memory is bounded. A report of a key that is not in memory asks for a lookup where the
 * key may have been told before: where it was forgotten here, or is not newer than `horizonUs`, which
 * is later than all that may have been told and is not remembered at all.
 */
export class SeenKeys {
  readonly #rules: SeenRules;
  /** Least recently used first. */
  readonly #records = new Map<string, Record>();
  #chars = 0;
  #horizonUs = 0;
  #newestUs = 0;
  #forgotten = 0;
  #forgottenKeys = new ForgottenKeys();

  constructor(rules: SeenRules) {
    this.#rules = rules;
  }

  /** How many keys are remembered. */
  get size(): number {
    return this.#records.size;
  }

  /** Keys that were told of and are not remembered any more. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /** Nothing written before this is remembered for certain. */
  forgetBefore(timeUs: number): void {
    this.#horizonUs = Math.max(this.#horizonUs, timeUs);
  }

  /**
   * Forgets everything, because what was emitted may not have arrived, and what is read instead, at
   * `nowUs` or later, is not known here. The time before which all is now forgotten.
   */
  clear(nowUs: number): number {
    this.#records.clear();
    this.#forgottenKeys = new ForgottenKeys();
    this.#chars = 0;
    this.forgetBefore(Math.max(this.#newestUs, nowUs));
    return this.#horizonUs;
  }

  /** One replica reports the state of a key after a change. */
  offer(replica: string, key: string, what: Report): Offered {
    const { cell, before = false, always = false } = what;
    const known = this.#records.get(key);
    if (known && this.#knows(known.emitted, cell)) {
      this.#touch(key, known);
      return nothing;
    }
    const doubt = this.#doubt(key, known, what);
    if (doubt) return doubt;
    this.#newestUs = Math.max(this.#newestUs, newestOf(cell));
    const record = known ?? { emitted: emptyCell, pending: [], isTold: false };
    record.isTold ||= always;
    return this.#change(key, record, () => {
      this.#report(record, replica, { cell, live: !before });
      return this.#confirmed(key, record);
    });
  }

  /** Why a report is not taken as it is; undefined when it is. */
  #doubt(key: string, known: Record | undefined, what: Report): Offered | undefined {
    const { cell, before, always } = what;
    const newestUs = newestOf(cell);
    const isForgotten = newestUs <= this.#horizonUs || (!known && this.#forgottenKeys.has(key));
    // Half of what was told is worse than none: what may have been forgotten is not recalled. Nor
    // is anything once something was told: it would be known, and not told after it.
    if (before) return isForgotten || known?.isTold ? nothing : undefined;
    if (always || known?.isTold) return undefined;
    if (!known && newestUs < this.#rules.bornUs) return nothing;
    // Its latest event was told over an earlier connection, and perhaps together with more than is
    // recalled: told as it is, the key might go back.
    const isBehind = known !== undefined && covers(known.emitted.context, newestDotOf(cell));
    return isForgotten || isBehind ? { kind: 'lookup' } : undefined;
  }

  /** What the client was last told of the key. */
  told(key: string): Cell | undefined {
    return this.#records.get(key)?.emitted;
  }

  /** The present state of a key, read on purpose: undefined when the client knows all of it. */
  learn(key: string, cell: Cell): Cell | undefined {
    const record = this.#records.get(key) ?? { emitted: emptyCell, pending: [], isTold: false };
    record.isTold = true;
    this.#newestUs = Math.max(this.#newestUs, newestOf(cell));
    if (this.#knows(record.emitted, cell)) return undefined;
    return this.#change(key, record, () => {
      record.emitted = this.#rules.join(record.emitted, cell);
      record.pending = record.pending.filter(
        (pending) => !this.#knows(record.emitted, pending.cell),
      );
      return record.emitted;
    });
  }

  #report(record: Record, replica: string, { cell, live }: { cell: Cell; live: boolean }): void {
    const by = new Set([replica]);
    let isNew = true;
    for (const pending of record.pending) {
      if (this.#knows(pending.cell, cell)) for (const other of pending.by) by.add(other);
      if (!this.#knows(cell, pending.cell)) continue;
      pending.by.add(replica);
      pending.live ||= live;
      if (this.#knows(pending.cell, cell)) isNew = false;
    }
    if (isNew) record.pending.push({ cell, by, live });
  }

  #confirmed(key: string, record: Record): Offered {
    const emissions: Emission[] = [];
    for (const pending of record.pending) {
      if (this.#knows(record.emitted, pending.cell)) continue;
      if (this.#rules.need > 1) {
        const holders = this.#rules.holders(key);
        if (
          [...pending.by].filter((replica) => holders.includes(replica)).length < this.#rules.need
        )
          continue;
      }
      record.emitted = this.#rules.join(record.emitted, pending.cell);
      // Part of it may have been told and forgotten: it is told with what has just been reported.
      const isForgotten = !record.isTold && newestOf(pending.cell) <= this.#horizonUs;
      if (!pending.live || isForgotten) continue;
      record.isTold = true;
      emissions.push({ cell: record.emitted, confirmedBy: pending.by.size });
    }
    record.pending = record.pending.filter((pending) => !this.#knows(record.emitted, pending.cell));
    return emissions.length > 0 ? { kind: 'emit', emissions } : nothing;
  }

  /** Whether someone who was told `a` learns nothing from `b`. */
  #knows(a: Cell, b: Cell): boolean {
    return includes(a.context, b.context) || this.#rules.join(a, b) === a;
  }

  #change<T>(key: string, record: Record, work: () => T): T {
    this.#chars -= this.#records.has(key) ? charsOf(record) : 0;
    const result = work();
    this.#chars += charsOf(record);
    this.#touch(key, record);
    if (record.pending.length > pendingMax) this.#forget(key, record);
    this.#evict();
    return result;
  }

  #touch(key: string, record: Record): void {
    this.#records.delete(key);
    this.#records.set(key, record);
  }

  #evict(): void {
    for (const [key, record] of this.#records) {
      if (this.#records.size <= this.#rules.keysMax && this.#chars <= this.#rules.charsMax) return;
      this.#forget(key, record);
    }
  }

  #forget(key: string, record: Record): void {
    this.#records.delete(key);
    this.#forgottenKeys.add(key);
    this.#forgotten++;
    this.#chars -= charsOf(record);
    for (const cell of [record.emitted, ...record.pending.map((pending) => pending.cell)])
      this.forgetBefore(newestOf(cell));
  }
}

/** The newest event that the cell has seen. */
function newestDotOf(cell: Cell): Dot {
  let newest: Dot = { actor: PI, counter: cell.context.get(PI) ?? 0 };
  let newestUs = 0;
  for (const { dot, writtenAtUs } of cell.siblings) if (dot.actor === PI) newestUs = writtenAtUs;
  for (const [actor, counter] of cell.context) {
    if (actor === PI || counter <= newestUs) continue;
    [newest, newestUs] = [{ actor, counter }, counter];
  }
  return newest;
}

/** The time (µs since 1970) of the newest event that the cell has seen. Ballots are no times. */
export function newestOf(cell: Cell): number {
  let newestUs = 0;
  for (const [actor, counter] of cell.context)
    if (actor !== PI) newestUs = Math.max(newestUs, counter);
  for (const { dot, writtenAtUs } of cell.siblings)
    if (dot.actor === PI) newestUs = Math.max(newestUs, writtenAtUs);
  return newestUs;
}

function charsOf(record: Record): number {
  let chars = 0;
  for (const cell of [record.emitted, ...record.pending.map((pending) => pending.cell)]) {
    for (const { value } of cell.siblings) chars += value?.length ?? 0;
  }
  return chars;
}
