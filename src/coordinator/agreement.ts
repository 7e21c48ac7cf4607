import type { Cell } from '../causality/cell.ts';
import type { Operation } from '../paxos/proposer.ts';
import type { PlacedKey, Plan } from './plan.ts';
import type { Receipt } from './receipt.ts';

/** What a round of consensus gave one operation. */
export interface Agreed<Answer> {
  readonly answer: Answer;
  /** The cell as the operation left it, as its client is shown it: never to be stored again. */
  readonly cell: Cell;
  /** What those hold who had confirmed it by then: ordinary versions that the round has not met too. */
  readonly held: readonly Cell[];
  readonly receipt: Receipt;
}

export interface ConsensusRequest<Answer> {
  readonly plan: Plan;
  readonly operation: Operation<Answer>;
  /** Names what the operation may write; left out for a read. */
  readonly writeId?: string;
  /**
   * Something is accepted even where nothing changes and a quorum agrees, so that no promise is
   * left behind.
   */
  readonly settles?: true;
}

/** Linearizable operations on one key; see `ConsensusLines`. */
export interface Consensus {
  run<Answer>(key: PlacedKey, what: ConsensusRequest<Answer>): Promise<Agreed<Answer>>;
}
