import type { Tracing } from '../runtime/tracing.ts';
import type { Consensus } from './agreement.ts';
import type { Deps } from './deps.ts';
import type { Plan } from './plan.ts';
import type { Receipt } from './receipt.ts';

/** One operation of the coordinator as a span, which says how its quorum went. */
export function traced<T extends { readonly receipt: Receipt } | undefined>(
  { tracing }: Pick<Deps, 'tracing'>,
  what: { readonly name: string; readonly plan: Plan },
  work: () => Promise<T>,
): Promise<T> {
  if (!tracing.isOn) return work();
  const { name, plan } = what;
  const attributes = { 'quorate.quorum.need': plan.need };
  return tracing.within(`coordinator ${name}`, attributes, async (span) => {
    const result = await work();
    if (result) span.set(quorumOf(result.receipt));
    return result;
  });
}

/** Consensus, each operation a span. Those decided in one round stand under the one that began it. */
export function tracedConsensus(inner: Consensus, tracing: Tracing): Consensus {
  return {
    run: (key, what) =>
      traced({ tracing }, { name: 'consensus', plan: what.plan }, () => inner.run(key, what)),
  };
}

function quorumOf(receipt: Receipt) {
  return {
    'quorate.outcome': 'OK',
    'quorate.quorum.replication_factor': receipt.replicationFactor,
    'quorate.quorum.answered': receipt.answered,
    'quorate.quorum.stale': receipt.stale,
    'quorate.quorum.repaired': receipt.repaired,
    'quorate.quorum.hinted': receipt.hinted,
  };
}
