import { expect, test } from '@jest/globals';
import { shortened } from '../../src/paxos/lineage.ts';

test('a line is cut off at its end, behind a ballot whose own version goes on from there', () => {
  const versions = Array.from({ length: 20 }, (_, nth) => 100 - nth);
  const line = shortened([...versions, -50, -40, 0]);
  expect(line).toEqual(versions.slice(0, 16));
  // Guard: once, -50 stayed when what is between had gone, and a write in between was said to be NEVER.
  expect(shortened([...versions.slice(0, 4), -50, -40, 0])).toEqual([100, 99, 98, 97, -50, -40, 0]);
});

test('rounds that left no version do not crowd out the beginning', () => {
  const rounds = Array.from({ length: 30 }, (_, nth) => nth - 100);
  expect(shortened([...rounds, 0])).toEqual([...rounds.slice(0, 8), 0]);
});
