import { compareKeys } from './key-order.ts';
import type { Member } from './membership.ts';
import { tokenOf, type Token } from './token.ts';

/**
 * How often each member stands on the ring.
 *
 * So often that between two neighbouring partitions every member has passed about once: then who
 * owns one partition says nothing of the next, and what imbalance is left is that of throwing dice
 * 256 times. More would not make it any more even (see the bounds at `createPlacement`).
 */
export const TOKENS_PER_MEMBER = 256;

/** One standing of a member on the ring (a "virtual node"). */
interface Vnode {
  readonly token: Token;
  readonly member: Member;
}

/**
 * The members on a circle of tokens, each at many places.
 *
 * Source: Karger et al., "Consistent Hashing and Random Trees", STOC 1997; virtual nodes: DeCandia
 * et al., "Dynamo", SOSP 2007, section 4.2.
 */
export interface Ring {
  readonly members: number;
  /** In the order of their tokens. */
  readonly vnodes: readonly Vnode[];
}

/** Law: it depends on the set of members only, not on their order. */
export function createRing(members: readonly Member[]): Ring {
  const vnodes = members.flatMap((member) =>
    Array.from({ length: TOKENS_PER_MEMBER }, (_, nth) => ({
      token: tokenOf(`${member.id}#${nth}`),
      member,
    })),
  );
  vnodes.sort((a, b) => a.token - b.token || compareKeys(a.member.id, b.member.id));
  return { members: members.length, vnodes };
}

/**
 * All members in the order in which one meets them clockwise from `token`, each once.
 *
 * Law: taking a member away leaves the order of the others as it was. That is why few keys move,
 * and none between two that stay.
 */
export function walk(ring: Ring, token: Token): readonly Member[] {
  const met = new Set<Member>();
  const start = firstAtOrAfter(ring.vnodes, token);
  for (let step = 0; met.size < ring.members && step < ring.vnodes.length; step++) {
    const vnode = ring.vnodes[(start + step) % ring.vnodes.length];
    if (vnode) met.add(vnode.member);
  }
  return [...met];
}

function firstAtOrAfter(vnodes: readonly Vnode[], token: Token): number {
  let low = 0;
  let high = vnodes.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((vnodes[middle]?.token ?? 0) < token) low = middle + 1;
    else high = middle;
  }
  return low;
}
