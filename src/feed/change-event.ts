import type { Caller, Entry } from '../consistency/store.ts';
import type { LevelName } from '../consistency/levels.ts';

/** What a subscriber receives; the union `ChangeEvent` of the schema, ready for its resolvers. */
export type ChangeEvent =
  | {
      readonly __typename: 'EntryChanged';
      readonly cursor: string;
      readonly entry: Entry;
      /** Replicas known to hold this state when the event was made. */
      readonly confirmedBy: number;
      readonly session: string;
    }
  /** The first event, sent once the feed is live; then progress on a quiet feed. */
  | { readonly __typename: 'FeedBookmark'; readonly cursor: string }
  /**
   * Changes before `cursor` may have been missed: read again, then go on. The feed itself goes on
   * by itself.
   */
  | { readonly __typename: 'FeedGap'; readonly cursor: string; readonly reason: string };

/**
 * Which keys, from when, and how well confirmed. At most one of `key`, `prefix`, `from`/`to`; none
 * is the whole keyspace.
 */
export interface ChangesArguments {
  readonly keyspace: string;
  readonly key?: string | null | undefined;
  readonly prefix?: string | null | undefined;
  /** Inclusive. */
  readonly from?: string | null | undefined;
  /** Exclusive. */
  readonly to?: string | null | undefined;
  /** A cursor of an earlier event of the same selection: go on after it, at any gateway. */
  readonly after?: string | null | undefined;
  /** Send the present entries first. */
  readonly snapshot?: boolean | null | undefined;
  /** ONE, QUORUM or ALL; without it, the weakest of them that may be used. */
  readonly consistency?: LevelName | null | undefined;
  /** What the caller may use, whether it is named or not; all, if undefined. */
  readonly usable?: readonly LevelName[] | undefined;
}

/** The change feed as the GraphQL floor sees it. Rejects with a `StoreError` only. */
export interface Feed {
  /**
   * Resolves once the arguments are accepted; the first event is a bookmark. `return()` frees
   * everything, also while waiting.
   */
  subscribe(caller: Caller, what: ChangesArguments): Promise<AsyncIterableIterator<ChangeEvent>>;
  /** Ends every subscription and every connection of the feed. */
  close(): Promise<void>;
}
