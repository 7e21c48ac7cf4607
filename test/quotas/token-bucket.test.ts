import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { share, wholeShare } from '../../src/quotas/share.ts';
import { TokenBucket } from '../../src/quotas/token-bucket.ts';

interface Ask {
  readonly afterMs: number;
  readonly amount: number;
}

const asks = fc.array(
  fc.record({
    afterMs: fc.double({ min: 0, max: 400, noNaN: true }),
    amount: fc.double({ min: 0.1, max: 30, noNaN: true }),
  }),
  { minLength: 1, maxLength: 200 },
);
const shape = fc.record({
  perSecond: fc.double({ min: 0.1, max: 1_000, noNaN: true }),
  burst: fc.double({ min: 1, max: 100, noNaN: true }),
});

/** Asks one after another; when each was let in, and what it took. */
function run(bucket: TokenBucket, list: readonly Ask[]): { atMs: number; amount: number }[] {
  const taken: { atMs: number; amount: number }[] = [];
  let atMs = 0;
  for (const { afterMs, amount } of list) {
    atMs += afterMs;
    if (bucket.waitMs(amount, atMs) > 0) continue;
    bucket.take(amount);
    taken.push({ atMs, amount });
  }
  return taken;
}

describe('a token bucket', () => {
  // Without the upper bound of `#fill`, an idle hour would let a whole hour through at once.
  test('lets through, in any stretch of time, no more than its burst, its rate and one thing', () => {
    fc.assert(
      fc.property(shape, asks, ({ perSecond, burst }, list) => {
        const taken = run(new TokenBucket({ perSecond, burst }, 0), list);
        for (const [from, first] of taken.entries()) {
          const sums = taken.slice(from).reduce((sum, { atMs, amount }) => {
            const most = burst + (perSecond * (atMs - first.atMs)) / 1_000 + amount + 1e-6;
            expect(sum + amount).toBeLessThanOrEqual(most);
            return sum + amount;
          }, 0);
          expect(sums).toBeGreaterThan(0);
        }
      }),
    );
  });

  test('lets in whoever has waited for as long as he was told', () => {
    fc.assert(
      fc.property(shape, asks, ({ perSecond, burst }, list) => {
        const bucket = new TokenBucket({ perSecond, burst }, 0);
        let atMs = 0;
        for (const { afterMs, amount } of list) {
          atMs += afterMs;
          atMs += bucket.waitMs(amount, atMs);
          expect(bucket.waitMs(amount, atMs)).toBe(0);
          bucket.take(amount);
        }
      }),
    );
  });

  test('a thing larger than the bucket is let through when it is full, and is paid for afterwards', () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 10 }, 0);
    expect(bucket.waitMs(50, 0)).toBe(0);
    bucket.take(50);
    expect(bucket.waitMs(1, 0)).toBe(4_100);
    expect(bucket.waitMs(1, 4_100)).toBe(0);
  });

  test('a clock that stands still or goes back gives nothing', () => {
    const bucket = new TokenBucket({ perSecond: 1, burst: 1 }, 1_000);
    bucket.take(1);
    expect([bucket.waitMs(1, 500), bucket.waitMs(1, 1_000)]).toEqual([1_000, 1_000]);
  });
});

describe('the parts of a limit', () => {
  const demands = fc.array(fc.double({ min: 0, max: 10_000, noNaN: true }), {
    minLength: 1,
    maxLength: 12,
  });
  const parts = (limit: number, asked: readonly number[], of = share): number[] =>
    asked.map((own) => {
      const others = asked.reduce((sum, one) => sum + one, 0) - own;
      return of({ limit, own, others, gateways: asked.length });
    });
  const sum = (numbers: readonly number[]): number => numbers.reduce((one, two) => one + two, 0);

  test('add up to the limit, whatever is asked of each gateway, and none is below nothing', () => {
    fc.assert(
      fc.property(fc.double({ min: 1, max: 1e6, noNaN: true }), demands, (limit, asked) => {
        const found = parts(limit, asked);
        expect(sum(found) / limit).toBeCloseTo(1, 6);
        for (const part of found) expect(part).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  test('leave no gateway less than what is asked of it while there is enough for all', () => {
    fc.assert(
      fc.property(demands, fc.double({ min: 0, max: 1e5, noNaN: true }), (asked, spare) => {
        const found = parts(sum(asked) + spare, asked);
        for (const [nth, part] of found.entries())
          expect(part).toBeGreaterThanOrEqual((asked[nth] ?? 0) - 1e-6);
      }),
    );
  });

  test('of whole things are whole, and while one is left each gateway may take one more', () => {
    const counts = fc.array(fc.nat(50), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(counts, fc.nat(300), (open, limit) => {
        const found = parts(limit, open, wholeShare);
        const used = sum(open);
        for (const [nth, part] of found.entries()) {
          expect(Number.isInteger(part)).toBe(true);
          if (used < limit) expect(part).toBeGreaterThan(open[nth] ?? 0);
        }
        // All at once in the same second, they can be one each too many, and no more.
        expect(sum(found)).toBeLessThanOrEqual(Math.max(limit, used) + open.length);
      }),
    );
  });
});
