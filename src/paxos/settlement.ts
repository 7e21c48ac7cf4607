import { pastOf, visible, type Cell, type Sibling } from '../causality/cell.ts';
import {
  fencesMax,
  fencesOf,
  settlementOf,
  type Settlement,
  type SettlementTrace,
} from '../causality/outcomes.ts';
import { isInLine, lineOf, reachesBack } from './lineage.ts';
import type { Operation } from './proposer.ts';

/**
 * SETTLING A WRITE whose outcome is unknown, in rounds of consensus on its key
 * (docs/decisions/0020-settling-writes.md).
 *
 *   judge ──seen──────────────▶ stands (it is there, and the round has brought it to a majority)
 *     └─not seen─▶ doubted ─▶ condemn ─▶ condemned ─▶ fence ─▶ fenced, for good
 *
 * Three rounds and not one, because ordinary versions do not wait for consensus:
 *
 * - A read may bring the version to a majority, and show it, while a round that has not met it is
 *   under way. Every majority that takes the doubt meets every majority that takes the version: the
 *   replica they share either shows the version to the doubter (which then judges again), or the
 *   doubt to the reader (which then settles it before it answers).
 * - A fence must be a fact of its own, which no half-accepted ballot can make and no later one can
 *   lose. So it is only written where a round has found the write condemned, and that stage, like
 *   every vote, stands or falls with its ballot.
 */
export type Judgement =
  | { readonly kind: 'applied'; readonly liftsDoubt: boolean }
  /** It took place, and what replaced it, having seen it, stands. */
  | { readonly kind: 'superseded' }
  | { readonly kind: 'doubted' }
  | { readonly kind: 'fenced'; readonly settlement: Settlement }
  /** Somebody has condemned it in a round that may have been fenced off, or not. */
  | { readonly kind: 'unsure' }
  /** The key holds as many fences as one may. */
  | { readonly kind: 'full' };

/** Whether the write is there; where it is not, that is doubted from now on. */
export function judge(writeId: string): Operation<Judgement> {
  const decide = (state: Cell): Judgement => {
    const record = settlementOf(state, writeId);
    const settlement = record?.settlement;
    if (settlement?.stage === 'fenced') return { kind: 'fenced', settlement };
    if (settlement?.stage === 'condemned') return { kind: 'unsure' };
    const isThere = visible(state).some((sibling) => sibling.writeId === writeId);
    if (isThere) return { kind: 'applied', liftsDoubt: record !== undefined };
    // Another version stands for it, in this state or since the round in which both were decided.
    const isReplaced = ({ writeId: id, overtook }: Sibling): boolean =>
      id === writeId || overtook?.includes(writeId) === true;
    if (state.siblings.some(isReplaced)) return { kind: 'superseded' };
    const isFull = !settlement && fencesOf(state.outcomes) >= fencesMax;
    return isFull ? { kind: 'full' } : { kind: 'doubted' };
  };
  return {
    decide: (state) => ({ kind: 'answer', answer: decide(state) }),
    settle: (answer) => {
      if (answer.kind === 'doubted') return { writeId, settlement: { stage: 'doubted' } };
      const isLifted = answer.kind === 'applied' && answer.liftsDoubt;
      return isLifted ? { writeId, settlement: { stage: 'stands' } } : undefined;
    },
  };
}

/** `again`: it is not as it was; to be judged anew. */
export type Condemned =
  | { readonly kind: 'condemned'; readonly trace: SettlementTrace }
  | { readonly kind: 'fenced'; readonly settlement: Settlement }
  | { readonly kind: 'again' };

/** Condemns a write that is doubted and still is not there. */
export function condemn(writeId: string): Operation<Condemned> {
  return {
    decide(state) {
      const record = settlementOf(state, writeId);
      const settlement = record?.settlement;
      if (settlement?.stage === 'fenced')
        return { kind: 'answer', answer: { kind: 'fenced', settlement } };
      const isThere = visible(state).some((sibling) => sibling.writeId === writeId);
      const isDoubted = settlement?.stage === 'doubted' && record?.ballot === undefined;
      const answer: Condemned =
        isThere || !isDoubted ? { kind: 'again' } : { kind: 'condemned', trace: traceOf(state) };
      return { kind: 'answer', answer };
    },
    settle: (answer) =>
      answer.kind === 'condemned'
        ? { writeId, settlement: { stage: 'condemned', trace: answer.trace } }
        : undefined,
  };
}

/**
 * Fences a write, and records what became of it, where that is known; undefined when it is not
 * condemned. Only to be run by who was told by a round that it is: that round is chosen, so
 * whatever later round carries this out, and half of it is left, cannot be gone back on.
 */
export function fence(
  writeId: string,
  verdict: Settlement['verdict'],
): Operation<Settlement | undefined> {
  const known = verdict === undefined ? {} : { verdict };
  return {
    decide(state) {
      const settlement = settlementOf(state, writeId)?.settlement;
      const answer = settlement?.stage === 'fenced' ? { ...settlement, ...known } : undefined;
      return { kind: 'answer', answer };
    },
    settle: (settlement) => (settlement ? { writeId, settlement } : undefined),
  };
}

function traceOf(state: Cell): SettlementTrace {
  return { seen: Object.fromEntries(pastOf(state)), line: lineOf(state) };
}

/**
 * Versions of a cell of which it is not settled whether they will be fenced: whoever promises that
 * what it shows stays must have that settled first. A doubt that was certainly fenced off is none.
 */
export function doubtedIn(cell: Cell): readonly string[] {
  if (!cell.outcomes) return [];
  const line = lineOf(cell);
  return cell.siblings.flatMap(({ writeId }) => {
    const { settlement, ballot = 0 } = settlementOf(cell, writeId) ?? {};
    if (settlement?.stage !== 'doubted' && settlement?.stage !== 'condemned') return [];
    return isInLine(line, ballot) || !reachesBack(line, ballot) ? [writeId] : [];
  });
}
