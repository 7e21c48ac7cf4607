import type { BucketDigest, Dealing, TokenRange } from './buckets.ts';
import type { CallOptions, CellRef } from './cell-ref.ts';

/**
 * The DigestSource role of a replica: what it holds, told in digests, so that replicas can be
 * compared without sending what they hold.
 *
 * A row that holds nothing (digest 0: only promised, or collected) counts nowhere: it is absent.
 */
export interface DigestSource {
  /** The buckets that hold anything, by their numbers. */
  bucketDigests(
    request: BucketRequest,
    options: CallOptions,
  ): Promise<ReadonlyMap<number, BucketDigest>>;
  /** One page of the keys of a scope, in the order of token and key. */
  keyDigests(request: KeyRequest, options: CallOptions): Promise<KeyDigestPage>;
  /**
   * Files rows under their tokens that an earlier version wrote without; at most `limit` of them.
   * Until the answer is 0, such rows are missing from every digest.
   */
  fillTokens(limit: number, options: CallOptions): Promise<number>;
}

/** Which rows are meant: all conditions hold. */
export interface DigestScope {
  readonly tenant: string;
  /** The storage name. */
  readonly keyspace: string;
  /** Keys from `from` up to, and without, `to`; what is left out is open. */
  readonly keys?: { readonly from?: string | undefined; readonly to?: string | undefined };
  readonly modulo?: { readonly divisor: number; readonly remainder: number };
}

export interface BucketRequest extends DigestScope {
  readonly tokens: TokenRange;
  readonly dealing: Dealing;
}

export interface KeyRequest extends DigestScope {
  /** In the order of their tokens, and apart. */
  readonly tokens: readonly TokenRange[];
  /** The last key of the page before. */
  readonly after?: string | undefined;
  readonly limit: number;
}

export interface KeyDigestPage {
  readonly keys: readonly { readonly key: string; readonly digest: bigint }[];
  /** True when nothing lies beyond this page. */
  readonly exhausted: boolean;
}

/**
 * The TombstoneStore role: finding cells that hold nothing but deletions, and letting go of them.
 */
export interface TombstoneStore {
  /** One page of cells that have held nothing but deletions since `beforeMs`, the oldest first. */
  goneKeys(request: GoneRequest, options: CallOptions): Promise<readonly GoneKey[]>;
  /**
   * Forgets the cell if it still has this digest; false when it has another one. Not logged as a
   * change: who reads the key sees no difference. What was promised for the key is kept.
   */
  collect(ref: CellRef, expected: bigint, options: CollectOptions): Promise<boolean>;
}

export interface CollectOptions extends CallOptions {
  /** What the cell holds lives on elsewhere: the row remembers that it was emptied (`actorOf`). */
  readonly isHandedOver?: true;
}

export interface GoneRequest {
  readonly tenant: string;
  readonly keyspace: string;
  /** ms since 1970. */
  readonly beforeMs: number;
  readonly after?: GoneKey | undefined;
  readonly limit: number;
}

export interface GoneKey {
  readonly key: string;
  /** ms since 1970; see `goneAt`. */
  readonly goneAtMs: number;
}

/**
 * The RepairLedger role: who compares a keyspace, and how far that is. A lease on the replica's own
 * clock; two gateways that see different replicas may both hold one, and then do work twice.
 */
export interface RepairLedger {
  /** From which partition to go on; undefined when another gateway is at it, or it is not due. */
  claimRepair(request: RepairClaim, options: CallOptions): Promise<number | undefined>;
  /** Adds to the figures of the pass and holds the lease longer. False when it has gone to another. */
  noteRepair(note: RepairNote, options: CallOptions): Promise<boolean>;
}

export interface RepairClaim {
  readonly tenant: string;
  readonly keyspace: string;
  readonly owner: string;
  readonly partitions: number;
  readonly leaseMs: number;
  /** A new pass is due this long after the last one ended. */
  readonly everyMs: number;
}

export interface RepairNote {
  readonly tenant: string;
  readonly keyspace: string;
  readonly owner: string;
  readonly leaseMs: number;
  /** The next partition; the number of partitions when the pass is over. */
  readonly reached: number;
  readonly compared: number;
  readonly different: number;
  readonly repaired: number;
  readonly bytes: number;
  readonly failed: number;
}
