import { emptyCell } from '../causality/cell.ts';
import type { Differing } from '../repair/read-repair.ts';
import type { ScanPage, StoredCell } from '../replica/replica.ts';
import { END, type PageOrder, type Reached } from './range-order.ts';
import type { PlacedRange } from './range-report.ts';
import type { PageTerms, RangeSource } from './range-source.ts';

type Page = Pick<ScanPage, 'cells' | 'exhausted'>;

const absent: StoredCell = { cell: emptyCell, digest: 0n, promised: 0 };

/** Those who have told that they hold another page, and have not sent it. */
export function differingSources(sources: readonly RangeSource[]): readonly RangeSource[] {
  return sources.filter(({ sum, hasAnswered, state }) => sum && !hasAnswered && state !== 'FAILED');
}

/**
 * The keys on which these differ from what was shown, as far as both pages reach: off the hot path, since
 * the page did not need them. Whoever is found behind is healed as by any other read.
 */
export async function differingKeys(
  placed: PlacedRange,
  what: {
    readonly shown: Page;
    readonly holders: readonly RangeSource[];
    readonly others: readonly RangeSource[];
    readonly order: PageOrder;
    readonly terms: PageTerms;
  },
): Promise<readonly Differing[]> {
  const { shown, holders, others, order, terms } = what;
  await Promise.all(others.map((source) => source.pending ?? source.fetch(terms)));
  return others.flatMap((source) => {
    const cells = source.hasAnswered ? source.untouched : undefined;
    if (!cells) return [];
    const theirs = { cells, exhausted: source.exhausted };
    return differences(shown, theirs, order).map(({ key, ours, other }) => ({
      request: placed.place(key),
      holdings: [
        ...holders.map(({ target }) => ({ store: target.replica, stored: ours })),
        { store: source.target.replica, stored: other },
      ],
    }));
  });
}

/** What two pages of the same request say of keys that both have come past. */
export function differences(
  shown: Page,
  theirs: Page,
  order: PageOrder,
): readonly { key: string; ours: StoredCell; other: StoredCell }[] {
  const [ours, others] = [byKey(shown), byKey(theirs)];
  const ends: readonly (Reached | undefined)[] = [endOf(shown), endOf(theirs)];
  return [...new Set([...ours.keys(), ...others.keys()])].flatMap((key) => {
    const [one = absent, other = absent] = [ours.get(key), others.get(key)];
    const isPast = ends.some((end) => end === undefined || order.compareReached(key, end) > 0);
    return isPast || one.digest === other.digest ? [] : [{ key, ours: one, other }];
  });
}

function byKey({ cells }: Page): ReadonlyMap<string, StoredCell> {
  return new Map(cells.map(({ key, stored }) => [key, stored]));
}

function endOf({ cells, exhausted }: Page): Reached | undefined {
  return exhausted ? END : cells.at(-1)?.key;
}
