/**
 * When a replica that answers is called slow, which means asked after the others. Two marks, so that
 * one that is near them does not change sides with every answer: gateways would choose different
 * replicas to mint at, for nothing.
 */
const slowAt = { times: 5, plusMs: 20 } as const;
const wellAt = { times: 2.5, plusMs: 10 } as const;

/**
 * Whether a replica is slow, from the median of its latest answers and the least of those of the
 * others. Slow is relative: where all are slow, none is, and the preference list decides as ever.
 */
export function isSlow(
  wasSlow: boolean,
  ownMs: number | undefined,
  bestOtherMs: number | undefined,
): boolean {
  if (ownMs === undefined || bestOtherMs === undefined) return false;
  const { times, plusMs } = wasSlow ? wellAt : slowAt;
  return ownMs > bestOtherMs * times && ownMs > bestOtherMs + plusMs;
}
