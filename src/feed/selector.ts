import { checkBound, checkKey } from '../consistency/arguments.ts';
import { keyAfter, prefixBounds } from '../coordinator/key-bounds.ts';
import { badInput } from '../errors.ts';
import { compareKeys } from '../placement/key-order.ts';
import type { KeyRange } from '../replica/change-source.ts';
import type { ChangesArguments } from './change-event.ts';

/**
 * The keys that a subscription is about: one, or a range of one keyspace. Prefixes and whole
 * keyspaces are ranges too.
 */
export interface Selector extends KeyRange {
  /** Set when it is about this one key only. */
  readonly key: string | undefined;
}

/** What the caller chose; `keyspace` is the storage name. Rejects more than one choice. */
export function selectorOf(
  place: { tenant: string; keyspace: string },
  what: ChangesArguments,
): Selector {
  const { key, prefix, from, to } = what;
  const chosen = [key, prefix, from ?? to].filter(
    (choice) => choice !== undefined && choice !== null,
  );
  if (chosen.length > 1) {
    throw badInput(
      'Give at most one of "key", "prefix" and "from"/"to": each chooses the keys by itself',
      'key',
    );
  }
  if (typeof key === 'string') {
    checkKey(key);
    return { ...place, key, from: key, to: keyAfter(key) };
  }
  if (typeof prefix === 'string') {
    const { from: first = '', to: end } = prefixBounds(checkBound(prefix, 'prefix'));
    return { ...place, key: undefined, from: first, to: end };
  }
  if (typeof from === 'string') checkBound(from, 'from');
  if (typeof to === 'string') checkBound(to, 'to');
  if (typeof to === 'string' && compareKeys(from ?? '', to) >= 0) {
    throw badInput('The range holds no key: "from" must come before "to"', 'to');
  }
  return { ...place, key: undefined, from: from ?? '', to: to ?? undefined };
}

/** Whether the key is one of them. */
export function selects(selector: Selector, key: string): boolean {
  if (selector.key !== undefined) return selector.key === key;
  return (
    compareKeys(key, selector.from) >= 0 &&
    (selector.to === undefined || compareKeys(key, selector.to) < 0)
  );
}

/**
 * What a cursor of this selection is bound to: it opens for no other tenant, keyspace or selection.
 */
export function bindingOf(selector: Selector): readonly string[] {
  return [
    selector.tenant,
    selector.keyspace,
    selector.from,
    selector.to === undefined ? 'open' : `to ${selector.to}`,
  ];
}
