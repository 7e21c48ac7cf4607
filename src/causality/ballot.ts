/**
 * Ballots: the counters of the consensus actor, totally ordered and never issued twice.
 *
 * Shape: (milliseconds since 2020) · 4096 + proposer number, one integer below 2^53 until the year
 * 2089. Time in the round makes ballots comparable with clocks, so that a key recreated long after
 *   gets a greater one without remembering; the number makes two proposers' ballots differ.
 * Source: Lamport, "Paxos Made Simple", 2001 (disjoint sets of proposal numbers).
 */
const numbers = 4_096;
const epochMs = 1_577_836_800_000;

/** Proposer numbers run from 1 to this. */
export const proposerNumberMax = numbers - 1;

/**
 * The least ballot of `number` that is greater than `floor` and not before `nowMs` (ms since 1970).
 */
export function nextBallot(
  floor: number,
  { number, nowMs }: { number: number; nowMs: number },
): number {
  const round = Math.max(Math.floor(floor / numbers) + 1, Math.floor(nowMs) - epochMs);
  return round * numbers + number;
}

/** When a ballot was issued, in µs since 1970, by the clock of its proposer; at least that. */
export function ballotTimeUs(ballot: number): number {
  return (epochMs + Math.floor(ballot / numbers)) * 1_000;
}

/** How many milliseconds lie between the rounds of two ballots. */
export function roundsBetween(earlier: number, later: number): number {
  return Math.floor(later / numbers) - Math.floor(earlier / numbers);
}

/** A ballot that is `ms` later and otherwise alike. */
export function laterBy(ballot: number, ms: number): number {
  return ballot + ms * numbers;
}

/** The next ballot of the same proposer. */
export function following(ballot: number): number {
  return ballot + numbers;
}

/** The part of a ballot that is not time. */
export function proposerOf(ballot: number): number {
  return ballot % numbers;
}
