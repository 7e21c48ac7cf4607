/**
 * A column of parameters as Postgres reads an array. `pg` does the same for any type and any nesting,
 * at several times the cost; a batch has up to sixteen columns of plain values.
 */
export function arrayText(column: readonly unknown[]): string {
  return `{${column.map(elementText).join(',')}}`;
}

function elementText(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `"${escaped(value)}"`;
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value);
    default:
      if (value === null || value === undefined) return 'NULL';
      throw new Error('a column of a batch holds plain values');
  }
}

/** By plain texts: a pattern takes twice as long, and what a cell is stored as is full of quotes. */
function escaped(text: string): string {
  const plain = text.includes('\\') ? text.replaceAll('\\', '\\\\') : text;
  return plain.includes('"') ? plain.replaceAll('"', '\\"') : plain;
}
