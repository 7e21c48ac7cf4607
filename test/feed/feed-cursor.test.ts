import { describe, expect, test } from '@jest/globals';
import { createSealer } from '../../src/consistency/seal.ts';
import {
  decodeFeedCursor,
  encodeFeedCursor,
  type FeedCursor,
  type Place,
} from '../../src/feed/feed-cursor.ts';

const incarnation = '0b9f3a52-5f0e-4c1e-9d6f-1f2e3d4c5b6a';

describe('feed cursors', () => {
  test('come back as they were', () => {
    const places = new Map<string, Place>([
      ['r1', { incarnation, seen: '1000:1005:1000,1003' }],
      [
        'eu, west;2',
        { incarnation, seen: '7:7:', window: { until: '9:12:9,11', seq: 123_456_789 } },
      ],
      ['r3', { sinceMs: 1_800_000_000_123 }],
      ['r4', { incarnation, seen: '99999999999999999999:99999999999999999999:' }],
    ]);
    const cursor: FeedCursor = {
      madeAtMs: 1_800_000_000_000,
      bornMs: 1_799_999_999_999,
      learntUs: 1_799_999_999_999_999,
      places,
    };
    expect(decodeFeedCursor(encodeFeedCursor(cursor))).toEqual(cursor);
  });

  test('fit into 2 KB with twelve busy replicas, sealed', () => {
    const xip = Array.from({ length: 8 }, (_, n) => 5_000_000_000 + n * 7).join(',');
    const place: Place = {
      incarnation,
      seen: `5000000000:5000000099:${xip}`,
      window: { until: `5000000000:5000000199:${xip}`, seq: 10 ** 12 },
    };
    const places = new Map(Array.from({ length: 12 }, (_, n) => [`replica-${n}`, place] as const));
    const text = encodeFeedCursor({
      madeAtMs: 1_800_000_000_000,
      bornMs: 1_800_000_000_000,
      learntUs: 1_800_000_000_000_000,
      places,
    });
    expect(createSealer(['key']).seal('bookmark', ['tenant'], text).length).toBeLessThan(2048);
  });

  test('of a replica with very many running writes claim less rather than grow', () => {
    const xids = Array.from({ length: 500 }, (_, n) => 1000 + n * 2);
    const places = new Map([['r1', { incarnation, seen: `1000:3000:${xids.join(',')}` }]]);
    const cursor: FeedCursor = { madeAtMs: 1, bornMs: 1, learntUs: 0, places };
    const { places: back } = decodeFeedCursor(encodeFeedCursor(cursor));
    expect(back.get('r1')).toEqual({
      incarnation,
      seen: `1000:1048:${xids.slice(0, 24).join(',')}`,
    });
  });
});
