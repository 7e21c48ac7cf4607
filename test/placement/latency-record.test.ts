import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { LatencyRecord } from '../../src/placement/latency-record.ts';
import { isSlow } from '../../src/placement/pace.ts';

function recordOf(latencies: readonly number[], atMs = 0): LatencyRecord {
  const record = new LatencyRecord();
  for (const latencyMs of latencies) record.observe(latencyMs, atMs);
  return record;
}

/** The value that `share` of all are at most. */
function quantileOf(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length - 1e-9) - 1)]!;
}

describe('a record of latencies', () => {
  test('knows percentiles to 5 %, whatever was measured', () => {
    const latency = fc.double({ min: 0.05, max: 50_000, noNaN: true });
    fc.assert(
      fc.property(fc.array(latency, { minLength: 1, maxLength: 300 }), (latencies) => {
        const figures = recordOf(latencies).figures(0)!;
        for (const [share, found] of [
          [0.5, figures.p50],
          [0.95, figures.p95],
          [0.99, figures.p99],
        ] as const) {
          const truth = quantileOf(latencies, share);
          expect(found).toBeGreaterThan(truth * 0.95);
          expect(found).toBeLessThan(truth * 1.05);
        }
      }),
    );
  });

  test('forgets: after a minute the answers of before weigh next to nothing', () => {
    const record = recordOf(Array.from({ length: 1_000 }, () => 500));
    for (let nth = 0; nth < 100; nth += 1) record.observe(2, 60_000);
    expect(record.figures(60_000)!.p50).toBeLessThan(2.1);
    expect(record.weight(60_000)).toBeLessThan(125);
    expect(record.weight(600_000)).toBe(0);
    expect(record.figures(600_000)).toBeUndefined();
  });

  test('speaks of a percentile only when it has seen enough', () => {
    expect(recordOf([1, 2, 3]).p95(0, 20)).toBeUndefined();
    expect(recordOf(Array.from({ length: 20 }, () => 3)).p95(0, 20)).toBeCloseTo(3, 0);
  });

  test('the median of the latest follows a change at once, and is not moved by one slow answer', () => {
    const record = recordOf(Array.from({ length: 1_000 }, () => 2));
    record.observe(500, 1);
    expect(record.latestMedian()).toBe(2);
    for (let nth = 0; nth < 7; nth += 1) record.observe(500, 2);
    expect(record.latestMedian()).toBe(500);
    record.forgetLatest();
    expect(record.latestMedian()).toBeUndefined();
  });
});

describe('a replica is called slow', () => {
  test('beside faster ones, and never where nothing is known or all are alike', () => {
    expect(isSlow(false, 500, 2)).toBe(true);
    expect(isSlow(false, 500, 400)).toBe(false);
    expect(isSlow(false, 9, 1)).toBe(false); // nine times as long, and nobody feels it
    expect(isSlow(false, 500, undefined)).toBe(false);
    expect(isSlow(true, undefined, 2)).toBe(false);
  });

  test('later than it is called well again, so that it does not change sides with every answer', () => {
    let slow = false;
    let changes = 0;
    // Around the mark of 25 ms; with one mark for both ways every step would be a change.
    for (let nth = 0; nth < 100; nth += 1) {
      const now = isSlow(slow, nth % 2 ? 24 : 26, 2);
      if (now !== slow) changes += 1;
      slow = now;
    }
    expect(changes).toBe(1);
    expect(isSlow(true, 11, 2)).toBe(false);
  });
});
