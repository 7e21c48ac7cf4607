import type { Deps } from '../coordinator/deps.ts';
import { keyAfter, prefixBounds, type KeyBounds } from '../coordinator/key-bounds.ts';
import type { Plan } from '../coordinator/plan.ts';
import { range } from '../coordinator/range.ts';
import type { Receipt } from '../coordinator/receipt.ts';
import { badInput } from '../errors.ts';
import { compareKeys } from '../placement/key-order.ts';
import { checkBound, checkPage } from './arguments.ts';
import type { Cluster } from './cluster.ts';
import { entryOf } from './entry.ts';
import type { Keyspace } from './keyspace.ts';
import { openCursor, sealCursor } from './opaque.ts';
import type { Sealer } from './seal.ts';
import type { RangeAnswer, RangeArguments } from './store.ts';

/** One page of a range: arguments checked, cursors opened and sealed. */
export async function readRange(
  { deps, cluster, sealer }: { deps: Deps; cluster: Cluster; sealer: Sealer },
  keyspace: Keyspace,
  { what, plan }: { what: RangeArguments; plan: Plan },
): Promise<Omit<RangeAnswer, 'receipt' | 'session'> & { receipt: Receipt }> {
  const { limit, reverse } = checkPage(what.first, what.last);
  const bounds = narrowed(rangeBounds(what), sealer, keyspace, what);
  const page = await range(deps, cluster.placeRange(keyspace, bounds), { plan, limit, reverse });
  const rows = reverse ? page.rows.toReversed() : page.rows;
  const nowMs = deps.clock.nowMs();
  return {
    edges: rows.map(({ key, cell }) => ({ entry: entryOf(keyspace, key, { cell, nowMs }), cursor: sealCursor(sealer, keyspace, key) })),
    // Beyond a given cursor there was a key once; it is not looked up whether it is still there.
    hasNextPage: reverse ? what.before !== undefined : page.more,
    hasPreviousPage: reverse ? page.more : what.after !== undefined,
    receipt: page.receipt,
  };
}

/** The stretch that `from`/`to` or `prefix` names. */
export function rangeBounds({ from, to, prefix }: Pick<RangeArguments, 'from' | 'to' | 'prefix'>): KeyBounds {
  if (prefix !== undefined) {
    if (from !== undefined || to !== undefined) throw badInput('Argument "prefix" excludes "from" and "to": give one or the other', 'prefix');
    return prefixBounds(checkBound(prefix, 'prefix'));
  }
  if (from !== undefined) checkBound(from, 'from');
  if (to !== undefined) checkBound(to, 'to');
  if (from !== undefined && to !== undefined && compareKeys(from, to) > 0) {
    throw badInput('Argument "from" comes after "to" in byte order: swap them, or read backwards with "last"', 'from');
  }
  return { from, to };
}

/** The part of the stretch between the cursors. */
function narrowed(bounds: KeyBounds, sealer: Sealer, keyspace: Keyspace, { after, before }: RangeArguments): KeyBounds {
  let { from, to } = bounds;
  if (after !== undefined) {
    const next = keyAfter(openCursor(sealer, keyspace, { token: after, field: 'after' }));
    if (from === undefined || compareKeys(next, from) > 0) from = next;
  }
  if (before !== undefined) {
    const key = openCursor(sealer, keyspace, { token: before, field: 'before' });
    if (to === undefined || compareKeys(key, to) < 0) to = key;
  }
  return { from, to };
}
