import type { Differing } from '../repair/read-repair.ts';
import {
  absentCell,
  SharedPages,
  type PageSum,
  type ScanPage,
  type StoredCell,
} from '../replica/replica.ts';
import type { Deps } from './deps.ts';
import type { Target } from './plan.ts';
import { END, PageOrder, type Reached } from './range-order.ts';
import type { PlacedRange } from './range-report.ts';
import { RangeSource, type PageTerms } from './range-source.ts';
import { settleRound } from './settle.ts';

type Page = Pick<ScanPage, 'cells' | 'exhausted'>;

/** Those who have told that they hold another first page than this one, and have not sent it. */
export function differingTargets(
  sources: readonly RangeSource[],
  shown: PageSum,
): readonly Target[] {
  return sources
    .filter(
      ({ hasOnlyTold, sum, state }) => hasOnlyTold && state !== 'FAILED' && !isSame(sum, shown),
    )
    .map(({ target }) => target);
}

/** A page of all that there is, and one that more follow, may have the same rows. */
export function isSame(a: PageSum | undefined, b: PageSum): boolean {
  return a?.sum === b.sum && a.exhausted === b.exhausted;
}

/**
 * The keys on which these differ from what was shown, as far as both pages reach: off the hot path, since
 * the page did not need them. Whoever is found behind is healed as by any other read. They are asked anew
 * for their first pages: what they still send to the one who merges may be later ones.
 */
export async function differingKeys(
  deps: Pick<Deps, 'clock' | 'consensus'>,
  placed: PlacedRange,
  what: {
    readonly shown: Page;
    readonly holders: readonly RangeSource[];
    readonly others: readonly Target[];
    readonly reverse: boolean;
    readonly terms: PageTerms;
  },
): Promise<readonly Differing[]> {
  const { shown, holders, others, reverse, terms } = what;
  const order = new PageOrder(reverse);
  const how = { reverse, shared: new SharedPages() };
  const sources = others.map((target) => new RangeSource(target, placed, how));
  const able = sources.filter(({ state }) => state !== 'FAILED');
  await Promise.all(able.map((source) => source.fetch(terms)));
  return able.flatMap(({ firstPage, target: { replica } }) => {
    if (!firstPage) return [];
    return differences(shown, firstPage, order).map(({ key, ours, other }) => {
      const place = placed.place(key);
      return {
        request: { ...place, settle: () => settleRound(deps, place) },
        holdings: [
          ...holders.map(({ target }) => ({ store: target.replica, stored: ours })),
          { store: replica, stored: other },
        ],
      };
    });
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
    const [one = absentCell, other = absentCell] = [ours.get(key), others.get(key)];
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
