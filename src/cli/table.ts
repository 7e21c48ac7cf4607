/** One column of a table that is printed for people: its title, or with how it is aligned. */
export type Column =
  | string
  | {
      readonly title: string;
      /** Figures are read from the right. */
      readonly align?: 'right';
    };

/**
 * Columns as wide as their widest cell, two spaces apart. `paint` colours a cell after it has been
 * measured: colour codes take no room on a terminal.
 */
export function table(
  given: readonly Column[],
  rows: readonly (readonly string[])[],
  paint: (cell: string, column: number) => string = (cell) => cell,
): string {
  const columns = given.map((column) =>
    typeof column === 'string' ? { title: column, align: undefined } : column,
  );
  const widths = columns.map(({ title }, column) =>
    Math.max(title.length, ...rows.map((cells) => cells[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[], painted: typeof paint): string =>
    columns
      .map(({ align }, column) => {
        const cell = cells[column] ?? '';
        const room = ' '.repeat((widths[column] ?? 0) - cell.length);
        const shown = painted(cell, column);
        return align === 'right' ? room + shown : shown + room;
      })
      .join('  ')
      .trimEnd();
  const titles = columns.map(({ title }) => title);
  const lines = [line(titles, (title) => title), ...rows.map((cells) => line(cells, paint))];
  return `${lines.join('\n')}\n`;
}

/** A duration in the unit that fits: `850 ms`, `12 s`, `7 min`, `3 h`. */
export function duration(ms: number): string {
  if (ms === 0) return '0 s';
  if (ms < 1_000) return `${Math.max(1, Math.round(ms))} ms`;
  if (ms < 120_000) return `${Math.round(ms / 1_000)} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  return `${Math.round(ms / 3_600_000)} h`;
}
