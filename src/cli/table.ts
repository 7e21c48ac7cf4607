/** Columns as wide as their widest cell; what ends a row may be as long as it likes. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => {
    const cells = rows.filter((cells) => cells.length > column + 1 || column === 0);
    return Math.max(...cells.map((cells) => cells[column]?.length ?? 0));
  });
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return `${rows.map(line).join('\n')}\n`;
}
