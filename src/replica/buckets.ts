import { compareKeys } from '../placement/key-order.ts';
import { RING_SIZE, tokenOf, type Token } from '../placement/token.ts';

/** Tokens from `from` up to, and without, `to`, which is at most the size of the ring. */
export interface TokenRange {
  readonly from: Token;
  readonly to: number;
}

export const wholeRing: TokenRange = { from: 0, to: RING_SIZE };

/** How rows are dealt to buckets. Partitions are buckets too, by the rule of their partitioner. */
export type Dealing =
  /** The ring cut into so many arcs of equal length. At most 2^31. */
  | { readonly arcs: number }
  /** The remainder of the token. */
  | { readonly divisor: number }
  /** How many of these are at most the key. Sorted by bytes. */
  | { readonly splitKeys: readonly string[] };

/** The bucket of a key. Postgres has the same in SQL (replica/postgres/digest-statements). */
export function bucketOf(dealing: Dealing, key: string): number {
  if ('splitKeys' in dealing)
    return dealing.splitKeys.filter((split) => compareKeys(split, key) <= 0).length;
  const token = tokenOf(key);
  if ('divisor' in dealing) return token % dealing.divisor;
  return Number((BigInt(token) * BigInt(dealing.arcs)) >> 32n);
}

/**
 * The tokens of one arc, or of several neighbours. Law: `bucketOf` deals exactly these tokens to
 * them.
 */
export function tokensOfArcs(arcs: number, first: number, last = first): TokenRange {
  return { from: firstToken(arcs, first), to: firstToken(arcs, last + 1) };
}

function firstToken(arcs: number, arc: number): number {
  const size = BigInt(arcs);
  return Number((BigInt(arc) * BigInt(RING_SIZE) + size - 1n) / size);
}

/** Odd, and below 2^31, so that a product with 32 bits fits the 64 bits of Postgres. */
export const leafFactors = [0x5bd1e995, 0x27d4eb2d, 0x165667b1] as const;

/**
 * What one row adds to the digest of its bucket.
 *
 * Digests of cells name their dots and not their key, and keys that were written together by
 * consensus can have equal ones: XORed as they are, two keys that a replica has missed alike would
 * cancel each other out. So the digest is mixed with the token first, by a permutation of the 64 bits
 * that is another one for every token.
 *
 * Law: for one token, different digests have different leaves.
 */
export function leafOf(token: Token, digest: bigint): bigint {
  const low = Number(BigInt.asUintN(32, digest));
  const high = Number(BigInt.asUintN(32, digest >> 32n));
  const x = folded(Math.imul(low ^ token, leafFactors[0]), 15);
  const y = folded(Math.imul(high ^ x, leafFactors[1]), 13);
  const z = Math.imul(x ^ y, leafFactors[2]) >>> 0;
  return BigInt.asIntN(64, (BigInt(y) << 32n) | BigInt(z));
}

function folded(word: number, shift: number): number {
  return (word ^ (word >>> shift)) >>> 0;
}

/** What one replica holds of one bucket: as much as it takes to see that it differs. */
export interface BucketDigest {
  /** The XOR of the leaves of its rows. */
  readonly digest: bigint;
  readonly count: number;
}

export const emptyBucket: BucketDigest = { digest: 0n, count: 0 };

/** The bucket with one more row. Law: the order of rows does not matter. */
export function withRow(bucket: BucketDigest, key: string, digest: bigint): BucketDigest {
  return { digest: bucket.digest ^ leafOf(tokenOf(key), digest), count: bucket.count + 1 };
}
