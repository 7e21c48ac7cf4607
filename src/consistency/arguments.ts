import { badInput } from '../errors.ts';
import type { Keyspace } from './keyspace.ts';

const keyBytesMax = 1_024;
const manyMax = 500;
const ttlSecondsMax = 10 * 365 * 86_400;

/**
 * A key: 1 to 1,024 bytes of well-formed UTF-8 without NUL. A lone surrogate is refused: two
 * different JavaScript strings would reach Postgres as the same bytes.
 */
export function checkKey(key: string, field = 'key'): string {
  if (key === '')
    throw badInput(`Argument "${field}" is empty: a key has 1 to ${keyBytesMax} bytes`, field, {
      limit: keyBytesMax,
      value: '',
    });
  return checkBound(key, field);
}

/** A bound of a range: like a key, and it may be empty. */
export function checkBound(text: string, field: string): string {
  if (!text.isWellFormed())
    throw badInput(
      `Argument "${field}" is not well-formed Unicode: it holds half of a surrogate pair`,
      field,
    );
  if (text.includes('\0'))
    throw badInput(`Argument "${field}" holds a NUL character, which no key may`, field);
  const bytes = Buffer.byteLength(text);
  if (bytes > keyBytesMax) {
    const message = `Argument "${field}" must be at most ${keyBytesMax} bytes of UTF-8, and it is ${bytes}`;
    throw badInput(message, field, { limit: keyBytesMax, value: `${text.slice(0, 32)}…` });
  }
  return text;
}

/** A value: its exact JSON text, within the keyspace's limit. */
export function checkValue(keyspace: Keyspace, value: string): string {
  const bytes = Buffer.byteLength(value);
  if (bytes <= keyspace.maxValueBytes) return value;
  const message = `Cannot write to keyspace "${keyspace.name}": the value must be at most ${keyspace.maxValueBytes} bytes, and it is ${bytes}`;
  throw badInput(message, 'value', { limit: keyspace.maxValueBytes, value: bytes });
}

/** How many keys or items one request may name. */
export function checkCount(count: number, field: string): void {
  if (count >= 1 && count <= manyMax) return;
  throw badInput(
    `Argument "${field}" must hold 1 to ${manyMax} items, and it holds ${count}`,
    field,
    { limit: manyMax, value: count },
  );
}

/** When a version written now expires, in ms since 1970; undefined for never. */
export function expiryOf(
  keyspace: Keyspace,
  ttlSeconds: number | undefined,
  nowMs: number,
): number | undefined {
  const ttl = ttlSeconds ?? keyspace.defaultTtlSeconds;
  if (ttl === undefined) return undefined;
  if (!Number.isInteger(ttl) || ttl < 1 || ttl > ttlSecondsMax) {
    throw badInput(
      `Argument "ttlSeconds" must be from 1 to ${ttlSecondsMax}, and it is ${ttl}`,
      'ttlSeconds',
      { limit: ttlSecondsMax, value: ttl },
    );
  }
  return Math.ceil(nowMs + ttl * 1000);
}

/** A page size: exactly one of `first` and `last`, or the default. */
export function checkPage(
  first: number | undefined,
  last: number | undefined,
): { limit: number; reverse: boolean } {
  const pageMax = 1_000;
  if (first !== undefined && last !== undefined)
    throw badInput('Arguments "first" and "last" exclude each other: give one of them', 'last');
  const field = last === undefined ? 'first' : 'last';
  const limit = first ?? last ?? 100;
  if (!Number.isInteger(limit) || limit < 1 || limit > pageMax) {
    throw badInput(`Argument "${field}" must be from 1 to ${pageMax}, and it is ${limit}`, field, {
      limit: pageMax,
      value: limit,
    });
  }
  return { limit, reverse: last !== undefined };
}
