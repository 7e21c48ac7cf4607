import type { Cell } from '../causality/cell.ts';
import { dotName, PI, type Dot } from '../causality/dot.ts';
import type { CallOptions, CellRef } from './cell-ref.ts';

/**
 * The WriteHistory role of a replica: what its change log says about one write of one key, long
 * after the write was replaced.
 *
 * Only whoever settles a write of unknown outcome asks (docs/decisions/0020). It is a search of the
 * log since the write began, not of an index; its deadline bounds it.
 */
export interface WriteHistory {
  /** Reads what was logged before the call; a swap that is under way may be missing. */
  history(ref: CellRef, what: HistoryRequest, options: CallOptions): Promise<LoggedWrites>;
}

export interface HistoryRequest {
  readonly writeId: string;
  /** Consensus versions of these ballots are asked for too, whoever wrote them. */
  readonly ballots: readonly number[];
  /** µs since 1970, by some gateway's clock; older rows need not be searched. */
  readonly sinceUs: number;
}

export interface LoggedWrites {
  /** Whose log it is: the actor of every dot that was minted here. */
  readonly incarnation: string;
  /** Whether the log still has everything since then, with room for clocks that differ. */
  readonly complete: boolean;
  /** Each version once. */
  readonly versions: readonly LoggedVersion[];
}

export interface LoggedVersion {
  readonly dot: Dot;
  readonly writeId: string;
  /** See `Sibling`. */
  readonly lineage?: readonly number[];
  readonly overtook?: readonly string[];
}

/** Clocks of gateways and replicas may differ by this much. */
export const historySlackUs = 60_000_000;

/** Of some logged cells, the versions that were asked for, each once. */
export function loggedVersions(
  cells: readonly Cell[],
  { writeId, ballots }: HistoryRequest,
): readonly LoggedVersion[] {
  const found = new Map<string, LoggedVersion>();
  for (const { dot, writeId: by, lineage, overtook } of cells.flatMap(({ siblings }) => siblings)) {
    const isOf = by === writeId || overtook?.includes(writeId) === true;
    if (!isOf && !(dot.actor === PI && ballots.includes(dot.counter))) continue;
    const rest = { ...(lineage ? { lineage } : {}), ...(overtook ? { overtook } : {}) };
    found.set(dotName(dot), { dot, writeId: by, ...rest });
  }
  return [...found.values()];
}
