import type { Operation } from '../history.ts';

/** What a request may take longer than it asked for: one turn of the slowest timer, and the reply to the client. */
const graceMs = 20;

/** Requests that took longer than they were allowed to, whatever their outcome. */
export function hangs(operations: readonly Operation[]): readonly string[] {
  return operations.flatMap(({ op, key, level, tookMs, timeoutMs, process }) => {
    if (tookMs === undefined || timeoutMs === undefined) return [];
    if (tookMs <= timeoutMs + graceMs) return [];
    return [
      `client ${process}: ${op} of ${key} at ${level ?? '?'} took ${tookMs.toFixed(0)} ms, and was given ${timeoutMs} ms`,
    ];
  });
}
