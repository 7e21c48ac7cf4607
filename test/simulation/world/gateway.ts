import { assembleStore, type AssembledStore } from '../../../src/assemble-store.ts';
import type { Store } from '../../../src/consistency/store.ts';
import { silentLog } from '../../../src/runtime/log.ts';
import { createMetrics } from '../../../src/runtime/metrics.ts';
import type { Random } from '../../../src/runtime/random.ts';
import { createFeed, type Feed, type FeedSettings } from '../../../src/feed/feed.ts';
import { startTrimming } from '../../../src/feed/trim.ts';
import { changeSource } from './change-log.ts';
import { Link } from './link.ts';
import type { Process } from './process.ts';
import type { World } from './world.ts';

/** The client's connection broke because its gateway was killed: what became of the request is not known. */
export class GatewayGone extends Error {}

// Figures are not looked at here; one set for all worlds, because making one costs more than a run.
const metrics = createMetrics();

/** How the feeds of one gateway differ from what is usual. */
export interface FeedOptions {
  readonly settings: Partial<FeedSettings>;
  /** Rows of the change logs go at this age; never, when left out. */
  readonly trimAfterMs?: number | undefined;
}

/** One gateway process, without its edge: clients call its `store`. */
export class Gateway {
  readonly name: string;
  readonly process: Process;
  readonly store: Store;
  readonly assembled: AssembledStore;
  readonly feed: Feed;
  readonly #gone = Promise.withResolvers<never>();

  constructor(world: World, process: Process, random: Random) {
    this.name = process.name;
    this.process = process;
    const { requestMs, mintMs, pageBytes, defects, identity } = world.options;
    const { antiEntropyEveryMs, tombstoneGraceMs } = world.options;
    this.assembled = assembleStore({
      clock: process.clock,
      random,
      log: silentLog,
      metrics,
      replicas: world.servers.map((server) => world.link(process, server)),
      partitions: 8,
      signingKeys: ['simulation'],
      timeouts: { requestMs, mintMs },
      pageBytes,
      repair: { antiEntropyEveryMs, tombstoneGraceMs },
      identity,
      ...defects.parts,
    });
    this.store = defects.store?.(this.assembled, world) ?? this.assembled.store;
    const feed = this.#openFeed(world, random);
    this.feed = defects.feed?.(feed, world) ?? feed;
    this.#gone.promise.catch(() => undefined);
  }

  #openFeed(world: World, random: Random): Feed {
    const { process } = this;
    const { store, cluster, sealer } = this.assembled;
    const { defects } = world.options;
    const { settings, trimAfterMs } = world.options.feed(world, this.name);
    const all = world.servers.map((server) =>
      changeSource(process, server, new Link(world, process, server)),
    );
    const sources = all.map((source) => defects.log?.(source) ?? source);
    if (trimAfterMs !== undefined) {
      const changeLogHours = trimAfterMs / 3_600_000;
      const { clock } = process;
      startTrimming({
        ...{ clock, random, log: silentLog, sources: () => sources },
        ...{ changeLogHours, everyMs: trimAfterMs / 4 },
      });
    }
    return createFeed({
      clock: process.clock,
      random,
      log: silentLog,
      metrics,
      sealer,
      sources: () => sources,
      store,
      replicasOf: (keyspace, key) =>
        cluster.placeKey(keyspace, key).targets.map(({ replica }) => replica.id),
      sessionAfter: () => '',
      settings: {
        ...{ pollMs: 120, readyMs: 600, lingerMs: 300, bookmarkMs: 400, skewMs: 500 },
        ...(trimAfterMs === undefined ? {} : { retentionMs: trimAfterMs }),
        ...settings,
      },
    });
  }

  /** What a client on a connection to this gateway gets: the answer, or `GatewayGone`. */
  ask<T>(request: (store: Store) => Promise<T>): Promise<T> {
    if (!this.process.alive) return Promise.reject(new GatewayGone());
    return Promise.race([request(this.store), this.#gone.promise]);
  }

  kill(): void {
    this.process.kill();
    this.#gone.reject(new GatewayGone());
  }
}
