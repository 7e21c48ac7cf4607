import { describe, expect, test } from '@jest/globals';
import { lostWrites, type Acknowledged } from './lost-writes.ts';

const write = (value: string, more: Partial<Acknowledged> = {}): Acknowledged => {
  return { key: 'k', value, seen: [], status: 'ok', start: 0, end: 1, ...more };
};
const lost = (history: readonly Acknowledged[], final: readonly string[]): string[] =>
  lostWrites(history, new Map([['k', final]])).map(({ value }) => value);

describe('the checker of lost writes', () => {
  test('finds an acknowledged value that is gone and that nobody replaced', () => {
    expect(lost([write('a'), write('b')], ['b'])).toEqual(['a']);
    expect(lost([write('a')], [])).toEqual(['a']);
  });

  test('accepts what is there, and what a writer that had seen it replaced', () => {
    expect(lost([write('a'), write('b')], ['a', 'b'])).toEqual([]);
    expect(lost([write('a'), write('b', { seen: ['a'] })], ['b'])).toEqual([]);
    expect(lost([write('a'), write('b', { seen: ['a'], status: 'unknown' })], ['b'])).toEqual([]);
  });

  test('does not let a write that certainly failed replace anything', () => {
    expect(lost([write('a'), write('b', { seen: ['a'], status: 'fail' })], [])).toEqual(['a']);
  });

  test('expects nothing of writes that failed or may have', () => {
    expect(lost([write('a', { status: 'fail' }), write('b', { status: 'unknown' })], [])).toEqual(
      [],
    );
  });
});
