import type { Cell } from '../causality/cell.ts';
import { digestOf } from '../causality/cell-codec.ts';
import type { StoredCell } from '../replica/replica.ts';
import type { Deps } from './deps.ts';
import type { PlacedKey, Plan } from './plan.ts';
import type { Receipt, ReplicaStatus } from './receipt.ts';
import { outcomeOf, roundedMs, type Attempt, type Round } from './scatter.ts';

/**
 * Written at the moment of the answer: a straggler that came in during the write-back counts as it
 * was found.
 */
export function readReceipt(
  deps: Deps,
  key: PlacedKey,
  what: {
    plan: Plan;
    round: Round<StoredCell>;
    cell: Cell;
    digest: bigint;
    repaired: ReadonlySet<string>;
  },
): Receipt {
  const { plan, round, cell, digest, repaired } = what;
  const isBehind = (reply: StoredCell): boolean =>
    reply.digest !== digest && digestOf(key.convergence.join(cell, reply.cell)) === digest;
  const statusOf = ({ target, reply, status }: Attempt<StoredCell>): ReplicaStatus => {
    if (repaired.has(target.replica.id)) return 'REPAIRED';
    return reply && isBehind(reply) ? 'STALE' : status;
  };
  return {
    replicationFactor: key.targets.length,
    required: plan.need,
    answered: round.attempts.filter(({ reply }) => reply).length,
    stale: round.attempts.filter(({ reply }) => reply && isBehind(reply)).length,
    repaired: repaired.size,
    hinted: 0,
    replicas: round.attempts.map((attempt) => outcomeOf(attempt, statusOf(attempt))),
    epoch: key.epoch,
    elapsedMs: roundedMs(deps.clock.monotonicMs() - plan.startMs),
  };
}
