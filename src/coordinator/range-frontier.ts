import { END, type PageOrder, type Reached } from './range-order.ts';
import type { RangeSource } from './range-source.ts';

/**
 * How far `need` members of every group have scanned: a key, END, or undefined while some group has
 * too few answers.
 */
export function frontierOf(
  sources: readonly RangeSource[],
  what: {
    readonly groups: readonly (readonly string[])[];
    readonly need: number;
    readonly order: PageOrder;
  },
): Reached | undefined {
  const { groups, need, order } = what;
  const answered = sources.filter(({ hasAnswered }) => hasAnswered).length;
  if (groups.length > 0 && answered < need) return undefined;
  let least: Reached = END;
  for (const group of groups) {
    const reached = sources
      .filter(({ id, state, exhausted }) => group.includes(id) && (state !== 'FAILED' || exhausted))
      .map(({ exhausted, reached }) => (exhausted ? END : reached))
      .filter((at) => at !== undefined)
      .sort((a, b) => order.compareReached(b, a));
    const at = reached[need - 1];
    if (at === undefined) return undefined;
    if (order.compareReached(at, least) < 0) least = at;
  }
  return least;
}

/**
 * What all who have answered hold, in the order of the page, where they hold the same and nothing of it
 * was looked at yet; undefined otherwise. Their first pages then decide as a whole what they would
 * decide key by key: to join equal states is to take one of them, and nobody is behind.
 *
 * Only for a stretch whose keys all have the same primaries. A cell that tells of outcomes is left to be
 * looked at by itself, since what it shows may be in doubt.
 */
export function agreedPage(sources: readonly RangeSource[]): RangeSource['untouched'] {
  const [first, ...others] = sources.filter(({ hasAnswered }) => hasAnswered);
  const page = first?.untouched;
  if (!page || page.some(({ stored }) => stored.cell.outcomes)) return undefined;
  return others.every(({ untouched }) => untouched && isSame(page, untouched)) ? page : undefined;
}

type Page = NonNullable<RangeSource['untouched']>;

/** Equal digests are equal states. */
function isSame(a: Page, b: Page): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  return a.every(({ key, stored }, at) => {
    const other = b[at];
    return other?.key === key && other.stored.digest === stored.digest;
  });
}
