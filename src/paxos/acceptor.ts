/**
 * THE ACCEPTOR'S RULES, as pure conditions. Postgres has them in SQL (replica/postgres/statements),
 * the memory replica calls them.
 * Source: Rystsov, "CASPaxos: Replicated State Machines without logs", 2018; docs/consistency.md,
 * section 4.
 */

/** Whether a row that promised `promised` may promise `ballot`. */
export function mayPromise(promised: number, ballot: number): boolean {
  return ballot > promised;
}

/**
 * Rule A: whether a row may take a cell that has reached `next`, where it had reached `current`.
 * Only advancing needs leave: a repair that
 * carried an older ballot past a promise would let a value be chosen that the promise was to fence
 * off.
 * For a cell that advances it is also Paxos accept: promised ≤ ballot.
 */
export function mayAdvance(
  row: { readonly promised: number; readonly current: number },
  next: number,
): boolean {
  return next <= row.current || row.promised <= next;
}
