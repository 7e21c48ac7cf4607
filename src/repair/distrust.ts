import { emptyCell, type Cell, type Sibling } from '../causality/cell.ts';
import type { Convergence } from '../causality/convergence.ts';
import { covers } from '../causality/version-vector.ts';

/**
 * A replica that may be an older copy of itself: what it has and nobody else knows of may have been
 * deleted and collected since.
 */
export interface Distrust {
  readonly replica: string;
  /**
   * ms since 1970. Its versions from before that no other primary knows of are taken for collected:
   * had they never been deleted, repair would have carried them to the others long ago.
   */
  readonly beforeMs: number;
}

/**
 * - `forget`: nothing of what the replica holds is to stay.
 * - `join`: the cells to join; versions that are taken for collected are let go of by their context.
 */
export type Suspicion =
  { readonly kind: 'forget' } | { readonly kind: 'join'; readonly cells: readonly Cell[] };

/** What to do about a cell that a distrusted replica holds; undefined when it is as good as any. */
export function unknownToOthers(
  held: ReadonlyMap<string, Cell>,
  what: { distrust: Distrust; convergence: Convergence },
): Suspicion | undefined {
  const { distrust, convergence } = what;
  const suspect = held.get(distrust.replica);
  if (!suspect || suspect.context.size === 0) return undefined;
  const others = [...held].flatMap(([replica, cell]) => (replica === distrust.replica ? [] : cell));
  const known = others.reduce((state, cell) => convergence.join(state, cell), emptyCell);
  // Where one version wins, what the others hold was written later, or loses as it should.
  if (convergence.stampOf(known) !== '') return undefined;
  const isDoubtful = (one: Sibling): boolean =>
    !covers(known.context, one.dot) && one.writtenAtUs / 1_000 < distrust.beforeMs;
  const kept = suspect.siblings.filter((one) => !isDoubtful(one));
  if (kept.length === suspect.siblings.length) return undefined;
  if (kept.length === 0 && known.context.size === 0) return { kind: 'forget' };
  return { kind: 'join', cells: [...others, { ...suspect, siblings: kept }] };
}
