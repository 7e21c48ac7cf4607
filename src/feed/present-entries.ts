import type { Caller, Store } from '../consistency/store.ts';
import type { ChangesArguments } from './change-event.ts';
import type { Present } from './told.ts';

const pageEntries = 100;

/**
 * The entries that a subscription begins with (`snapshot: true`), page by page, as fast as they are
 * taken.
 *
 * Read at QUORUM at least: an acknowledged write that one replica lags behind with would otherwise
 * be in neither part, snapshot or feed. A single key is told also when it is absent, so that the
 * subscriber always knows where it starts.
 */
export async function* presentEntries(parts: {
  readonly store: Pick<Store, 'get' | 'range'>;
  readonly caller: Caller;
  readonly what: ChangesArguments;
  readonly level: 'QUORUM' | 'ALL';
}): AsyncGenerator<Present> {
  const { store, caller, what, level } = parts;
  const { keyspace, key, prefix, from, to } = what;
  if (typeof key === 'string') {
    const { entry, receipt } = await store.get(caller, { keyspace, key }, { level });
    yield { key, cell: entry.cell, confirmedBy: receipt.answered };
    return;
  }
  const bounds = {
    keyspace,
    prefix: prefix ?? undefined,
    from: from ?? undefined,
    to: to ?? undefined,
    first: pageEntries,
  };
  for (let after: string | undefined, more = true; more;) {
    const page = await store.range(caller, { ...bounds, after }, { level });
    for (const { entry } of page.edges)
      yield { key: entry.key, cell: entry.cell, confirmedBy: page.receipt.answered };
    after = page.edges.at(-1)?.cursor;
    more = page.hasNextPage && after !== undefined;
  }
}
