import { describe, expect, test } from '@jest/globals';
import type { Operation } from '../history.ts';
import { checkLinearizable, linearize } from './linearizable.ts';

type Line = Partial<Operation> & Pick<Operation, 'op' | 'start'>;

function history(...lines: readonly Line[]): Operation[] {
  return lines.map((line, index) => ({ process: index + 1, key: 'k', status: 'ok', ...line }));
}

const legal: Record<string, Operation[]> = {
  'an empty history': [],
  'a read of a key that nobody wrote': history({ op: 'read', value: null, start: 1, end: 2 }),
  'a write, and a read of it': history(
    { op: 'write', value: 1, start: 1, end: 2 },
    { op: 'read', value: 1, start: 3, end: 4 },
  ),
  'a read that overlaps a write, either way': history(
    { op: 'write', value: 1, start: 1, end: 10 },
    { op: 'read', value: null, start: 2, end: 3 },
    { op: 'read', value: 1, start: 4, end: 5 },
  ),
  'an unknown write that takes effect late': history(
    { op: 'write', value: 1, start: 1, end: 2 },
    { op: 'write', value: 2, start: 3, status: 'unknown' },
    { op: 'read', value: 1, start: 10, end: 11 },
    { op: 'read', value: 2, start: 20, end: 21 },
  ),
  'an unknown write that never takes effect': history(
    { op: 'write', value: 2, start: 1, status: 'unknown' },
    { op: 'read', value: null, start: 10, end: 11 },
  ),
  'an unknown compare-and-set between two reads': history(
    { op: 'write', value: 1, start: 1, end: 2 },
    { op: 'cas', expected: 1, value: 2, start: 3, status: 'unknown' },
    { op: 'read', value: 1, start: 4, end: 5 },
    { op: 'read', value: 2, start: 6, end: 7 },
  ),
  'one of two compare-and-sets from one value': history(
    { op: 'write', value: 1, start: 1, end: 2 },
    { op: 'cas', expected: 1, value: 2, applied: true, start: 3, end: 9 },
    { op: 'cas', expected: 1, value: 3, applied: false, start: 4, end: 8 },
    { op: 'read', value: 2, start: 10, end: 11 },
  ),
  'a delete, and a compare-and-set from nothing': history(
    { op: 'write', value: 1, start: 1, end: 2 },
    { op: 'delete', start: 3, end: 4 },
    { op: 'read', value: null, start: 5, end: 6 },
    { op: 'cas', expected: null, value: 2, applied: true, start: 7, end: 8 },
    { op: 'read', value: 2, start: 9, end: 10 },
  ),
  'a write that failed, which nobody sees': history(
    { op: 'write', value: 1, start: 1, end: 2, status: 'fail' },
    { op: 'read', value: null, start: 3, end: 4 },
  ),
};

const illegal: Record<string, Operation[]> = {
  'a stale read': history(
    { op: 'write', value: 1, start: 1, end: 2 },
    { op: 'read', value: null, start: 3, end: 4 },
  ),
  'a new value, and then the old one again': history(
    { op: 'write', value: 1, start: 1, end: 2 },
    { op: 'write', value: 2, start: 3, end: 20 },
    { op: 'read', value: 2, start: 4, end: 5 },
    { op: 'read', value: 1, start: 6, end: 7 },
  ),
  'an unknown write that flickers': history(
    { op: 'write', value: 1, start: 1, end: 2 },
    { op: 'write', value: 2, start: 3, status: 'unknown' },
    { op: 'read', value: 2, start: 4, end: 5 },
    { op: 'read', value: 1, start: 6, end: 7 },
  ),
  'two compare-and-sets from one value': history(
    { op: 'write', value: 1, start: 1, end: 2 },
    { op: 'cas', expected: 1, value: 2, applied: true, start: 3, end: 9 },
    { op: 'cas', expected: 1, value: 3, applied: true, start: 4, end: 8 },
  ),
  'a refused compare-and-set that nothing explains': history(
    { op: 'write', value: 1, start: 1, end: 2 },
    { op: 'cas', expected: 1, value: 2, applied: false, start: 3, end: 4 },
  ),
  'a retry that was applied twice': history(
    { op: 'write', value: 1, start: 1, end: 9 },
    { op: 'read', value: 1, start: 2, end: 3 },
    { op: 'write', value: 2, start: 4, end: 5 },
    { op: 'read', value: 1, start: 10, end: 11 },
  ),
  'a value that nobody wrote': history({ op: 'read', value: 7, start: 1, end: 2 }),
  'two values at once': history(
    { op: 'write', value: 1, start: 1, end: 9 },
    { op: 'write', value: 2, start: 2, end: 8 },
    { op: 'read', value: [1, 2], start: 10, end: 11 },
  ),
  'a deleted value that comes back': history(
    { op: 'write', value: 1, start: 1, end: 2 },
    { op: 'delete', start: 3, end: 4 },
    { op: 'read', value: 1, start: 5, end: 6 },
  ),
  'a write that failed, which somebody sees': history(
    { op: 'write', value: 1, start: 1, end: 2, status: 'fail' },
    { op: 'read', value: 1, start: 3, end: 4 },
  ),
};

describe('the search for an order that one copy could have produced', () => {
  test.each(Object.keys(legal))('finds one for %s', (name) => {
    expect(linearize(legal[name]!)).toBeUndefined();
  });

  test.each(Object.keys(illegal))('finds none for %s', (name) => {
    expect(checkLinearizable(illegal[name]!)).toEqual([expect.stringMatching(/^ILLEGAL/)]);
  });

  test('judges each key by itself', () => {
    const other = illegal['a stale read']!.map((line) => ({ ...line, key: 'other' }));
    const found = checkLinearizable([...legal['a write, and a read of it']!, ...other]);
    expect(found).toEqual([expect.stringContaining('on other')]);
  });

  test('searches a hundred concurrent writes in no time, because it remembers where it has been', () => {
    const writes = Array.from({ length: 100 }, (_, index) => ({
      op: 'write' as const,
      value: index + 1,
      start: index + 1,
      status: 'unknown' as const,
    }));
    const reads = [3, 1, 2].map((value, index) => ({
      op: 'read' as const,
      value,
      start: 200 + 2 * index,
      end: 201 + 2 * index,
    }));
    expect(linearize(history(...writes, ...reads))).toBeUndefined();
    const back = { op: 'read' as const, value: 3, start: 300, end: 301 };
    expect(linearize(history(...writes.slice(0, 12), ...reads, back))).toBeDefined();
  });
});
