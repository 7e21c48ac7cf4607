import { following, proposerOf, roundsBetween } from '../causality/ballot.ts';

/**
 * THE ACCEPTOR'S RULES, as pure conditions. Postgres has them in SQL (replica/postgres/statements),
 * the memory replica calls them.
 * Source: Rystsov, "CASPaxos: Replicated State Machines without logs", 2018; docs/consistency.md,
 * section 4.
 */

/**
 * A promise that no accept has followed yet is not overtaken by a ballot less than this much later:
 * two proposers that meet would otherwise interrupt each other for ever. Refusing is always safe,
 * and the time is short enough that a proposer that died costs nobody anything.
 */
export const courtesyMs = 20;

/**
 * For so long a proposer may use what was promised with an accept. Such a ballot has about the time
 * of that accept, and what it is used for may have begun so much later (see `verdictOf`).
 */
export const keptForMs = 5_000;

/**
 * Whether a row may promise `ballot`: it is greater, and interrupts nobody who is in a round. Nobody
 * is whose promise came with its last accept (`following`): it may never be used.
 */
export function mayPromise(
  row: { readonly promised: number; readonly current: number },
  ballot: number,
): boolean {
  if (ballot <= row.promised) return false;
  const isSettled = row.promised <= row.current || row.promised === following(row.current);
  const isOwn = proposerOf(ballot) === proposerOf(row.promised);
  return isSettled || isOwn || roundsBetween(row.promised, ballot) > courtesyMs;
}

/**
 * Rule A: whether a row may take a cell that has reached `next`, where it had reached `current`.
 * Only advancing needs leave: a repair that carried an older ballot past a promise would let a
 * value be chosen that the promise was to fence off. For a cell that advances it is also Paxos
 * accept: promised ≤ ballot.
 */
export function mayAdvance(
  row: { readonly promised: number; readonly current: number },
  next: number,
): boolean {
  return next <= row.current || row.promised <= next;
}

/**
 * What counts as promised, for a vote, at a replica that was admitted again with a floor: it has
 * forgotten what it promised before, and none of that was greater.
 */
export function floored(promised: number, floor: number): number {
  return Math.max(promised, floor);
}
