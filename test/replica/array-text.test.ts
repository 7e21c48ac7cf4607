import { expect, test } from '@jest/globals';
import { arrayText } from '../../src/replica/postgres/array-text.ts';

test('a column of a batch is written as Postgres reads an array of plain values', () => {
  const strings = ['', 'a', 'NULL', '{,}', 'a "b"', 'c\\d', 'ä\n'];
  expect(arrayText(strings)).toBe('{"","a","NULL","{,}","a \\"b\\"","c\\\\d","ä\n"}');
  expect(arrayText([1, -2.5, 3n, true, null, undefined])).toBe('{1,-2.5,3,true,NULL,NULL}');
  expect(arrayText([])).toBe('{}');
  // What it does not know is refused, and not sent as something else.
  expect(() => arrayText([{}])).toThrow('plain values');
});
