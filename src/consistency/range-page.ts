import type { Deps } from '../coordinator/deps.ts';
import { keyAfter, prefixBounds, type KeyBounds } from '../coordinator/key-bounds.ts';
import type { Plan } from '../coordinator/plan.ts';
import { fitting } from '../coordinator/page-fill.ts';
import { range, type RangePage } from '../coordinator/range.ts';
import type { Receipt } from '../coordinator/receipt.ts';
import { badInput } from '../errors.ts';
import { compareKeys } from '../placement/key-order.ts';
import { checkBound, checkPage } from './arguments.ts';
import type { Cluster } from './cluster.ts';
import type { Keyspace } from './keyspace.ts';
import { majority } from './levels.ts';
import { openCursor, sealCursor } from './opaque.ts';
import type { Reader, ReadTerms } from './reader.ts';
import type { Sealer } from './seal.ts';
import { inherit, type Session } from './session.ts';
import type { Entry, RangeAnswer, RangeArguments } from './store.ts';

interface RangeDeps {
  readonly deps: Deps;
  readonly cluster: Cluster;
  readonly sealer: Sealer;
  readonly reader: Reader;
}

/** Its cursor is signed when somebody looks at it: of a page, most ask for the last one, if for any. */
class Edge {
  readonly entry: Entry;
  readonly #sealer: Sealer;

  constructor(entry: Entry, sealer: Sealer) {
    this.entry = entry;
    this.#sealer = sealer;
  }

  get cursor(): string {
    return sealCursor(this.#sealer, this.entry.keyspace, this.entry.key);
  }
}

type Page = Omit<RangeAnswer, 'receipt' | 'session'> & { receipt: Receipt; session: Session };

/**
 * One page of a range: arguments checked, cursors opened and sealed, and nothing on it older than
 * what the session has seen.
 */
export async function readRange(
  parts: RangeDeps,
  keyspace: Keyspace,
  { what, terms }: { what: RangeArguments; terms: ReadTerms },
): Promise<Page> {
  const { deps, cluster, sealer } = parts;
  const { limit, reverse } = checkPage(what.first, what.last);
  const bounds = narrowed(rangeBounds(what), sealer, keyspace, what);
  const plan = planOf(keyspace, terms);
  const size = { limit, reverse };
  const page = await range(deps, cluster.placeRange(keyspace, bounds), { ...size, plan });
  const covered = await coverRows(parts, keyspace, {
    ...size,
    page,
    bounds,
    terms: { ...terms, plan },
  });
  const rows = reverse ? covered.rows.toReversed() : covered.rows;
  return {
    edges: rows.map((entry) => new Edge(entry, sealer)),
    // Beyond a given cursor there was a key once; it is not looked up whether it is still there.
    hasNextPage: reverse ? what.before !== undefined : covered.more,
    hasPreviousPage: reverse ? covered.more : what.after !== undefined,
    receipt: page.receipt,
    session: covered.session,
  };
}

/**
 * A page is too much to list in a session, so at the session levels its rows are read from a
 * quorum, and left on one.
 */
function planOf(keyspace: Keyspace, { level, plan }: ReadTerms): Plan {
  if (level.floor === 'none') return plan;
  return {
    ...plan,
    need: Math.max(plan.need, majority(keyspace.replicationFactor)),
    writeBack: true,
  };
}

interface PageToCover {
  readonly page: RangePage;
  readonly bounds: KeyBounds;
  readonly limit: number;
  readonly reverse: boolean;
  readonly terms: ReadTerms;
}

/**
 * The rows, those replaced (or added) that did not show what the session has seen of their keys. Without
 * a session they are those of the page, which are in order and fit on it.
 */
async function coverRows(
  parts: RangeDeps,
  keyspace: Keyspace,
  what: PageToCover,
): Promise<{ rows: readonly Entry[]; more: boolean; session: Session }> {
  const { page, limit, reverse, terms } = what;
  const { deps, reader } = parts;
  const isPlain = terms.level.floor === 'none';
  const entries = isPlain
    ? page.rows.map(({ key, cell }) => reader.entry({ keyspace, key }, cell))
    : await coveredEntries(parts, keyspace, what);
  const live = entries.filter((entry) => entry.live.length > 0);
  if (isPlain) return { rows: live, more: page.more, session: sessionAfter(terms, live) };
  const ordered = live.toSorted((a, b) =>
    reverse ? compareKeys(b.key, a.key) : compareKeys(a.key, b.key),
  );
  const rows = fitting(ordered, { limit, bytes: deps.pageBytes });
  const session = sessionAfter(terms, rows);
  return { rows, more: page.more || rows.length < ordered.length, session };
}

/** One entry for every key of the page, and for those of its stretch that the session lists. */
async function coveredEntries(
  { reader }: RangeDeps,
  keyspace: Keyspace,
  { page, bounds, reverse, terms }: PageToCover,
): Promise<readonly Entry[]> {
  const cells = new Map(page.rows.map(({ key, cell }) => [key, cell]));
  const entries = new Map(
    page.rows.map(({ key, cell }) => [key, reader.entry({ keyspace, key }, cell)]),
  );
  const last = page.rows.at(-1)?.key;
  const isOnPage = (key: string): boolean => {
    if (bounds.from !== undefined && compareKeys(key, bounds.from) < 0) return false;
    if (bounds.to !== undefined && compareKeys(key, bounds.to) >= 0) return false;
    return (
      !page.more ||
      last === undefined ||
      (reverse ? compareKeys(key, last) >= 0 : compareKeys(key, last) <= 0)
    );
  };
  const listed = [...terms.session.floors.values()].filter(
    (floor) => floor.keyspace === keyspace.storageName && isOnPage(floor.key),
  );
  const keys = new Set([...cells.keys(), ...listed.map(({ key }) => key)]);
  await Promise.all(
    [...keys].map(async (key) => {
      const again = await reader.cover({ keyspace, key }, terms, cells.get(key));
      if (again) entries.set(key, again);
    }),
  );
  return [...entries.values()];
}

/** The stretch that `from`/`to` or `prefix` names. */
export function rangeBounds({
  from,
  to,
  prefix,
}: Pick<RangeArguments, 'from' | 'to' | 'prefix'>): KeyBounds {
  if (prefix !== undefined) {
    if (from !== undefined || to !== undefined)
      throw badInput('Argument "prefix" excludes "from" and "to": give one or the other', 'prefix');
    return prefixBounds(checkBound(prefix, 'prefix'));
  }
  if (from !== undefined) checkBound(from, 'from');
  if (to !== undefined) checkBound(to, 'to');
  if (from !== undefined && to !== undefined && compareKeys(from, to) > 0) {
    throw badInput(
      'Argument "from" comes after "to" in byte order: swap them, or read backwards with "last"',
      'from',
    );
  }
  return { from, to };
}

/** The part of the stretch between the cursors. */
function narrowed(
  bounds: KeyBounds,
  sealer: Sealer,
  keyspace: Keyspace,
  { after, before }: RangeArguments,
): KeyBounds {
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

/** What a session has seen after a page: too much to list, so it only knows that a quorum has it. */
function sessionAfter({ session, plan }: ReadTerms, rows: readonly Entry[]): Session {
  // A page at ONE promises nothing to go back on.
  if (rows.length === 0 || !plan.writeBack) return session;
  const versions = rows.flatMap(({ cell }) => cell.siblings);
  return { ...inherit(session, versions), isPartial: true };
}
