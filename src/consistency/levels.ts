/** Replicas that make a majority of `n`. */
export function majority(n: number): number {
  return Math.floor(n / 2) + 1;
}

/** What a level asks of the coordinator and of the session. */
export interface Level {
  /** `quorum`: scatter and tally; `consensus`: a round of CASPaxos. */
  readonly route: 'quorum' | 'consensus';
  readonly readNeed: (n: number) => number;
  readonly writeNeed: (n: number) => number;
  /** Whether a read that found replicas behind repairs a quorum before it returns. */
  readonly writeBack: boolean;
  /** What of the session a read must reflect before it may answer. */
  readonly floor: 'none' | 'written' | 'all';
  /** Whether a write stores what its session depends on, for whoever reads it. */
  readonly storesDependencies: boolean;
  /** Weaker to stronger, for `minimumReadLevel` and `minimumWriteLevel`. */
  readonly strength: number;
  /**
   * Paths on which it would promise what cannot be kept, with the reason. It is refused there,
   * never served as another one.
   */
  readonly refusedOn?: Readonly<Partial<Record<Path, string>>>;
}

export type Path = 'read' | 'write' | 'range' | 'changes';

const one = (): number => 1;
const every = (n: number): number => n;

const perKey = 'consensus is per key, and a range has many';
const waitsForNothing =
  'a feed follows what is written; it reads nothing that a session or a round could wait for';

/**
 * THE TABLE. The one place that knows the names of levels; below `consistency/` only plans are
 * heard of.
 * Source: docs/consistency.md, section "Levels".
 */
export const levels = {
  ONE: {
    route: 'quorum',
    readNeed: one,
    writeNeed: one,
    writeBack: false,
    floor: 'none',
    storesDependencies: false,
    strength: 0,
  },
  READ_YOUR_WRITES: {
    route: 'quorum',
    readNeed: one,
    writeNeed: one,
    writeBack: false,
    floor: 'written',
    storesDependencies: false,
    strength: 1,
    refusedOn: { changes: waitsForNothing },
  },
  SESSION: {
    route: 'quorum',
    readNeed: one,
    writeNeed: one,
    writeBack: false,
    floor: 'all',
    storesDependencies: true,
    strength: 2,
    refusedOn: { changes: waitsForNothing },
  },
  CAUSAL: {
    route: 'quorum',
    readNeed: majority,
    writeNeed: one,
    writeBack: true,
    floor: 'all',
    storesDependencies: true,
    strength: 3,
    refusedOn: { changes: waitsForNothing },
  },
  QUORUM: {
    route: 'quorum',
    readNeed: majority,
    writeNeed: majority,
    writeBack: true,
    floor: 'none',
    storesDependencies: false,
    strength: 4,
  },
  ALL: {
    route: 'quorum',
    readNeed: every,
    writeNeed: every,
    writeBack: true,
    floor: 'none',
    storesDependencies: false,
    strength: 5,
  },
  LINEARIZABLE: {
    route: 'consensus',
    readNeed: majority,
    writeNeed: majority,
    writeBack: true,
    floor: 'none',
    storesDependencies: false,
    strength: 6,
    refusedOn: { range: perKey, changes: waitsForNothing },
  },
} as const satisfies Record<string, Level>;

export type LevelName = keyof typeof levels;
