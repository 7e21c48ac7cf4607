import type { Convergence } from '../causality/convergence.ts';
import type { PartitionerName } from '../placement/partitioner.ts';
import {
  tokensOfArcs,
  wholeRing,
  type BucketDigest,
  type Dealing,
  type TokenRange,
} from '../replica/buckets.ts';
import type { DigestScope } from '../replica/digest-source.ts';
import type { Replica } from '../replica/replica.ts';

/** A keyspace as repair sees it: what its rows are filed under, and who holds which part of it. */
export interface RepairKeyspace {
  readonly tenant: string;
  readonly name: string;
  readonly storageName: string;
  readonly convergence: Convergence;
  readonly partitioner: PartitionerName;
  readonly splitKeys: readonly string[];
  readonly partitions: number;
  /** The topology by which keys lie where they do. */
  readonly epoch: number;
  primariesOf(partition: number): readonly Replica[];
  partitionOf(key: string): number;
  /** A round of consensus on a key; see `LeftPromises`. */
  settle?(key: string): Promise<unknown>;
}

/** In so many steps a pass goes round the ring where partitions are not arcs of it. */
const ringSteps = 256;

/** A pass goes through a keyspace along the ring, in so many steps at the most. */
export function stepsOf({ partitioner, partitions }: RepairKeyspace): number {
  return partitioner === 'CONSISTENT_HASH' ? partitions : ringSteps;
}

/** How rows are dealt to partitions: one statement tells the digests of many. */
export function dealingOf({ partitioner, partitions, splitKeys }: RepairKeyspace): Dealing {
  switch (partitioner) {
    case 'CONSISTENT_HASH':
      return { arcs: partitions };
    case 'MODULO_HASH':
      return { divisor: partitions };
    case 'RANGE':
      return { splitKeys };
  }
}

/** The part of one partition that lies within some tokens. */
export interface Territory extends DigestScope {
  readonly tokens: TokenRange;
}

export function territoryOf(
  keyspace: RepairKeyspace,
  partition: number,
  within: TokenRange,
): Territory {
  const { tenant, storageName, partitioner, partitions, splitKeys } = keyspace;
  const scope = { tenant, keyspace: storageName };
  switch (partitioner) {
    case 'CONSISTENT_HASH':
      return { ...scope, tokens: common(tokensOfArcs(partitions, partition), within) };
    case 'MODULO_HASH':
      return {
        ...scope,
        tokens: within,
        modulo: { divisor: partitions, remainder: partition },
      };
    case 'RANGE': {
      const keys = { from: splitKeys[partition - 1], to: splitKeys[partition] };
      return { ...scope, tokens: within, keys };
    }
  }
}

/** Into how many arcs to cut the ring, so that this territory falls into buckets of a few rows. */
export function arcsFor({ tokens }: Territory, rows: number): number {
  const share = (tokens.to - tokens.from) / wholeRing.to;
  const buckets = Math.min(bucketsMax, rows / rowsPerBucket);
  return Math.min(arcsMax, 2 ** Math.ceil(Math.log2(Math.max(2, buckets / share))));
}

/** The tokens of one bucket of a territory. */
export function tokensOfBucket({ tokens }: Territory, arcs: number, bucket: number): TokenRange {
  return common(tokensOfArcs(arcs, bucket), tokens);
}

/**
 * A bucket costs about as much to tell as a key: with this many keys in one, telling the buckets and
 * telling the keys of those that differ cost about the same where one key in a hundred differs.
 */
const rowsPerBucket = 16;
const bucketsMax = 1_024;
export const arcsMax = 2 ** 31;

function common(a: TokenRange, b: TokenRange): TokenRange {
  return { from: Math.max(a.from, b.from), to: Math.min(a.to, b.to) };
}

/** Whether all hold the same; absent is empty. */
export function allEqual(buckets: readonly (BucketDigest | undefined)[]): boolean {
  const [first] = buckets;
  return buckets.every(
    (bucket) =>
      (bucket?.digest ?? 0n) === (first?.digest ?? 0n) &&
      (bucket?.count ?? 0) === (first?.count ?? 0),
  );
}
