/**
 * The names of writes. A name carries the time at which its write began, so that whoever settles
 * the write later knows how far back there can be a trace of it.
 *
 * - An ordinary write: a UUID of version 7, with the microseconds in the 12 bits behind the version.
 *   Source: RFC 9562, section 5.7 and method 3 of section 6.2.
 * - A write with an idempotency key is named by that key, at whatever time it is tried. Where its
 *   outcome is unknown, the failure names it `retryable-…~time`.
 * - Where the last write wins, the failure adds the stamp: `id~time.gateway`; nobody else could say
 *   above which stamp the write would be fenced.
 */
export interface WriteName {
  /** What the version carries. */
  readonly writeId: string;
  /** µs since 1970: no trace of the write is older. 0 where the name does not tell. */
  readonly sinceUs: number;
  /** LAST_WRITE_WINS: the dot of the version. */
  readonly stamp?: { readonly actor: string; readonly counter: number };
}

/** Retries of an idempotency key are answered for ten minutes; the first attempt may be that old. */
const retriesUs = 15 * 60 * 1_000_000;

const retryablePrefix = 'retryable-';
const timed = /^([0-9a-f]{8})-([0-9a-f]{4})-7([0-9a-f]{3})-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** The name of a write that begins now; `chance` is a UUID of version 4, whose second half it keeps. */
export function newWriteId(nowUs: number, chance: string): string {
  const ms = Math.floor(nowUs / 1_000)
    .toString(16)
    .padStart(12, '0');
  const low = Number.parseInt(chance[0] ?? '0', 16) & 3;
  const fraction = ((nowUs % 1_000) * 4 + low).toString(16).padStart(3, '0');
  return `${ms.slice(0, 8)}-${ms.slice(8)}-7${fraction}-${chance.slice(19)}`;
}

/** The name of a write that carries an idempotency key. */
export function retryableId(name: string): string {
  return `${retryablePrefix}${name}`;
}

/** What a failure calls a write that it cannot tell the outcome of. */
export function uncertainName(
  writeId: string,
  at: { readonly atUs: number; readonly gateway?: string },
): string {
  const isTimed = timed.test(writeId) && at.gateway === undefined;
  if (isTimed) return writeId;
  return `${writeId}~${at.atUs}${at.gateway === undefined ? '' : `.${at.gateway}`}`;
}

/** Reads a name as a client gave it. Anything else that it wrote is a write id without a time. */
export function readWriteName(text: string): WriteName {
  const [, writeId = text, time, actor] =
    /^(.*)~(\d{1,16})(?:\.([0-9a-f]{1,64}))?$/.exec(text) ?? [];
  const counter = time === undefined ? undefined : Number(time);
  const stamp = counter !== undefined && actor !== undefined ? { stamp: { actor, counter } } : {};
  const [, high, low, fraction] = timed.exec(writeId) ?? [];
  if (high !== undefined && low !== undefined && fraction !== undefined) {
    const us = Number.parseInt(high + low, 16) * 1_000 + (Number.parseInt(fraction, 16) >> 2);
    return { writeId, sinceUs: us, ...stamp };
  }
  const isRetry = writeId.startsWith(retryablePrefix) && counter !== undefined;
  return { writeId, sinceUs: isRetry ? Math.max(0, counter - retriesUs) : 0, ...stamp };
}
