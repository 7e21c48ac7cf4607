import type { Cell } from '../causality/cell.ts';

/**
 * The ChangeSource role of a replica: the log of its swaps, read in windows.
 *
 * A window is the difference of two snapshots: all rows whose transaction is finished in the later
 * one and was not in the earlier one, in the order of `seq`. Neither `seq` nor the transaction id
 * alone is a place in the log, because transactions finish out of order.
 *
 * Invariant (nothing skipped, nothing twice): a row is in exactly one window of a chain of
 * snapshots, because a transaction that is finished in one snapshot is finished in all later ones,
 * and a row is in the window where that first holds.
 *
 * Invariant (order per key): take two rows r1, r2 of one key, r1 earlier. The writer of r2 held the
 * lock of the key's cell when it drew r2's `seq`, and got that lock only after r1's transaction had
 * finished. So `seq` of r1 is smaller, and every snapshot in which r2's transaction is finished has
 * r1's finished too: r1 comes in an earlier window, or earlier in the same one. (A window cut at
 * the oldest running transaction's id does not have this property: see docs/decisions/0005.)
 */
export interface ChangeSource {
  /** The replica. */
  readonly id: string;
  /**
   * A session of its own: `onWake` hints that there may be changes, and costs whoever writes them
   * something; `onLost` tells that the session has ended by itself.
   */
  open(events: {
    readonly onWake?: (() => void) | undefined;
    readonly onLost: () => void;
  }): Promise<ChangeSession>;
  /**
   * Deletes rows past their age in bounded steps; the number deleted, 0 also when another gateway
   * is at it.
   */
  trim(options: { readonly olderThanHours: number; readonly stepRows: number }): Promise<number>;
}

/**
 * A place in one replica's log: what was delivered so far.
 *
 * `seen` (and `window.until`) are snapshots as Postgres prints them, `xmin:xmax:xip,…`: finished is
 * what is below xmax and not in xip.
 */
export interface ChangePosition {
  /** Another incarnation has another history: a position of the old one means nothing there. */
  readonly incarnation: string;
  readonly seen: string;
  /** In the middle of a window: of its rows, those up to `seq` were delivered too. */
  readonly window?: { readonly until: string; readonly seq: number };
}

/** One swap, as one replica logged it. */
export interface Change {
  readonly tenant: string;
  /** The storage name of the keyspace. */
  readonly keyspace: string;
  readonly key: string;
  /** The whole cell after the change. */
  readonly cell: Cell;
  /** Where the reader stands once this change is delivered. */
  readonly position: ChangePosition;
}

/** Keys of one keyspace: `from` inclusive, `to` exclusive, in byte order. */
export interface KeyRange {
  readonly tenant: string;
  readonly keyspace: string;
  readonly from: string;
  readonly to: string | undefined;
}

/** One page of a log, or the news that it is not there. */
export type ChangePage =
  | {
      readonly kind: 'page';
      readonly changes: readonly Change[];
      /** After the page; no longer in the middle of a window when `more` is false. */
      readonly position: ChangePosition;
      /** Rows of the same window are left. */
      readonly more: boolean;
    }
  /** The history after the position is not there any more. `position` is now. */
  | {
      readonly kind: 'gap';
      readonly reason: 'trimmed' | 'incarnation';
      readonly position: ChangePosition;
    };

/**
 * Every call rejects with a `ReplicaError` within the session's own time limit, and the session is
 * then lost.
 */
export interface ChangeSession {
  /** Now: everything that was acknowledged before the call is behind it. */
  head(): Promise<ChangePosition>;
  /** The next page after `position`. */
  read(position: ChangePosition, what: ChangesWanted): Promise<ChangePage>;
  /**
   * What was logged of late, to each who asks, in their order. Those who ask together share the work:
   * what it takes hardly grows with their number where they ask for single keys.
   */
  recent(asked: readonly RecentAsked[]): Promise<readonly RecentChanges[]>;
  /**
   * Whether to be woken from now on. Those who write learn of it within half a second: until then, and as
   * long as it is not to be woken, whoever wants to know of changes has to read by himself.
   */
  listen(isWoken: boolean): Promise<void>;
  /** A place before every row that is not older than `ageMs`. */
  since(ageMs: number): Promise<ChangePosition>;
  close(): void;
}

/** What of a log is worth reading. */
export interface ChangesWanted {
  readonly ranges: readonly KeyRange[];
  /**
   * And of these keyspaces the keys that the sieve lets through, and those whose token was not logged: the
   * replica keeps the others to itself.
   */
  readonly singles?: Singles | undefined;
  /** The snapshot at which the window ends; without it a new window ends now. */
  readonly until?: string | undefined;
  /** Changes of other keys are passed over, as though the page did not hold them; all where left out. */
  readonly wanted?: ((key: ChangedKey) => boolean) | undefined;
}

/** Keys that are followed one by one: most of what is logged of their keyspaces is nobody's. */
export interface Singles {
  readonly keyspaces: readonly Omit<KeyRange, 'from' | 'to'>[];
  /** See `KeySieve`. */
  readonly sieve: Uint8Array;
}

/** Whose change it is. */
export type ChangedKey = Pick<Change, 'tenant' | 'keyspace' | 'key'>;

/**
 * Asks for the newest changes at or before `position` that are not older than `ageMs`, oldest first,
 * a bounded number. There may be older ones among them.
 */
export interface RecentAsked {
  readonly position: ChangePosition;
  /** `key` is set where the range is this one key. */
  readonly range: KeyRange & { readonly key?: string | undefined };
  readonly ageMs: number;
}

/** What was delivered at a position, of late. */
export interface RecentChanges {
  readonly changes: readonly Change[];
  /** False when the bound cut older ones off. */
  readonly complete: boolean;
}
