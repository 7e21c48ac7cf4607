import type { Deps } from './deps.ts';
import type { PlacedKey, Plan } from './plan.ts';

const settleMs = 2_000;

/**
 * A round that changes nothing and has something accepted all the same, at a majority: no promise is
 * left that nothing follows, and replicas agree on what consensus chose. Errors: those of consensus.
 */
export async function settleRound(
  { clock, consensus }: Pick<Deps, 'clock' | 'consensus'>,
  key: PlacedKey,
  given?: Plan,
): Promise<void> {
  const startMs = clock.monotonicMs();
  const plan = given ?? { need: 1, writeBack: false, startMs, deadlineMs: startMs + settleMs };
  const majority = Math.floor(key.targets.length / 2) + 1;
  const operation = { decide: () => ({ kind: 'answer', answer: undefined }) as const };
  const round = { plan: { ...plan, need: Math.max(plan.need, majority) }, operation } as const;
  await consensus.run(key, { ...round, settles: true });
}
