import type { CellRef } from '../replica/replica.ts';
import type { GuardedReplica } from '../replica/guarded-replica.ts';
import type { Convergence } from '../causality/convergence.ts';

/** One replica of a preference list, and the means to call it. */
export interface Target {
  readonly replica: GuardedReplica;
  readonly role: 'primary' | 'fallback';
}

/** One key, placed: everything that the coordinator must know of it. */
export interface PlacedKey {
  readonly ref: CellRef;
  /** The N primaries, in the order of the preference list. */
  readonly targets: readonly Target[];
  /** The others, in that order: they may keep hints for a primary that is away. */
  readonly fallbacks: readonly Target[];
  readonly convergence: Convergence;
  readonly epoch: number;
  /** No ordinary write is let through to it, as far as this gateway knows. */
  readonly isAgreedOnly: boolean;
}

/** Those whose answers count (`GuardedReplica.votes`); all take writes. */
export function votersOf(targets: readonly Target[]): readonly Target[] {
  return targets.filter(({ replica }) => replica.votes);
}

/** A level, turned into numbers. Nothing here or below knows a level's name. */
export interface Plan {
  /** Answers or acknowledgements that are waited for. */
  readonly need: number;
  /** Whether a read that found replicas behind repairs `need` of them before it returns. */
  readonly writeBack: boolean;
  /** Whether a write's hints count as acknowledgements, when they are kept outside the N. */
  readonly sloppy?: true | undefined;
  /** On the clock's `monotonicMs`. */
  readonly startMs: number;
  readonly deadlineMs: number;
}
