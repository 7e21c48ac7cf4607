import type { Cell } from '../causality/cell.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Bookmarks } from './bookmarks.ts';
import type { FeedCursor } from './feed-cursor.ts';
import type { Hub } from './hub.ts';
import type { SeenKeys } from './seen-keys.ts';
import type { Selector } from './selector.ts';

/** What a subscription tells, before it is clothed as an event of the API. */
export type Told =
  | {
      readonly kind: 'changed';
      readonly cursor: FeedCursor;
      readonly key: string;
      readonly cell: Cell;
      readonly confirmedBy: number;
    }
  | { readonly kind: 'bookmark'; readonly cursor: FeedCursor }
  | { readonly kind: 'gap'; readonly cursor: FeedCursor; readonly reason: string };

/** What one subscription is made of; `T` is the event of the API. */
export interface SubscriptionOptions<T> {
  readonly hub: Hub;
  readonly clock: Clock;
  readonly log: Log;
  readonly selector: Selector;
  readonly seen: SeenKeys;
  readonly bookmarks: Bookmarks;
  /** Where to go on; undefined from now. */
  readonly after: FeedCursor | undefined;
  readonly bornMs: number;
  readonly limits: SubscriptionLimits;
  /** Clothes what is told; called when it is taken. */
  readonly make: (told: Told) => T;
  /** The present state of a key, from every replica if all answer (`isWhole`), else from a quorum. */
  readonly lookup: (key: string) => Promise<{ readonly cell: Cell; readonly isWhole: boolean }>;
  /** Present entries to tell first, if they were asked for. */
  readonly snapshot: (() => AsyncIterable<Present>) | undefined;
  readonly onClose: () => void;
}

/** Bounds and times of one subscription. */
export interface SubscriptionLimits {
  readonly queueEvents: number;
  readonly queueChars: number;
  /**
   * How far back the replicas' logs are read, silently, to know what was told or reported before.
   */
  readonly warmMs: number;
  /**
   * How long a resumed subscription waits for what each replica has told before, so that it does not
   * go back; then it goes on without.
   */
  readonly recallMs: number;
  readonly retentionMs: number;
  /** Added to every span of time that is compared between two clocks. */
  readonly skewMs: number;
}

/** An entry as it is, told first on request. */
export interface Present {
  readonly key: string;
  readonly cell: Cell;
  readonly confirmedBy: number;
}

/** What one event costs a queue, roughly in characters. */
export function weightOf(told: Told): number {
  const own = 100;
  if (told.kind !== 'changed') return own;
  return told.cell.siblings.reduce((sum, { value }) => sum + (value?.length ?? 0), own);
}
