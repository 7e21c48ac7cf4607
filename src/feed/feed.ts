import type { Keyspace } from '../consistency/keyspace.ts';
import { entryOf } from '../consistency/entry.ts';
import { levels } from '../consistency/levels.ts';
import { policies } from '../consistency/policies.ts';
import type { Sealer } from '../consistency/seal.ts';
import type { Cell } from '../causality/cell.ts';
import type { Asked, Caller, Entry, Store } from '../consistency/store.ts';
import { StoreError } from '../errors.ts';
import type { ChangeSource } from '../replica/change-source.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';
import type { Random } from '../runtime/random.ts';
import type { ChangeEvent, ChangesArguments, Feed } from './change-event.ts';
import { Bookmarks } from './bookmarks.ts';
import { decodeFeedCursor, encodeFeedCursor } from './feed-cursor.ts';
import { Hub } from './hub.ts';
import { presentEntries } from './present-entries.ts';
import { SeenKeys } from './seen-keys.ts';
import { bindingOf, selectorOf, type Selector } from './selector.ts';
import { Subscription } from './subscription.ts';
import type { SubscriptionLimits, Told } from './told.ts';

export type { ChangeEvent, ChangesArguments, Feed } from './change-event.ts';

/** What the feed is built on. */
export interface FeedDependencies {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly sealer: Sealer;
  /** One a replica, of the present cluster. */
  readonly sources: () => readonly ChangeSource[];
  readonly store: Pick<Store, 'keyspace' | 'get' | 'range'>;
  /** The replicas that hold this key: the primaries of its preference list. */
  readonly replicasOf: (keyspace: Keyspace, key: string) => readonly string[];
  /** A session that has been shown this entry. */
  readonly sessionAfter: (caller: Caller, entry: Entry) => string;
  readonly settings?: Partial<FeedSettings> | undefined;
}

/** Times and bounds; see `feedDefaults`. */
export interface FeedSettings extends SubscriptionLimits {
  readonly pollMs: number;
  /** How often a quiet subscription says where it stands. */
  readonly bookmarkMs: number;
  /** How long a subscription waits for the replicas before it goes on without the silent ones. */
  readonly readyMs: number;
  readonly lingerMs: number;
  /** What one subscription remembers, to tell each state once. */
  readonly keysMax: number;
  readonly charsMax: number;
}

/** What holds unless the configuration says otherwise. */
export const feedDefaults: FeedSettings = {
  pollMs: 500,
  readyMs: 3000,
  lingerMs: 5000,
  queueEvents: 1000,
  queueChars: 16_000_000,
  bookmarkMs: 30_000,
  warmMs: 15_000,
  recallMs: 2_000,
  retentionMs: 24 * 3_600_000,
  skewMs: 60_000,
  keysMax: 10_000,
  charsMax: 16_000_000,
};

/**
 * The feed of one gateway, with its hub: `hub.wake(replica)` saves its own subscribers the way
 * through NOTIFY.
 */
export function createFeed(deps: FeedDependencies): Feed & { readonly hub: Hub } {
  const settings = { ...feedDefaults, ...deps.settings };
  const hub = new Hub({ ...deps, pollMs: settings.pollMs, lingerMs: settings.lingerMs });
  const bookmarks = new Bookmarks(deps.clock, settings.bookmarkMs);
  const open = new Set<Subscription<ChangeEvent>>();
  return {
    hub,
    async subscribe(caller, what) {
      const keyspace = await deps.store.keyspace(caller, what.keyspace);
      if (!keyspace)
        throw new StoreError('KEYSPACE_NOT_FOUND', `There is no keyspace "${what.keyspace}"`, {
          keyspace: what.keyspace,
        });
      const subscription = subscriptionOf({
        deps,
        settings,
        hub,
        bookmarks,
        caller,
        keyspace,
        what,
        onClose: () => closed(subscription),
      });
      open.add(subscription);
      deps.metrics.subscriptions.inc();
      if (!(await subscription.start(settings.readyMs)) && !subscription.queue.closed) {
        await subscription.queue.return();
        throw new StoreError(
          'QUORUM_UNAVAILABLE',
          'No replica answers, so there is nothing to subscribe to',
          { required: 1, alive: 0 },
        );
      }
      return subscription.queue;
    },
    async close() {
      await Promise.all([...open].map(({ queue }) => queue.return()));
      hub.close();
    },
  };

  function closed(subscription: Subscription<ChangeEvent>): void {
    if (open.delete(subscription)) deps.metrics.subscriptions.dec();
  }
}

interface SubscriptionParts {
  readonly deps: FeedDependencies;
  readonly settings: FeedSettings;
  readonly hub: Hub;
  readonly bookmarks: Bookmarks;
  readonly caller: Caller;
  readonly keyspace: Keyspace;
  readonly what: ChangesArguments;
  readonly onClose: () => void;
}

function subscriptionOf(parts: SubscriptionParts): Subscription<ChangeEvent> {
  const { deps, settings, hub, bookmarks, caller, keyspace, what, onClose } = parts;
  const level = feedLevelOf(keyspace, what);
  const readLevel = level === 'ALL' ? 'ALL' : 'QUORUM';
  const selector = selectorOf({ tenant: caller.tenant, keyspace: keyspace.storageName }, what);
  const after =
    typeof what.after === 'string'
      ? decodeFeedCursor(deps.sealer.open('bookmark', bindingOf(selector), what.after, 'after'))
      : undefined;
  const bornMs = after?.bornMs ?? deps.clock.nowMs();
  const seen = new SeenKeys({
    join: policies[keyspace.conflicts].join,
    need: levels[level].readNeed(keyspace.replicationFactor),
    holders: (key) => deps.replicasOf(keyspace, key),
    keysMax: settings.keysMax,
    charsMax: settings.charsMax,
    // Some time for what was under way, and for clocks that differ.
    bornUs: (bornMs - settings.skewMs) * 1000,
  });
  return new Subscription<ChangeEvent>({
    hub,
    bookmarks,
    clock: deps.clock,
    log: deps.log,
    selector,
    seen,
    after,
    bornMs,
    limits: settings,
    make: eventMaker({ deps, caller, keyspace, selector }),
    lookup: lookupOf(parts, readLevel),
    snapshot: what.snapshot
      ? () => presentEntries({ store: deps.store, caller, what, level: readLevel })
      : undefined,
    onClose,
  });
}

/**
 * What was told at ONE may be held by one replica alone: so all are asked first, and only when one
 * does not answer, a quorum.
 */
function lookupOf(
  { deps, caller, keyspace }: SubscriptionParts,
  level: 'QUORUM' | 'ALL',
): (key: string) => Promise<{ cell: Cell; isWhole: boolean }> {
  return async (key) => {
    const read = (asked: Asked) => deps.store.get(caller, { keyspace: keyspace.name, key }, asked);
    const whole = await read({ level: 'ALL', timeoutMs: wholeReadMs }).catch(() => undefined);
    return { cell: (whole ?? (await read({ level }))).entry.cell, isWhole: whole !== undefined };
  };
}

const wholeReadMs = 500;
const feedLevels = ['ONE', 'QUORUM', 'ALL'] as const;

/**
 * The level of a subscription: what was asked for, else the weakest that the keyspace and the
 * caller's quota allow (ONE, unless its minimum is higher). A wish below the keyspace's minimum is refused like every weaker
 * read, and so is a level that a feed cannot have.
 */
export function feedLevelOf(
  keyspace: Pick<Keyspace, 'name' | 'minimumReadLevel'>,
  { consistency, usable = feedLevels }: Pick<ChangesArguments, 'consistency' | 'usable'>,
): (typeof feedLevels)[number] {
  const asked = consistency ?? undefined;
  const minimum = levels[keyspace.minimumReadLevel].strength;
  const allowed = feedLevels.filter(
    (name) => levels[name].strength >= minimum && usable.includes(name),
  );
  const level = allowed.find((name) => asked === undefined || name === asked);
  if (level) return level;
  throw new StoreError(
    'LEVEL_NOT_ALLOWED',
    `Cannot subscribe to "${keyspace.name}" at ${asked ?? 'any level'}: allowed are ${allowed.join(', ') || 'none'}`,
    { asked, allowed },
  );
}

/** Clothes what a subscription tells as an event of the API, with its cursor sealed. */
function eventMaker(parts: {
  deps: FeedDependencies;
  caller: Caller;
  keyspace: Keyspace;
  selector: Selector;
}): (told: Told) => ChangeEvent {
  const { deps, caller, keyspace, selector } = parts;
  return (told) => {
    deps.metrics.feedEvents.inc({ kind: told.kind });
    const cursor = deps.sealer.seal('bookmark', bindingOf(selector), encodeFeedCursor(told.cursor));
    switch (told.kind) {
      case 'bookmark':
        return { __typename: 'FeedBookmark', cursor };
      case 'gap':
        return { __typename: 'FeedGap', cursor, reason: told.reason };
      case 'changed': {
        const entry = entryOf(keyspace, told.key, { cell: told.cell, nowMs: deps.clock.nowMs() });
        return {
          __typename: 'EntryChanged',
          cursor,
          entry,
          confirmedBy: told.confirmedBy,
          // Signed when somebody asks for it: most subscribers do not.
          get session() {
            return deps.sessionAfter(caller, entry);
          },
        };
      }
    }
  };
}
