import { joinedOutcomes, type Cell } from '../causality/cell.ts';
import { StoreError } from '../errors.ts';
import type { HalfAccepted } from '../paxos/lineage.ts';
import type { Operation, RoundPlan } from '../paxos/proposer.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Agreed } from './agreement.ts';
import { writeUncertain } from './faults.ts';
import type { PlacedKey, Plan } from './plan.ts';
import type { Attempt } from './scatter.ts';
import { writeReceipt } from './write-receipt.ts';

/**
 * One operation that waits for its round. `writeId` names what it may write; undefined for a read.
 */
export interface Waiting {
  readonly operation: Operation<unknown>;
  readonly plan: Plan;
  readonly writeId: string | undefined;
  /** See `ConsensusRequest`. */
  readonly settles: boolean;
  readonly resolve: (agreed: Agreed<unknown>) => void;
  readonly reject: (error: StoreError) => void;
  settled: boolean;
  /** Its version has been sent to be accepted: from now on it may be there. */
  proposed: boolean;
  attempts: readonly Attempt<unknown>[];
  /** Why the last round came to nothing, if replicas and not other proposers were the reason. */
  fault: StoreError | undefined;
  rounds: number;
  /** Ends the watch on its deadline. */
  cancel: () => void;
}

/** What this proposer may have left half accepted. */
export interface Pending extends HalfAccepted {
  readonly plan: RoundPlan<unknown>;
  /** Whose answers the plan holds, in its order. */
  readonly group: readonly Waiting[];
}

/** From here on the versions of these operations may be somewhere. */
export function propose({ group, plan }: Pending): void {
  group.forEach((waiting, index) => {
    if (plan.wrote[index]) waiting.proposed = true;
  });
}

/** Gives every operation of the group what the round has decided for it. */
export function answerAll(
  clock: Clock,
  key: PlacedKey,
  what: Pending & { attempts: readonly Attempt<unknown>[]; accepted?: readonly Cell[] },
): true {
  const { group, plan, attempts, accepted = [] } = what;
  group.forEach((waiting, index) => {
    const cell = plan.after[index];
    if (waiting.settled || !cell) return;
    waiting.settled = true;
    waiting.cancel();
    waiting.resolve({
      answer: plan.answers[index],
      cell: withOutcomesOf(cell, accepted),
      held: accepted,
      receipt: writeReceipt(clock, key, { plan: waiting.plan, attempts }),
    });
  });
  return true;
}

/** With what the replicas that accepted remember of idempotent writes beside what was proposed. */
function withOutcomesOf(cell: Cell, accepted: readonly Cell[]): Cell {
  return accepted.reduce(
    (known, one) => ({ ...known, ...joinedOutcomes(known, one, known.context) }),
    cell,
  );
}

/**
 * What is true of an operation that gets no further: it may be there, or replicas failed it, or
 * other proposers kept it out.
 */
export function giveUp(key: PlacedKey, waiting: Waiting): void {
  if (waiting.settled) return;
  waiting.settled = true;
  waiting.cancel();
  const { keyspace } = key.ref;
  if (waiting.proposed && waiting.writeId !== undefined) {
    const acknowledged = waiting.attempts.filter(({ status }) => status === 'OK').length;
    const details = {
      verdict: 'late',
      required: waiting.plan.need,
      acknowledged,
      writeId: waiting.writeId,
      keyspace,
    } as const;
    return waiting.reject(writeUncertain(waiting.attempts, details));
  }
  const contended = new StoreError(
    'CONTENDED',
    `Other writers of this key of keyspace "${keyspace}" were faster, round after round`,
    {
      rounds: waiting.rounds,
      retryAfterMs: 50,
    },
  );
  waiting.reject(waiting.fault ?? contended);
}
