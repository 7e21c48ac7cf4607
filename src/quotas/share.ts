/** A limit that several gateways keep together, as one of them sees it. */
export interface Shared {
  readonly limit: number;
  /** What is asked of this gateway. */
  readonly own: number;
  /** What is asked of all the others. */
  readonly others: number;
  /** How many gateways there are, this one included; at least 1. */
  readonly gateways: number;
}

/**
 * Which part of a limit this gateway may give away: what is asked of it, and as much of what nobody
 * asks for as every other gateway; when more is asked than there is, in proportion to what is asked.
 *
 * Law: the parts of gateways that know the same figures add up to the limit, whatever is asked of
 * each. Law: while less is asked than there is, nobody's part is smaller than what is asked of him.
 */
export function share({ limit, own, others, gateways }: Shared): number {
  const asked = own + others;
  if (asked > limit) return (limit * own) / asked;
  return own + (limit - asked) / gateways;
}

/**
 * The same for what comes in whole pieces, as requests in flight do: never a part of one, and at least
 * one more while there is one to be had, so that the last one is not left to a gateway to which nobody
 * comes.
 */
export function wholeShare(shared: Shared): number {
  const { limit, own, others } = shared;
  const whole = Math.floor(share(shared) + 1e-9);
  return own + others + 1 <= limit ? Math.max(whole, own + 1) : whole;
}
