import { ballotOf, registerOf, type Cell } from '../causality/cell.ts';
import { lineId } from '../causality/outcomes.ts';

/**
 * THE LINE OF BALLOTS that a state descends from: which proposals were carried on, and which were
 * fenced off (docs/decisions/0008, 0020).
 *
 * Why it tells: had a proposal been chosen, every later proposer's quorum would have met it, and its
 * state would descend from it.
 *
 * Shape: the latest first; 0 for the beginning; negative where the round left no consensus version,
 * so that nobody looks for one.
 */
export type Line = readonly number[];

/** Rounds that left a version, and rounds that did not. */
const lineageMax = { withVersion: 16, without: 8 };

/**
 * The register tells its own line; where nothing was written to it yet, a record of the last round
 * does.
 */
export function lineOf(state: Cell): Line {
  const current = registerOf(state);
  if (current) return [current.dot.counter, ...(current.lineage ?? [])];
  const record = state.outcomes?.get(lineId);
  const ballot = ballotOf(state);
  if (record?.ballot === ballot && record.lineage) return [-ballot, ...record.lineage];
  return [ballot];
}

export function isInLine(line: Line, ballot: number): boolean {
  return line.includes(ballot) || line.includes(-ballot);
}

/** Whether a line that lacks `ballot` reaches far enough back to say that it was fenced off. */
export function reachesBack(line: Line, ballot: number): boolean {
  return line.some((other) => Math.abs(other) < ballot);
}

/** The ballots that a round of `ballot` follows, when it is made from this state. */
export function lineageAfter(state: Cell, ballot: number): Line {
  const line = lineOf(state);
  // Several versions of one round share its ballot; only the last of them is ever seen.
  return shortened(line[0] === ballot ? line.slice(1) : line);
}

/**
 * As much of a line as travels with a cell: the latest ballots, cut off behind one that left a
 * version, whose own line goes on from there. Of the rounds that left none a few are enough: a record
 * in the line has always been carried on to its latest ballot.
 *
 * Invariant: no ballot of a version is missing between two that are there.
 */
export function shortened(line: Line): Line {
  const left = { ...lineageMax };
  const kept: number[] = [];
  for (const ballot of line) {
    if (left.withVersion === 0) break;
    if (ballot >= 0) left.withVersion -= 1;
    else if (left.without === 0) continue;
    else left.without -= 1;
    kept.push(ballot);
  }
  return kept;
}

/** What a proposer proposed earlier, in an accept that a quorum did not confirm. */
export interface HalfAccepted {
  readonly ballot: number;
  /** The ballot of the consensus version that it was made from; 0 for none. */
  readonly base: number;
}

/** The base of a proposal that is made from this state. */
export function baseOf(state: Cell): number {
  return registerOf(state)?.dot.counter ?? 0;
}

/**
 * Whether the register of `later` holds what that of `earlier` holds, or what followed from it. Not,
 * when what `earlier` holds was fenced off before a majority had it: then it never counted.
 */
export function carriesOn(later: Cell, earlier: Cell): boolean {
  const ballot = baseOf(earlier);
  return ballot === 0 || isInLine(lineOf(later), ballot);
}

/**
 * What has become of it, seen from the state of a quorum that has promised a greater ballot.
 *
 * - `applied`: it is the value that counts, or an ancestor of it; once that value is confirmed, so
 *   is the proposal.
 * - `fenced`: it is in no line that leads to the state, and a greater ballot keeps it out for good.
 * - `unknown`: the line does not reach back far enough to tell.
 *
 * `own`: the ballots of this same proposer since; they never carried anything else on.
 */
export function fateOf(
  proposal: HalfAccepted,
  state: Cell,
  own: ReadonlySet<number>,
): 'applied' | 'fenced' | 'unknown' {
  const line = lineOf(state);
  if (isInLine(line, proposal.ballot)) return 'applied';
  const reached = ballotOf(state);
  if (reached < proposal.ballot || own.has(reached)) return 'fenced';
  return isInLine(line, proposal.base) ? 'fenced' : 'unknown';
}
