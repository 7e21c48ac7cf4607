import { hash } from 'node:crypto';
import { includes, type VersionVector } from './version-vector.ts';
import { join, joinedOutcomes, pastOf, type Cell, type Sibling } from './cell.ts';

/** How the states of one key that several replicas hold become one state. */
export interface Convergence {
  /** Law: associative, commutative, idempotent. */
  readonly join: (a: Cell, b: Cell) => Cell;
  /** Whether the counters of dots are times of the hybrid clock, of which the greatest wins. */
  readonly timed: boolean;
  /** The sortable time of a cell with one version; '' where versions are kept side by side. */
  readonly stampOf: (cell: Cell) => string;
  /**
   * Whether whoever is shown `cell` is shown everything that `seen` names, or what came after it.
   */
  readonly reflects: (cell: Cell, seen: VersionVector) => boolean;
}

/** Concurrent versions are all kept. */
export const keepSiblings: Convergence = {
  join,
  timed: false,
  stampOf: () => '',
  reflects: (cell, seen) => includes(pastOf(cell), seen),
};

/** One version is kept: the greatest (hybrid clock, gateway, value hash). */
export const keepNewest: Convergence = {
  join: (a, b) => {
    const newest = isAtLeast(a, b) ? a : b;
    return a.outcomes || b.outcomes
      ? { ...newest, ...joinedOutcomes(a, b, newest.context) }
      : newest;
  },
  timed: true,
  stampOf,
  // One version stands for all before it: a later stamp has replaced the one that was seen.
  reflects: ({ context }, seen) =>
    Math.max(0, ...context.values()) >= Math.max(0, ...seen.values()),
};

/** A cell that holds just this version; its dot is (gateway, hybrid clock). */
export function newestCell(version: Sibling): Cell {
  return { siblings: [version], context: new Map([[version.dot.actor, version.dot.counter]]) };
}

/** `stampOf(a) >= stampOf(b)`; without the hash where the clock tells, or both are the same version. */
function isAtLeast(a: Cell, b: Cell): boolean {
  const [ours, theirs] = [a.siblings[0], b.siblings[0]];
  if (ours === undefined || theirs === undefined) return theirs === undefined;
  if (ours.dot.counter !== theirs.dot.counter) return ours.dot.counter > theirs.dot.counter;
  const isSame = ours.dot.actor === theirs.dot.actor && ours.value === theirs.value;
  return isSame || stampOf(a) >= stampOf(b);
}

function stampOf(cell: Cell): string {
  const [version] = cell.siblings;
  if (version === undefined) return '';
  const { actor, counter } = version.dot;
  const digits = String(counter).padStart(16, '0');
  // The hash only decides between two gateways that were given one id by mistake: still the same
  // winner everywhere.
  return `${digits}.${actor}.${hash('sha1', version.value ?? '').slice(0, 8)}`;
}
