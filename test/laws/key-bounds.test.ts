import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { keyAfter, prefixBounds } from '../../src/coordinator/key-bounds.ts';

/** Pieces from both ends of every length of UTF-8, and from both sides of the surrogates. */
const pieces = [
  '\u0001',
  '\u0002',
  'a',
  'b',
  '%',
  '_',
  '\\',
  '\u007f',
  '\u0080',
  '\u07ff',
  '\u0800',
  '\ud7ff',
  '\ue000',
  '\uffff',
  '\u{10000}',
  '\u{10ffff}',
];
const keys = fc.array(fc.constantFrom(...pieces), { maxLength: 4 }).map((parts) => parts.join(''));
const manyKeys = fc.array(keys, { minLength: 1, maxLength: 40 });

/** The order of Postgres under COLLATE "C", taken from the bytes themselves. */
const bytes = (key: string): Buffer => Buffer.from(key);
const isAtLeast = (key: string, from: string): boolean =>
  Buffer.compare(bytes(key), bytes(from)) >= 0;
const isBelow = (key: string, to: string): boolean => Buffer.compare(bytes(key), bytes(to)) < 0;

describe('the bounds of a stretch of keys', () => {
  test('keyAfter leaves out its key and nothing that comes after it', () => {
    fc.assert(
      fc.property(keys, manyKeys, (key, others) => {
        for (const other of [...others, key, `${key}\u0001`, `${key}a`]) {
          const comesAfter = Buffer.compare(bytes(other), bytes(key)) > 0;
          expect(isAtLeast(other, keyAfter(key))).toBe(comesAfter);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('a prefix names exactly the keys that start with it', () => {
    fc.assert(
      fc.property(keys, manyKeys, (prefix, others) => {
        const { from, to } = prefixBounds(prefix);
        for (const key of [...others, prefix, ...pieces.map((piece) => prefix + piece)]) {
          const inside = isAtLeast(key, from ?? '') && (to === undefined || isBelow(key, to));
          expect(inside).toBe(bytes(key).indexOf(bytes(prefix)) === 0);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('a bound is well-formed wherever the prefix is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 4 }), (prefix) => {
        const { to } = prefixBounds(prefix);
        expect(to?.isWellFormed() ?? true).toBe(true);
      }),
      { numRuns: 500 },
    );
    expect(prefixBounds('a\ud7ff').to).toBe('a\ue000');
    expect(prefixBounds('a\u{10ffff}').to).toBe('b');
    expect(prefixBounds('\u{10ffff}')).toEqual({ from: '\u{10ffff}' });
    expect(prefixBounds('')).toEqual({});
  });
});
