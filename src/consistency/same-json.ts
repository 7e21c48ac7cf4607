/**
 * Whether two JSON texts say the same: white space and the order of members do not matter; numbers
 * are compared as they are written, so that nothing is lost in a conversion.
 */
export function sameJson(a: string, b: string): boolean {
  if (a === b) return true;
  // Nearly every comparison is of two different plain values: those need no parsing.
  if (plain.test(a) && plain.test(b)) return false;
  return canonical(a) === canonical(b);
}

/**
 * A number, a word, or a string without escapes: it has no other spelling, but for numbers, which
 * count as they are written.
 */
const plain = /^(?:[^\s"[{][^\s]*|"[^"\\]*")$/;

function canonical(text: string): string {
  const parsed: unknown = JSON.parse(text, (_key, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' ? new NumberText(context?.source ?? String(value)) : value,
  );
  return render(parsed);
}

/** A number as it was written. */
class NumberText {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

function render(value: unknown): string {
  if (value instanceof NumberText) return value.text;
  if (Array.isArray(value)) return `[${value.map(render).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${render(member)}`).join(',')}}`;
}
