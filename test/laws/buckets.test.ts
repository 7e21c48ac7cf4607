import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { RING_SIZE, tokenOf } from '../../src/placement/token.ts';
import {
  bucketOf,
  emptyBucket,
  leafOf,
  tokensOfArcs,
  withRow,
  type BucketDigest,
} from '../../src/replica/buckets.ts';

const token = fc.integer({ min: 0, max: RING_SIZE - 1 });
const digest = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const key = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
const rows = fc.dictionary(key, digest, { maxKeys: 30 });

const bucketOfRows = (all: Iterable<readonly [string, bigint]>): BucketDigest =>
  [...all].reduce((bucket, [name, told]) => withRow(bucket, name, told), emptyBucket);

describe('the digest of a bucket', () => {
  test('is the same for the same rows, in whatever order', () => {
    fc.assert(
      fc.property(rows, fc.func(fc.integer()), (all, chance) => {
        const shuffled = Object.entries(all).sort(([a], [b]) => chance(a) - chance(b));
        expect(bucketOfRows(shuffled)).toEqual(bucketOfRows(Object.entries(all)));
      }),
    );
  });

  test('is another one after any one row has changed, come or gone', () => {
    fc.assert(
      fc.property(rows, key, digest, (all, name, told) => {
        fc.pre(all[name] !== told);
        expect(bucketOfRows(Object.entries({ ...all, [name]: told }))).not.toEqual(
          bucketOfRows(Object.entries(all)),
        );
      }),
    );
  });

  test('is another one after two rows have exchanged their digests', () => {
    fc.assert(
      fc.property(key, key, digest, digest, (one, other, a, b) => {
        fc.pre(tokenOf(one) !== tokenOf(other) && a !== b);
        const before = bucketOfRows([
          [one, a],
          [other, b],
        ]);
        const after = bucketOfRows([
          [one, b],
          [other, a],
        ]);
        expect(after).not.toEqual(before);
      }),
    );
  });

  test('is another one when two keys are behind alike, which one round of consensus can do', () => {
    // CONTROL: XORed as they are, or with the token only, the two cancel each other out.
    const plain = (all: readonly (readonly [string, bigint])[]): bigint =>
      all.reduce((sum, [name, told]) => sum ^ told ^ (BigInt(tokenOf(name)) * 0x9e3779b1n), 0n);
    fc.assert(
      fc.property(key, key, digest, digest, (one, other, before, now) => {
        fc.pre(tokenOf(one) !== tokenOf(other) && before !== now);
        const at = (told: bigint) => [[one, told] as const, [other, told] as const];
        expect(plain(at(now))).toBe(plain(at(before)));
        expect(bucketOfRows(at(now))).not.toEqual(bucketOfRows(at(before)));
      }),
    );
  });

  test('has a leaf that is a permutation of the digest: one difference is never lost', () => {
    fc.assert(
      fc.property(token, digest, fc.integer({ min: 0, max: 63 }), (at, told, bit) => {
        const other = BigInt.asIntN(64, told ^ (1n << BigInt(bit)));
        expect(leafOf(at, other)).not.toBe(leafOf(at, told));
      }),
    );
  });
});

describe('the arcs of the ring', () => {
  test('hold exactly the tokens that are dealt to them, and every token once', () => {
    const arcs = fc.integer({ min: 1, max: 2 ** 31 });
    fc.assert(
      fc.property(arcs, key, (count, name) => {
        const arc = bucketOf({ arcs: count }, name);
        const { from, to } = tokensOfArcs(count, arc);
        expect(tokenOf(name)).toBeGreaterThanOrEqual(from);
        expect(tokenOf(name)).toBeLessThan(to);
        expect(tokensOfArcs(count, 0, count - 1)).toEqual({ from: 0, to: RING_SIZE });
        if (arc > 0) expect(tokensOfArcs(count, arc - 1).to).toBe(from);
      }),
    );
  });

  test('are the partitions of the ring, and finer ones lie within coarser ones', () => {
    const factor = fc.integer({ min: 1, max: 4_096 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 65_536 }), factor, key, (count, times, name) => {
        const partition = Math.floor((tokenOf(name) / RING_SIZE) * count);
        expect(bucketOf({ arcs: count }, name)).toBe(partition);
        const finer = bucketOf({ arcs: count * times }, name);
        expect(Math.floor(finer / times)).toBe(partition);
      }),
    );
  });
});
