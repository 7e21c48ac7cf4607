import { isTombstone, seenNothing, type Cell, type Seen, type Sibling } from './cell.ts';
import { compareDots, dotName, PI, type Dot } from './dot.ts';
import { fencesOf } from './outcomes.ts';
import { including } from './version-vector.ts';

/**
 * The counter of the next dot that `actor` may mint on `cell`.
 *
 * At least the hybrid clock, so that a key recreated after its tombstone was collected never
 * re-issues an old dot.
 */
export function nextCounter(
  cell: Cell,
  seen: Seen,
  mint: { actor: string; nowUs: number },
): number {
  const known = Math.max(cell.context.get(mint.actor) ?? 0, seen.context.get(mint.actor) ?? 0);
  return Math.max(known + 1, mint.nowUs);
}

/**
 * The cell with one of its versions under a new dot of the replica that mints it; as it is, when it
 * does not hold the version. See coordinator/renew.
 */
export function renewed(cell: Cell, old: Dot, mint: { actor: string; nowUs: number }): Cell {
  const version = cell.siblings.find(({ dot }) => dotName(dot) === dotName(old));
  if (!version) return cell;
  const dot = { actor: mint.actor, counter: nextCounter(cell, seenNothing, mint) };
  const next = { ...version, dot, earlier: [...(version.earlier ?? []), old] };
  const others = cell.siblings.filter((one) => one !== version);
  const siblings = [...others, next].sort((a, b) => compareDots(a.dot, b.dot));
  return { ...cell, siblings, context: including(cell.context, dot) };
}

/**
 * The cell without the versions that have been deletions since `beforeMs` at the latest: its context
 * still covers them, so nothing that they replaced comes back. What a reader must still be told of
 * stays: consensus versions, and those with dependencies, or that keep another version out. One that
 * was renewed (coordinator/renew) may still be on its way, under a dot that the context lacks: so
 * young deletions stay, and in a key where a write has been settled the old ones too.
 */
export function withoutGone(cell: Cell, beforeMs: number): Cell {
  const mayBeRenewed = fencesOf(cell.outcomes) > 0;
  const keepsOut = (one: Sibling): boolean =>
    one.past !== undefined && (mayBeRenewed || one.writtenAtUs > beforeMs * 1_000);
  const isGone = (one: Sibling): boolean =>
    isTombstone(one, beforeMs) &&
    one.dot.actor !== PI &&
    !one.dependencies?.length &&
    !one.replaces?.length &&
    !keepsOut(one);
  if (!cell.siblings.some(isGone)) return cell;
  return { ...cell, siblings: cell.siblings.filter((one) => !isGone(one)) };
}
