import type { Clock } from '../runtime/clock.ts';
import type { PlacedKey, Plan } from './plan.ts';
import type { Receipt } from './receipt.ts';
import { outcomeOf, roundedMs, type Attempt } from './scatter.ts';

/** The receipt of a write: who had acknowledged at the moment of the answer. */
export function writeReceipt(
  clock: Clock,
  key: PlacedKey,
  { plan, attempts }: { plan: Plan; attempts: readonly Attempt<unknown>[] },
): Receipt {
  return {
    replicationFactor: key.targets.length,
    required: plan.need,
    answered: attempts.filter(({ status }) => status === 'OK').length,
    stale: 0,
    repaired: 0,
    hinted: attempts.filter(
      ({ target, status }) => target.role === 'primary' && status === 'HINTED',
    ).length,
    replicas: attempts.map((attempt) => outcomeOf(attempt)),
    epoch: key.epoch,
    elapsedMs: roundedMs(clock.monotonicMs() - plan.startMs),
  };
}
