import type { Cell } from '../causality/cell.ts';
import { carriesOn } from '../paxos/lineage.ts';
import { joinInto } from '../repair/join-into.ts';
import type { Replica, StoredCell } from '../replica/replica.ts';
import type { Deps } from './deps.ts';
import { enough } from './enough.ts';
import type { PlacedKey, Plan } from './plan.ts';
import { doubtsOf, read } from './read.ts';

/** A key of a page whose answers differ. */
export interface Healing {
  readonly key: PlacedKey;
  readonly plan: Plan;
  /** What the answers say together. */
  readonly cell: Cell;
  readonly behind: readonly { readonly replica: Replica; readonly stored: StoredCell }[];
  /** So many of those that are behind make the number that the page needs. */
  readonly needed: number;
}

/**
 * Brings one key of a page to as many replicas as the page needs, and resolves with what the page
 * shows of it, and who was repaired.
 *
 * A key that a round of consensus is changing meanwhile, or a write of which somebody is settling, is
 * read by itself: `read` knows how to wait for a round, and to end one that nobody ends. Undefined
 * when too few replicas take it.
 */
export async function healKey(
  deps: Deps,
  { key, plan, cell, behind, needed }: Healing,
): Promise<{ cell: Cell; repaired: readonly string[] } | undefined> {
  const repaired: string[] = [];
  const held: Cell[] = [];
  let isOvertaken: boolean = doubtsOf(cell, []).length > 0;
  const joins = isOvertaken
    ? []
    : behind.map(async ({ replica, stored }) => {
        const outcome = await joinInto(replica, { ...key, cell, guess: stored }, plan);
        const accepts = outcome.status === 'joined' && carriesOn(outcome.cell, cell);
        isOvertaken ||= !accepts;
        if (!accepts) return false;
        repaired.push(replica.id);
        held.push(outcome.cell);
        return true;
      });
  const isHealed = needed <= 0 || (await enough(joins, needed));
  if (isHealed && doubtsOf(cell, held).length === 0) return { cell, repaired };
  // `isHealed`: what was brought there met a write that somebody is settling.
  if (!isOvertaken && !isHealed) return undefined;
  const result = await read(deps, key, plan);
  return { cell: result.cell, repaired };
}
