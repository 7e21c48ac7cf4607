import { badInput } from '../errors.ts';
import { compareKeys } from '../placement/key-order.ts';
import type { KeyRange } from '../replica/change-source.ts';
import type { ChangesArguments } from './change-event.ts';

const longestKeyBytes = 1024;

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
    if (key === '') throw badInput('Argument "key" must not be empty', 'key');
    checkKey(key, 'key');
    // No key has a NUL in it, so the next possible key is this one with U+0001 behind.
    return { ...place, key, from: key, to: `${key}\u0001` };
  }
  if (typeof prefix === 'string') {
    checkKey(prefix, 'prefix');
    return { ...place, key: undefined, from: prefix, to: endOfPrefix(prefix) };
  }
  if (typeof from === 'string') checkKey(from, 'from');
  if (typeof to === 'string') checkKey(to, 'to');
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

/**
 * The first key that is greater than every key with this prefix; undefined when there is none.
 *
 * Order by bytes of UTF-8 is order by code point, so the last code point is raised by one, past the
 * surrogates.
 */
export function endOfPrefix(prefix: string): string | undefined {
  const points = Array.from(prefix, (character) => character.codePointAt(0) ?? 0);
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    if (last === 0x10ffff) continue;
    const next = last === 0xd7ff ? 0xe000 : last + 1;
    return String.fromCodePoint(...points, next);
  }
  return undefined;
}

function checkKey(text: string, field: string): void {
  const bytes = Buffer.byteLength(text);
  if (bytes > longestKeyBytes) {
    throw badInput(
      `Argument "${field}" must be at most ${longestKeyBytes} bytes, and it is ${bytes}`,
      field,
      { limit: longestKeyBytes, value: bytes },
    );
  }
  if (!text.isWellFormed() || text.includes('\0')) {
    throw badInput(`Argument "${field}" must be well-formed Unicode without NUL`, field);
  }
}
