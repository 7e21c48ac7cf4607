import type { BucketDigest } from '../replica/buckets.ts';
import type { TokenRange } from '../replica/buckets.ts';
import type { CallOptions, Replica } from '../replica/replica.ts';
import type { Difference } from './heal.ts';
import {
  allEqual,
  arcsFor,
  arcsMax,
  tokensOfBucket,
  type RepairKeyspace,
  type Territory,
} from './repair-keyspace.ts';
import type { RepairTally } from './repair-summary.ts';

/** What of one territory each of its primaries holds; those that did not answer are not here. */
export type Holdings = ReadonlyMap<Replica, BucketDigest>;

export interface Comparison {
  readonly keyspace: RepairKeyspace;
  readonly tally: RepairTally;
  readonly options: () => CallOptions;
}

/** Buckets of so few rows are told key by key. */
const leafRows = 32;
const pageKeys = 1_000;
/** Rows of differing buckets that are told in one go. */
const batchRows = 2_000;

export const bucketBytes = 20;
const digestBytes = 8;

/**
 * Finds the keys of a territory that the replicas hold differently, and tells them batch by batch:
 * buckets that differ are cut into smaller ones, until they are small enough to list their keys.
 *
 * Law: a key is told if and only if two of the replicas tell different digests of it. (A bucket that
 * differs and looks equal has the chance of two random texts of 64 bits.)
 */
export async function* differences(
  territory: Territory,
  holdings: Holdings,
  comparison: Comparison,
): AsyncGenerator<readonly Difference[]> {
  const replicas = [...holdings.keys()];
  let batch: TokenRange[] = [];
  let rows = 0;
  for await (const { tokens, count } of leaves(territory, holdings, comparison)) {
    batch.push(tokens);
    rows += count;
    if (rows < batchRows) continue;
    yield await differentKeys({ ...territory, ranges: batch }, replicas, comparison);
    batch = [];
    rows = 0;
  }
  if (batch.length > 0)
    yield await differentKeys({ ...territory, ranges: batch }, replicas, comparison);
}

/** The smallest buckets that differ, in the order of their tokens. */
async function* leaves(
  territory: Territory,
  holdings: Holdings,
  comparison: Comparison,
): AsyncGenerator<{ tokens: TokenRange; count: number }> {
  const count = rowsOf(holdings.values());
  const arcs = arcsFor(territory, count);
  const isSmall = count <= leafRows || arcs >= arcsMax;
  if (isSmall) {
    yield { tokens: territory.tokens, count };
    return;
  }
  const { tally, options } = comparison;
  const replicas = [...holdings.keys()];
  const told = await Promise.all(
    replicas.map(async (replica) => {
      const buckets = await replica.bucketDigests({ ...territory, dealing: { arcs } }, options());
      tally.bytes += buckets.size * bucketBytes;
      return buckets;
    }),
  );
  const all = [...new Set(told.flatMap((buckets) => [...buckets.keys()]))].sort((a, b) => a - b);
  for (const bucket of all) {
    const held = told.map((buckets) => buckets.get(bucket));
    if (allEqual(held)) continue;
    const within = { ...territory, tokens: tokensOfBucket(territory, arcs, bucket) };
    const empty = { digest: 0n, count: 0 };
    const inBucket = new Map(replicas.map((replica, at) => [replica, held[at] ?? empty]));
    yield* leaves(within, inBucket, comparison);
  }
}

async function differentKeys(
  what: Territory & { ranges: readonly TokenRange[] },
  replicas: readonly Replica[],
  { tally, options }: Comparison,
): Promise<readonly Difference[]> {
  const { ranges, ...scope } = what;
  const told = await Promise.all(
    replicas.map(async (replica) => {
      const digests = new Map<string, bigint>();
      for (let after: string | undefined; ;) {
        const request = { ...scope, tokens: ranges, after, limit: pageKeys };
        const { keys, exhausted } = await replica.keyDigests(request, options());
        for (const { key, digest } of keys) {
          digests.set(key, digest);
          tally.bytes += Buffer.byteLength(key) + digestBytes;
        }
        if (exhausted) return digests;
        after = keys.at(-1)?.key;
      }
    }),
  );
  const { tenant, keyspace } = scope;
  const keys = new Set(told.flatMap((digests) => [...digests.keys()]));
  return [...keys].flatMap((key) => {
    const digests = told.map((of) => of.get(key) ?? 0n);
    if (digests.every((digest) => digest === digests[0])) return [];
    const byReplica = new Map(replicas.map((replica, at) => [replica, digests[at] ?? 0n]));
    return [{ ref: { tenant, keyspace, key }, digests: byReplica }];
  });
}

/** The rows of the fullest. */
export function rowsOf(buckets: Iterable<BucketDigest>): number {
  let most = 0;
  for (const { count } of buckets) most = Math.max(most, count);
  return most;
}
