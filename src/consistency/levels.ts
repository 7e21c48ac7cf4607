/** Replicas that make a majority of `n`. */
export function majority(n: number): number {
  return Math.floor(n / 2) + 1;
}

/** What a level asks of the coordinator. */
export interface Level {
  /** `quorum`: scatter and tally; `consensus`: a round of CASPaxos. */
  readonly route: 'quorum' | 'consensus';
  readonly readNeed: (n: number) => number;
  readonly writeNeed: (n: number) => number;
  /** Whether a read that found replicas behind repairs a quorum before it returns. */
  readonly writeBack: boolean;
  /** Whether the session token is a floor for this read. */
  readonly honourSession: boolean;
  /** Weaker to stronger, for `minimumReadLevel` and `minimumWriteLevel`. */
  readonly strength: number;
  /** False: the level is refused with LEVEL_NOT_ALLOWED. Never quietly served as another one. */
  readonly available: boolean;
}

const one = (): number => 1;
const every = (n: number): number => n;

/**
 * THE TABLE. The one place that knows the names of levels; below `consistency/` only plans are heard of.
 * Source: docs/consistency.md, section "Levels".
 */
export const levels = {
  ONE: { route: 'quorum', readNeed: one, writeNeed: one, writeBack: false, honourSession: false, strength: 0, available: true },
  READ_YOUR_WRITES: { route: 'quorum', readNeed: one, writeNeed: one, writeBack: false, honourSession: true, strength: 1, available: false },
  SESSION: { route: 'quorum', readNeed: one, writeNeed: one, writeBack: false, honourSession: true, strength: 2, available: false },
  CAUSAL: { route: 'quorum', readNeed: majority, writeNeed: one, writeBack: true, honourSession: true, strength: 3, available: false },
  QUORUM: { route: 'quorum', readNeed: majority, writeNeed: majority, writeBack: true, honourSession: false, strength: 4, available: true },
  ALL: { route: 'quorum', readNeed: every, writeNeed: every, writeBack: true, honourSession: false, strength: 5, available: true },
  LINEARIZABLE: { route: 'consensus', readNeed: majority, writeNeed: majority, writeBack: true, honourSession: false, strength: 6, available: false },
} as const satisfies Record<string, Level>;

export type LevelName = keyof typeof levels;
