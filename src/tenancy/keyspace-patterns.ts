import { badInput } from '../errors.ts';
import type { Principal } from './principal.ts';

const patternsMax = 32;
const shape = /^[A-Za-z0-9_.*-]{1,63}$/;

/**
 * Whether a principal may touch a keyspace of this name. A pattern is a name in which `*` stands for
 * any characters, also none.
 */
export function mayUse({ keyspaces }: Principal, name: string): boolean {
  return keyspaces === undefined || keyspaces.some((pattern) => matches(pattern, name));
}

/** Refuses what is no list of patterns, or too long a one. */
export function checkPatterns(patterns: readonly string[]): readonly string[] {
  const isList = patterns.length >= 1 && patterns.length <= patternsMax;
  if (isList && patterns.every((pattern) => shape.test(pattern))) return patterns;
  throw badInput(
    `Argument "keyspaces" must hold 1 to ${patternsMax} names of keyspaces, in which "*" stands for any characters`,
    'keyspaces',
    { limit: patternsMax },
  );
}

/** In steps bounded by both lengths: no pattern makes a long search of a name. */
function matches(pattern: string, name: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return pattern === name;
  const last = rest.pop() ?? '';
  if (!name.startsWith(first) || !name.endsWith(last)) return false;
  let from = first.length;
  // The leftmost place of each part leaves the most room for the next.
  for (const part of rest) {
    const at = name.indexOf(part, from);
    if (at < 0) return false;
    from = at + part.length;
  }
  return from + last.length <= name.length;
}
