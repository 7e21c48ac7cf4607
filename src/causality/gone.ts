import { latestUs, shown, type Cell } from './cell.ts';

/**
 * From when on the cell holds nothing but deletions, in ms since 1970; undefined while it holds a
 * version that never expires, and for the absent cell.
 *
 * Never before the latest time that the context knows of: whatever is minted once the cell may be
 * forgotten has a greater counter than anything in it. A function of the state alone, so that every
 * replica answers alike.
 */
export function goneAt(cell: Cell): number | undefined {
  const { context } = cell;
  if (context.size === 0) return undefined;
  let atMs = latestUs(context) / 1_000;
  for (const { value, expiresAtMs, writtenAtUs } of shown(cell)) {
    if (value === null) atMs = Math.max(atMs, writtenAtUs / 1_000);
    else if (expiresAtMs === undefined) return undefined;
    else atMs = Math.max(atMs, expiresAtMs);
  }
  return Math.ceil(atMs);
}
