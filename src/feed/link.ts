import type { Change, ChangePosition } from '../replica/change-source.ts';
import type { Place } from './feed-cursor.ts';

/** What the hub hands to a subscription. */
export type Step =
  | {
      readonly kind: 'change';
      readonly replica: string;
      readonly change: Change;
      readonly early: boolean;
    }
  | {
      readonly kind: 'gap';
      readonly replica: string;
      readonly reason: string;
      readonly position: ChangePosition;
    };

/**
 * How one subscription hangs on one replica.
 *
 * `waiting`: the replica's tail has not been joined. `catching`: history up to `target` is read;
 * what is live is held back. `live`: the tail delivers.
 */
export interface Link {
  state: 'waiting' | 'catching' | 'live';
  place: Place;
  target: ChangePosition | undefined;
  /** More came than could be held: after catching up, catch up again. */
  overflowed: boolean;
  /** What was reported shortly before `place` is in memory. */
  isRecalled: boolean;
}

/** Why history is missing, for a person. */
export const gapReasons: Readonly<Record<string, string>> = {
  trimmed: 'The change log does not reach back that far any more',
  incarnation: 'A replica was wiped or restored, and its change log with it',
  slow: 'The subscriber was too slow, and its queue was dropped',
  behind: 'A replica that is away may alone hold what was told, so that older states may follow',
};

/** A replica that was not joined yet. */
export function linkAt(place: Place): Link {
  return { state: 'waiting', place, target: undefined, overflowed: false, isRecalled: false };
}
