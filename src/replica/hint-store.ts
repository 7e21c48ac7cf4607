import type { Cell } from '../causality/cell.ts';
import type { CallOptions, CellRef } from './cell-ref.ts';

/**
 * The HintStore role of a replica: it keeps whole cells for other replicas that did not take them.
 *
 * A hint is no acknowledgement, and replaying one is an ordinary join: any order, any number of
 * times. Nothing here knows where a key lies; who keeps what for whom is decided in the gateway.
 *
 * Source: hinted handoff — DeCandia et al., "Dynamo", SOSP 2007, section 4.6.
 */
export interface HintStore {
  /**
   * Keeps a hint durably. One that is there already is renewed, and whoever has claimed it does not
   * remove it any more. Calls made in one turn of the event loop become one statement.
   */
  putHint(hint: NewHint, options: CallOptions): Promise<void>;
  /**
   * Takes up to `limit` open hints for one target, those of the smallest keys, so that nobody else
   * takes them for `claimMs`: whoever dies with them need not tell.
   */
  claimHints(claim: HintClaim, options: CallOptions): Promise<readonly Hint[]>;
  /** Lets go of hints that have been delivered: of those that are still claimed by `owner`. */
  removeHints(removal: HintRemoval, options: CallOptions): Promise<void>;
  /** What is kept here, a line a target. */
  countHints(options: CallOptions): Promise<readonly HintCount[]>;
  /**
   * Whether a hint of this key is kept here, for whatever target, that is or may yet be delivered:
   * its tombstone must not be forgotten before.
   */
  hasHintFor(ref: CellRef, options: CallOptions): Promise<boolean>;
  /**
   * Drops hints that are past their time and that nobody is delivering, `limit` at most; answers with
   * how many.
   */
  expireHints(limit: number, options: CallOptions): Promise<number>;
}

/** What tells one hint from the others at its holder. */
export interface HintName {
  /** The id of the replica that it is for. */
  readonly target: string;
  readonly ref: CellRef;
  readonly digest: bigint;
}

/** A cell that is kept for a replica. */
export interface Hint extends HintName {
  readonly cell: Cell;
  /** LAST_WRITE_WINS cells: see `SwapRequest`; '' for SIBLINGS. */
  readonly stamp: string;
  /** The topology that named the target. */
  readonly epoch: number;
}

export interface NewHint extends Omit<Hint, 'digest'> {
  /** From now, on the holder's clock. Shorter than tombstones are kept, or a value could return. */
  readonly lifeMs: number;
}

export interface HintClaim {
  readonly target: string;
  readonly limit: number;
  /** From when the holder carries it out, so never sooner than from when it was sent. */
  readonly claimMs: number;
  /** The gateway, for whoever looks at the table. */
  readonly owner: string;
}

export interface HintRemoval {
  readonly hints: readonly HintName[];
  readonly owner: string;
}

export interface HintCount {
  readonly target: string;
  readonly hints: number;
  /** Of cells, as text. */
  readonly bytes: number;
  /** How long ago the oldest of them was left first, on the holder's clock. */
  readonly oldestMs: number;
}
