import type { LevelName } from '../../../src/consistency/levels.ts';

/** One walk through a range, page by page, as a client saw it. */
export interface Walk {
  readonly level: LevelName;
  readonly pageSize: number;
  readonly reverse: boolean;
  /** The keys of each page, in the order of the walk. */
  readonly pages: readonly (readonly string[])[];
  /** How many bytes of values each page has. */
  readonly bytes: readonly number[];
  /** False when a page failed and the client gave up. */
  readonly complete: boolean;
}

/** What a walk must and may show. */
export interface RangeSets {
  /** A page may end before it has as many entries as were asked for where it has these bytes. */
  readonly pageBytes: number;
  /** No value is larger. */
  readonly valueBytes: number;
  /** On all replicas since before the walk, and never touched. */
  readonly stable: ReadonlySet<string>;
  /** Written and deleted all the while. */
  readonly churning: ReadonlySet<string>;
}

/** Every stable key exactly once and in order, nothing twice, nothing foreign, and no page that ends early. */
export function checkRange(walks: readonly Walk[], sets: RangeSets): readonly string[] {
  return walks.flatMap((walk) => checkWalk(walk, sets));
}

function checkWalk(walk: Walk, sets: RangeSets): readonly string[] {
  const { stable, churning } = sets;
  const keys = walk.pages.flat();
  const name = `a walk at ${walk.level}, ${walk.pageSize} keys a page${walk.reverse ? ', backwards' : ''}`;
  const found: string[] = [];
  const seen = new Set<string>();
  for (const [at, key] of keys.entries()) {
    if (seen.has(key)) found.push(`${name}, shows ${key} twice`);
    seen.add(key);
    if (!stable.has(key) && !churning.has(key))
      found.push(`${name}, shows ${key}, which is not of this keyspace`);
    const before = keys[at - 1];
    const inOrder = before === undefined || (walk.reverse ? before > key : before < key);
    if (!inOrder) found.push(`${name}, shows ${key} after ${before}`);
  }
  // A walk that was given up still owes every stable key up to where it came.
  const last = keys.at(-1);
  const reached = (key: string): boolean =>
    walk.complete || (last !== undefined && (walk.reverse ? key >= last : key <= last));
  for (const key of stable) if (reached(key) && !seen.has(key)) found.push(`${name}, skips ${key}`);
  return [...found, ...checkSizes(walk, sets).map((problem) => `${name}, ${problem}`)];
}

/** A page ends by its entries or by its bytes, and not before. */
function checkSizes(
  { pages, bytes, pageSize }: Walk,
  { pageBytes, valueBytes }: RangeSets,
): readonly string[] {
  return pages.flatMap((page, nth) => {
    const has = bytes[nth] ?? 0;
    if (page.length > pageSize) return [`has a page of ${page.length} keys`];
    if (page.length > 1 && has > pageBytes) return [`has a page of ${has} bytes`];
    const isShort = page.length < pageSize && nth < pages.length - 1;
    if (!isShort || has > pageBytes - valueBytes) return [];
    return [`has a page of ${page.length} keys and ${has} bytes that is not the last`];
  });
}
