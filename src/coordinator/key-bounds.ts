/** A half-open stretch of keys in byte order; undefined is an open end. */
export interface KeyBounds {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/**
 * The least key greater than `key`: no key holds NUL, so nothing lies between a key and itself
 * followed by U+0001.
 */
export function keyAfter(key: string): string {
  return `${key}\u0001`;
}

/**
 * The keys that start with `prefix`, as bounds and never as a pattern: `%`, `_` and `\` are
 * ordinary bytes. The upper bound is the prefix with its last code point raised by one (past the
 * surrogates), or without it where it is the greatest.
 */
export function prefixBounds(prefix: string): KeyBounds {
  const points = Array.from(prefix); // code points, not code units
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    const point = last.codePointAt(0) ?? 0;
    if (point === 0x10ffff) continue;
    const raised = point === 0xd7ff ? 0xe000 : point + 1;
    return { from: prefix, to: points.join('') + String.fromCodePoint(raised) };
  }
  return prefix === '' ? {} : { from: prefix };
}
