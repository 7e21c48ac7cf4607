/**
 * The order of keys: by the bytes of their UTF-8, as Postgres has it under `COLLATE "C"`. Negative
 * when `a` comes first.
 *
 * Not `a < b`: JavaScript compares UTF-16 units, and there the surrogates of the astral planes
 * (U+10000 and up) come before U+E000..U+FFFF, while their UTF-8 comes after. Not `Buffer.compare`
 * either: it would encode both keys at every step of a merge.
 *
 * Law: for well-formed strings its sign is that of `Buffer.compare` of the two. A total order on
 * all strings.
 */
export function compareKeys(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const unitA = a.charCodeAt(at);
    const unitB = b.charCodeAt(at);
    if (unitA !== unitB) return rankOf(unitA) - rankOf(unitB);
  }
  return a.length - b.length;
}

/**
 * Moves the surrogates (D800..DFFF) past all other units, where the code points that they spell
 * belong.
 */
function rankOf(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}
