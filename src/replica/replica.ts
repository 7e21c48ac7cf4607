import { emptyCell, type Cell } from '../causality/cell.ts';
import type { CallOptions, CellRef } from './cell-ref.ts';
import type { HintStore } from './hint-store.ts';
import type { DigestSource, RepairLedger, TombstoneStore } from './digest-source.ts';
import type { Register, ReplicaIdentity } from './register.ts';
import type { WriteHistory } from './write-history.ts';

export type { CallOptions, CellRef };

/**
 * THE REPLICA CONTRACT: one plain Postgres, seen as dumb storage. Split by role, so that a part
 * asks only for what it needs.
 *
 * Two implementations pass one suite (test/contract): `postgres/postgres-replica` and
 * `memory-replica`. Every call carries a deadline; every failure is a `ReplicaError`, which says
 * whether something may have been written.
 */
export interface Replica
  extends CellStore, Acceptor, HintStore, DigestSource, TombstoneStore, RepairLedger, WriteHistory {
  readonly id: string;
  readonly zone: string | undefined;
  /** The actor of the dots minted here; undefined until the replica has been reached once. */
  readonly incarnation: string | undefined;
  /** Who it is, and what it knows of the others. */
  readonly register: Register;
  /**
   * Reaches the replica and checks who it is. Rejects with a `ReplicaError` when it cannot be
   * reached in time.
   */
  ping(options: CallOptions): Promise<ReplicaIdentity>;
  close(): Promise<void>;
}

/** A cell as one replica holds it. */
export interface StoredCell {
  readonly cell: Cell;
  /** 64-bit state hash, signed; 0n when absent. See `digestOf`. */
  readonly digest: bigint;
  /** The greatest ballot promised for this key; 0 when none. */
  readonly promised: number;
  /** How often the row was emptied after a handover; absent for never. See `actorOf`. */
  readonly emptied?: number;
}

/** Of a key that a replica knows nothing of. */
export const absentCell: StoredCell = { cell: emptyCell, digest: 0n, promised: 0 };

/** What stands in for a large cell where another replica sends it: everything but what it holds. */
export type CellDigest = Omit<StoredCell, 'cell'>;
export type BriefCell = StoredCell | CellDigest;

/** From so many bytes of versions on a cell is large. */
export const largeCellBytes = 4_096;

export function isWhole(answer: BriefCell): answer is StoredCell {
  return 'cell' in answer;
}

export interface ReadOptions extends CallOptions {
  /** For replicas that are asked for the same keys. */
  readonly shared?: SharedCells;
}

/**
 * The latest of the cells that replicas have answered so far that are asked for the same keys, in their
 * order, each with the text in which it came. Most answer alike, and what is alike need be read once.
 */
export class SharedCells {
  readonly texts: (string | null)[] = [];
  readonly cells: BriefCell[] = [];
}

export interface SwapRequest {
  /** Only a cell that still has this digest is replaced (0n: only an absent one). */
  readonly expected: bigint;
  readonly next: Cell;
  /** When a dot of this replica is minted: it must still be that incarnation. */
  readonly mintedBy?: string;
  /** With `mintedBy`: how often the row must have been emptied; a mismatch says what is so. */
  readonly emptied?: number;
  /** An accept counts for the incarnation that was asked to promise: no other one may take it. */
  readonly acceptedBy?: string;
  /** With `acceptedBy`: a ballot of the same proposer that is promised with it, as `prepare` would. */
  readonly promises?: number;
  /**
   * LAST_WRITE_WINS cells: the sortable stamp of the version (see `stampOf`); absent for SIBLINGS.
   */
  readonly stamp?: string;
}

/**
 * - `swapped`: `next` is durably there.
 * - `mismatch`: nothing was written; `current` is what is there instead.
 * - `promised`: nothing was written, because `next` would advance π below the row's promise (rule
 *   A).
 */
export type SwapResult =
  | { readonly status: 'swapped' }
  | { readonly status: 'mismatch'; readonly current: StoredCell }
  | { readonly status: 'promised'; readonly promised: number; readonly current: StoredCell };

export interface CellStore {
  /** Calls made in one turn of the event loop become one statement. */
  read(ref: CellRef, options: ReadOptions): Promise<StoredCell>;
  /** Many cells of one keyspace, in the order of `refs`, as one call: all are read, or none. */
  readMany(refs: readonly CellRef[], options: ReadOptions): Promise<readonly StoredCell[]>;
  /** The same, but of a large cell only what names its state. */
  readBriefly(refs: readonly CellRef[], options: ReadOptions): Promise<readonly BriefCell[]>;
  /** Compare and swap of one cell, and a change-log row with it. Batched like `read`. */
  swap(ref: CellRef, request: SwapRequest, options: CallOptions): Promise<SwapResult>;
  /**
   * LAST_WRITE_WINS: stores `next` if its stamp is greater than the stored one; `kept` is what
   * stands now.
   */
  keepNewest(
    ref: CellRef,
    next: { cell: Cell; stamp: string },
    options: CallOptions,
  ): Promise<KeepResult>;
  /** One page of a key range, in byte order. */
  scan(request: ScanRequest, options: CallOptions): Promise<ScanPage>;
  /** What that page sums up to, without sending it. */
  sumUp(request: ScanRequest, options: CallOptions): Promise<PageSum>;
  /**
   * Removes the rows of a dropped keyspace, and the hints for it, in bounded steps. Not logged as
   * changes: the keyspace itself is gone.
   */
  deleteKeyspace(what: { tenant: string; keyspace: string }, options: CallOptions): Promise<void>;
}

export interface KeepResult {
  /**
   * False when a version with a greater stamp was there already: the write is superseded, and still
   * acknowledged.
   */
  readonly stored: boolean;
  /** What superseded it, where that is known without asking again. */
  readonly by?: Cell;
}

export interface ScanRequest {
  readonly tenant: string;
  readonly keyspace: string;
  /** Inclusive lower bound; undefined for the first key. */
  readonly from?: string | undefined;
  /** Exclusive upper bound; undefined for past the last key. */
  readonly to?: string | undefined;
  /** Descending when true: the greatest keys below `to` come first. */
  readonly reverse: boolean;
  /** At most this many cells, tombstones included. */
  readonly limit: number;
  /**
   * A page ends before its cells, as they are stored, are more bytes than this; one cell it has at
   * least, if there is one. See `storedBytes`.
   */
  readonly bytes: number;
  /** Whether the page says what it sums up to, to be held against what others say of theirs. */
  readonly summed?: boolean;
  /** What the page is taken to weigh, by whoever has seen others like it; see `ScanWeights`. */
  readonly expected?: number;
  /** For replicas that are asked for the same. */
  readonly shared?: SharedPages;
}

/**
 * What replicas have answered so far that are asked for the same stretch. Most answer alike, and what is
 * alike need be read once. It lasts as long as its request: pages that were kept for longer cost more in
 * collecting garbage than they saved.
 */
export class SharedPages {
  /** The latest page, as the replica that sent it tells it apart from others. */
  text = '';
  /** Its rows, each as a text, and what they say. */
  rows: readonly string[] = [];
  cells: ScanPage['cells'] = [];
}

export interface ScanPage {
  readonly cells: readonly { readonly key: string; readonly stored: StoredCell }[];
  /**
   * True when nothing of the range lies beyond the last cell of this page. A short page says nothing
   * about that: it may have ended by its bytes.
   */
  readonly exhausted: boolean;
  /** Where it was asked for. */
  readonly sum?: PageSum;
}

/**
 * What a page is made of, in a few bytes: as much as it takes to see that two replicas have the same one.
 *
 * Law: of one request, two pages with equal sums have the same keys with the same digests, and end at the
 * same place; but for chance, once in 2^128. Replicas that sum up otherwise (memory and Postgres, or two
 * architectures) seem to differ, which costs asking for the page, and nothing else.
 */
export interface PageSum {
  readonly sum: string;
  readonly exhausted: boolean;
}

/**
 * The Paxos half of a replica. Accepting is a `swap` whose cell advances π: rule A is the
 * acceptor's rule.
 */
export interface Acceptor {
  /**
   * Promises `ballot` if it is greater than what was promised; answers with the cell, and what is
   * promised now.
   */
  prepare(ref: CellRef, ballot: number, options: CallOptions): Promise<PrepareResult>;
  /**
   * Gives the proposer number to `owner` if it is free here; answers with whom it belongs to now.
   */
  claimNumber(number: number, owner: string, options: CallOptions): Promise<string>;
}

export interface PrepareResult {
  readonly promised: boolean;
  readonly stored: StoredCell;
}

/**
 * - `DOWN`: the replica cannot be reached; nothing was sent, or it certainly had no effect.
 * - `TIMEOUT`: it did not answer in time.
 * - `REFUSED`: it answered, and said no (wrong incarnation, deadline passed, disk full, not
 *   migrated).
 */
export type ReplicaFault = 'DOWN' | 'TIMEOUT' | 'REFUSED';

export class ReplicaError extends Error {
  readonly fault: ReplicaFault;
  /** Whether the statement may still have taken, or may yet take, effect. */
  readonly maybeApplied: boolean;

  constructor(fault: ReplicaFault, reason: string, maybeApplied: boolean) {
    super(reason);
    this.name = 'ReplicaError';
    this.fault = fault;
    this.maybeApplied = maybeApplied;
  }
}

/** A call that waited in this gateway until its time was over: the replica has not heard of it. */
export class NeverSent extends ReplicaError {
  constructor() {
    super('TIMEOUT', 'no connection became free in time', false);
    this.name = 'NeverSent';
  }
}

/** As much is under way to the replica as may be: our own bound, and no fault of the replica's. */
export class NoRoom extends ReplicaError {
  constructor() {
    super('REFUSED', 'as much is under way to this replica as may be', false);
    this.name = 'NoRoom';
  }
}
