import type { Dot } from './dot.ts';

/**
 * What has been seen: for each actor, every event up to its counter.
 *
 * Never pruned: a pruned vector makes old versions look concurrent again, which is an endless
 * supply of false conflicts (Riak's lesson).
 * Source: Parker et al., "Detection of Mutual Inconsistency in Distributed Systems", 1983.
 */
export type VersionVector = ReadonlyMap<string, number>;

export const nothingSeen: VersionVector = new Map();

/** Whether `seen` includes the event `dot`. */
export function covers(seen: VersionVector, dot: Dot): boolean {
  return (seen.get(dot.actor) ?? 0) >= dot.counter;
}

/** Law: associative, commutative, idempotent; the least vector that includes both. */
export function merge(a: VersionVector, b: VersionVector): VersionVector {
  if (includes(a, b)) return a;
  if (includes(b, a)) return b;
  const merged = new Map(a);
  for (const [actor, counter] of b) merged.set(actor, Math.max(merged.get(actor) ?? 0, counter));
  return merged;
}

/** The vector that has seen `dot` too. */
export function including(seen: VersionVector, dot: Dot): VersionVector {
  return covers(seen, dot) ? seen : new Map(seen).set(dot.actor, dot.counter);
}

/** What has been seen of everybody but `actor`. */
export function without(seen: VersionVector, actor: string): VersionVector {
  if (!seen.has(actor)) return seen;
  const rest = new Map(seen);
  rest.delete(actor);
  return rest;
}

/** Whether `a` has seen everything that `b` has. */
export function includes(a: VersionVector, b: VersionVector): boolean {
  if (a === b) return true;
  for (const [actor, counter] of b) if ((a.get(actor) ?? 0) < counter) return false;
  return true;
}

/** The canonical text: a JSON object with its actors sorted. Equal vectors have equal texts. */
export function encodeVector(seen: VersionVector): string {
  if (seen.size === 0) return '{}';
  const parts = [...seen].sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${parts.map(([actor, counter]) => `"${actor}":${counter}`).join(',')}}`;
}

/**
 * Reads what `encodeVector` wrote. Only for texts of our own (database rows, signed tokens): it
 * does not validate.
 */
export function decodeVector(text: string): VersionVector {
  if (text === '{}') return nothingSeen;
  // Of one actor, which most are: its name is plain, and stands between quotes.
  const end = text.includes(',') || text.includes('\\') ? -1 : text.indexOf('":');
  if (end > 0) return new Map([[text.slice(2, end), Number(text.slice(end + 2, -1))]]);
  return new Map(Object.entries(JSON.parse(text) as Record<string, number>));
}
