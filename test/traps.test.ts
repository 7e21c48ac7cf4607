import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';

/** The rows of docs/traps.md. */
const rows = readFileSync('docs/traps.md', 'utf8')
  .split('\n')
  .flatMap((line) => {
    const cells = line.split('|').map((cell) => cell.trim());
    return /^\d+$/.test(cells[1] ?? '') ? [cells.slice(1, -1)] : [];
  });

test('docs/traps.md has all eighteen, each with what went wrong and what guards against it', () => {
  expect(rows.map(([trap]) => Number(trap))).toEqual(Array.from({ length: 18 }, (_, at) => at + 1));
  for (const row of rows) {
    expect(row).toHaveLength(5);
    expect(row.filter((cell) => cell === '')).toEqual([]);
  }
});

test.each(rows)('trap %s (%s) has the test that the table says', (_, __, ___, file, title) => {
  const source = readFileSync(file.replaceAll('`', ''), 'utf8');
  const quoted = [`'${title}'`, `"${title}"`];
  expect(quoted.some((text) => source.includes(text))).toBe(true);
});
