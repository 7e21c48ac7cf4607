import { expect, test } from '@jest/globals';
import { holdsKeys, mayLeave } from '../../src/replica/postgres/under-way.ts';

const waiting = (calls: number) => ({ calls, batchMax: 256, gathers: true });

test('a batch leaves when it is as large as all that is under way', () => {
  const underWay = [
    { calls: 1, sentMs: 95 },
    { calls: 2, sentMs: 99 },
  ];
  expect(mayLeave([], waiting(1), 100)).toBe(true);
  expect(mayLeave(underWay, waiting(2), 100)).toBe(false);
  expect(mayLeave(underWay, waiting(3), 100)).toBe(true);
});

test('nobody waits for a batch that is late, or for one more call when there are enough for a batch', () => {
  const underWay = [{ calls: 200, sentMs: 90 }];
  expect(mayLeave(underWay, waiting(1), 100)).toBe(false);
  expect(mayLeave(underWay, waiting(1), 110)).toBe(true);
  expect(mayLeave([{ calls: 256, sentMs: 100 }], waiting(256), 100)).toBe(true);
});

test('what has a statement to itself never waits for others', () => {
  const alone = { ...waiting(1), gathers: false };
  expect(mayLeave([{ calls: 5, sentMs: 99 }], alone, 100)).toBe(true);
});

test('a batch keeps its keys to itself, but not for as long as somebody else may hold it up', () => {
  expect(holdsKeys({ sentMs: 0 }, 499)).toBe(true);
  expect(holdsKeys({ sentMs: 0 }, 500)).toBe(false);
});
