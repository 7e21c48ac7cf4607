import { describe, expect, test } from '@jest/globals';
import { duration, table } from '../../src/cli/table.ts';

describe('a table for people', () => {
  const columns = ['NAME', { title: 'SIZE', align: 'right' }, 'IS'] as const;
  const rows = [
    ['a', '7', 'UP'],
    ['longer', '12345', 'DOWN'],
  ];

  test('is as wide as its widest cells, figures to the right, with nothing at the ends of lines', () => {
    expect(table(columns, rows)).toBe(
      ['NAME     SIZE  IS', 'a           7  UP', 'longer  12345  DOWN', ''].join('\n'),
    );
  });

  test('stays aligned when cells are coloured: codes take no room', () => {
    const codes = (text: string): string => `\u001b[1m${text}\u001b[0m`;
    const painted = table(columns, rows, (cell, column) => (column === 0 ? codes(cell) : cell));
    const plain = painted.replaceAll('\u001b[1m', '').replaceAll('\u001b[0m', '');
    expect(plain).toBe(table(columns, rows));
    expect(painted).toContain(codes('longer'));
  });
});

test.each([
  [0, '0 s'],
  [0.2, '1 ms'],
  [850, '850 ms'],
  [12_400, '12 s'],
  [119_000, '119 s'],
  [600_000, '10 min'],
  [10_800_000, '3 h'],
])('%d ms is written %s', (ms, text) => {
  expect(duration(ms)).toBe(text);
});
