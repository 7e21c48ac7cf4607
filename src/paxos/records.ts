import { ballotTimeUs } from '../causality/ballot.ts';
import { registerOf, type Cell } from '../causality/cell.ts';
import {
  lineId,
  settlementId,
  type OutcomeRecord,
  type Outcomes,
  type Settlement,
} from '../causality/outcomes.ts';
import { isInLine, lineOf, reachesBack, shortened, type Line } from './lineage.ts';

/** A step in settling one write. */
export interface Settled {
  readonly writeId: string;
  readonly settlement: Settlement;
}

/**
 * The state without records of proposals that were fenced off. A record travels with the cell that
 * it was proposed in, and a join keeps it when the value of that cell loses: a retry would then be
 * told that a write had been applied which never was.
 *
 * What says how a write is being settled is only dropped when it certainly was fenced off: who
 * cannot tell must not decide otherwise (paxos/settlement).
 */
export function withKnownOutcomes(state: Cell): Cell {
  if (!state.outcomes) return state;
  const line = lineOf(state);
  const counts = ({ ballot, settlement }: OutcomeRecord): boolean =>
    ballot === undefined ||
    isInLine(line, ballot) ||
    (settlement !== undefined && !reachesBack(line, ballot));
  const known = [...state.outcomes].filter(([, record]) => counts(record));
  return known.length === state.outcomes.size ? state : withOutcomes(state, new Map(known));
}

/**
 * The cell of a proposal: its records stand or fall with this ballot. Without a consensus version to
 * tell the line of the ballot, a record does.
 */
export function carrying(cell: Cell, before: Line, ballot: number): Cell {
  const outcomes = new Map<string, OutcomeRecord>();
  for (const [id, record] of cell.outcomes ?? []) {
    const stands = record.ballot === ballot || isInLine(before, record.ballot ?? 0);
    outcomes.set(id, record.ballot === undefined || !stands ? record : { ...record, ballot });
  }
  outcomes.delete(lineId);
  if (!registerOf(cell)) {
    const lineage = shortened(before);
    const atUs = ballotTimeUs(ballot);
    outcomes.set(lineId, { fingerprint: '', applied: false, atUs, ballot, lineage });
  }
  return withOutcomes(cell, outcomes);
}

function withOutcomes({ siblings, context }: Cell, outcomes: Outcomes): Cell {
  return { siblings, context, ...(outcomes.size === 0 ? {} : { outcomes }) };
}

/** The cell with one more step in settling a write. A fence is a fact, whatever becomes of the ballot. */
export function withSettlement(
  state: Cell,
  { writeId, settlement }: Settled,
  ballot: number,
): Cell {
  const atUs = ballotTimeUs(ballot);
  const bound = settlement.stage === 'fenced' ? {} : { ballot };
  const record = { fingerprint: '', applied: false, atUs, settlement, ...bound };
  const outcomes = new Map(state.outcomes).set(settlementId(writeId), record);
  return withOutcomes(state, outcomes);
}

/**
 * The state as an operation sees it, and as its client is shown it once it is chosen: a step in
 * settling a write that is in the state's line, or was taken in this round, is a fact, and what is
 * condemned counts as fenced. A step that keeps its ballot is one of which nobody can tell.
 */
export function shownState(state: Cell, ballot: number): Cell {
  if (!state.outcomes) return state;
  const line = lineOf(state);
  const records = [...state.outcomes].map(([id, record]) => {
    const { ballot: own, settlement, ...rest } = record;
    const isFact = own === ballot || isInLine(line, own ?? 0);
    if (!settlement || !isFact) return [id, record] as const;
    const stage = settlement.stage === 'condemned' ? 'fenced' : settlement.stage;
    return [id, { ...rest, settlement: { ...settlement, stage } }] as const;
  });
  return withOutcomes(state, new Map(records));
}
