import { expect, test } from '@jest/globals';
import { mayLeave } from '../../src/replica/postgres/under-way.ts';

const some = { calls: 3, batchMax: 256, gathers: true };

test('two batches are on their way at once; what comes then gathers', () => {
  expect(mayLeave([], some, 100)).toBe(true);
  expect(mayLeave([99], some, 100)).toBe(true);
  expect(mayLeave([98, 99], some, 100)).toBe(false);
});

test('nobody waits for a batch that is late, or for one more call when there are enough for a batch', () => {
  expect(mayLeave([90, 99], some, 100)).toBe(true);
  expect(mayLeave([90, 99, 99], some, 100)).toBe(false);
  expect(mayLeave([98, 99], { ...some, calls: 256 }, 100)).toBe(true);
});

test('what has a statement to itself never waits for others', () => {
  expect(mayLeave([99, 99, 99], { ...some, gathers: false }, 100)).toBe(true);
});
