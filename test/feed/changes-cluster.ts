import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as pathOf } from 'node:path';
import pg from 'pg';
import { type Cell, emptyCell } from '../../src/causality/cell.ts';
import { decodeCell, digestOf, encodeCell } from '../../src/causality/cell-codec.ts';
import { entryOf } from '../../src/consistency/entry.ts';
import { type Keyspace, keyspaceDefaults } from '../../src/consistency/keyspace.ts';
import { policies } from '../../src/consistency/policies.ts';
import { createSealer } from '../../src/consistency/seal.ts';
import type { Store } from '../../src/consistency/store.ts';
import {
  createFeed,
  type ChangeEvent,
  type ChangesArguments,
  type FeedSettings,
} from '../../src/feed/feed.ts';
import type { LocalCluster } from '../../src/local-cluster/cluster.ts';
import { nameReplicas } from '../../src/local-cluster/cluster.ts';
import { embeddedProvider } from '../../src/local-cluster/embedded-cluster.ts';
import type { ChangeSource } from '../../src/replica/change-source.ts';
import { postgresChangeSource } from '../../src/replica/postgres/change-source.ts';
import { migrate } from '../../src/replica/postgres/migrate.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { createMetrics } from '../../src/runtime/metrics.ts';
import { systemRandom } from '../../src/runtime/random.ts';
import { copiedDatabases } from '../support/copied-database.ts';

export const ids = ['replica-1', 'replica-2', 'replica-3'] as const;
export type ReplicaId = (typeof ids)[number];
export const [A, B, C] = ids;

/** Three migrated Postgres, written to with plain SQL as a swap would write. */
export class ChangesCluster {
  readonly pools: Record<string, pg.Pool> = {};
  readonly local: LocalCluster;
  readonly #directory: string;

  private constructor(local: LocalCluster, directory: string) {
    this.local = local;
    this.#directory = directory;
    for (const { id, url } of local.replicas) {
      this.pools[id] = new pg.Pool({ connectionString: url, max: 8 });
      this.pools[id].on('error', () => undefined);
    }
  }

  static async start(): Promise<ChangesCluster> {
    const directory = mkdtempSync(pathOf(tmpdir(), 'quorate-changes-'));
    const provider = embeddedProvider({
      dataDirectory: directory,
      clock: systemClock,
      random: systemRandom,
      log: silentLog,
      fill: copiedDatabases(directory),
      settings: { fsync: 'off' },
    });
    const local = await provider.start(nameReplicas(3));
    await Promise.all(
      local.replicas.map(({ id, url }) =>
        migrate(url, { replica: id, log: silentLog, timeoutMs: 20_000 }),
      ),
    );
    return new ChangesCluster(local, directory);
  }

  async stop(): Promise<void> {
    await Promise.all(Object.values(this.pools).map((pool) => pool.end().catch(() => undefined)));
    await this.local.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  query(replica: string, text: string, values: unknown[] = []): Promise<pg.QueryResult> {
    return this.pools[replica]!.query(text, values);
  }

  /** Writes the cell and its log row in one statement, and wakes the feeds, unless told to be quiet. */
  async put(
    replica: string,
    row: { tenant: string; key: string; cell: Cell },
    how: { client?: pg.PoolClient; quiet?: boolean } = {},
  ): Promise<void> {
    const { siblings, context } = encodeCell(row.cell);
    const values = [row.tenant, 'k', row.key, siblings, context, digestOf(row.cell)];
    await (how.client ?? this.pools[replica]!).query(swap, values);
    if (how.client === undefined && how.quiet !== true)
      await this.query(replica, `select pg_notify('quorate_changes', '')`);
  }

  /** Several states of one key, one after the other, in two statements; no feed is woken. */
  async putAtOnce(
    replica: string,
    { tenant, key, cells }: { tenant: string; key: string; cells: readonly Cell[] },
  ): Promise<void> {
    const texts = cells.map(encodeCell);
    const earlier = texts.slice(0, -1);
    await this.query(replica, logged, [
      tenant,
      'k',
      key,
      earlier.map(({ siblings }) => siblings),
      earlier.map(({ context }) => context),
    ]);
    await this.put(replica, { tenant, key, cell: cells.at(-1)! }, { quiet: true });
  }

  /** The same write reaches all three. */
  async putAll(row: { tenant: string; key: string; cell: Cell }): Promise<void> {
    for (const id of ids) await this.put(id, row);
  }

  sources(connectMs = 1000, answerMs = 2000): readonly ChangeSource[] {
    return this.local.replicas.map(({ id, url }) =>
      postgresChangeSource({ id, url, clock: systemClock, connectMs, answerMs }),
    );
  }

  /** One gateway's feed. */
  gateway(settings: Partial<FeedSettings> = {}, keyspace: Partial<Keyspace> = {}) {
    const sources = this.sources();
    return createFeed({
      clock: systemClock,
      random: systemRandom,
      log: silentLog,
      metrics: createMetrics(),
      sealer,
      sources: () => sources,
      store: this.#store(keyspace),
      replicasOf: () => ids,
      sessionAfter: () => 'session',
      settings: { readyMs: 1500, ...settings },
    });
  }

  #store(settings: Partial<Keyspace>): Pick<Store, 'keyspace' | 'get' | 'range'> {
    const keyspaceOf = (tenant: string): Keyspace => ({
      ...keyspaceDefaults,
      tenant,
      name: 'k',
      storageName: 'k',
      ...settings,
    });
    const read = async (tenant: string): Promise<Map<string, Cell>> => {
      const cells = new Map<string, Cell>();
      for (const id of ids) {
        const { rows } = await this.query(
          id,
          `select key, siblings, context from cells where tenant = $1 order by key`,
          [tenant],
        );
        for (const row of rows as { key: string; siblings: string; context: string }[]) {
          cells.set(
            row.key,
            policies.SIBLINGS.join(cells.get(row.key) ?? emptyCell, decodeCell(row)),
          );
        }
      }
      return cells;
    };
    const receipt = { answered: 3 } as never;
    return {
      keyspace: async ({ tenant }, name) => (name === 'k' ? keyspaceOf(tenant) : undefined),
      get: async ({ tenant }, { key }) => {
        const cell = (await read(tenant)).get(key) ?? emptyCell;
        return {
          entry: entryOf(keyspaceOf(tenant), key, { cell, nowMs: 0 }),
          receipt,
          session: '',
        };
      },
      range: async ({ tenant }, { first = 100, after }) => {
        const all = [...(await read(tenant))].filter(([key]) => after === undefined || key > after);
        const edges = all.slice(0, first).map(([key, cell]) => ({
          entry: entryOf(keyspaceOf(tenant), key, { cell, nowMs: 0 }),
          cursor: key,
        }));
        return {
          edges,
          hasNextPage: all.length > first,
          hasPreviousPage: false,
          receipt,
          session: '',
        };
      },
    };
  }
}

/** The key that all gateways of the tests share. */
export const sealer = createSealer(['test key']);

const swap = `
  with written as (
    insert into cells (tenant, keyspace, key, siblings, context, digest) values ($1, $2, $3, $4, $5, $6)
    on conflict (tenant, keyspace, key) do update set siblings = excluded.siblings, context = excluded.context, digest = excluded.digest
    returning tenant, keyspace, key, siblings, context
  ) insert into changes (tenant, keyspace, key, siblings, context) select * from written`;

const logged = `
  insert into changes (tenant, keyspace, key, siblings, context)
  select $1, $2, $3, siblings, context
  from unnest($4::text[], $5::text[]) with ordinality as state (siblings, context, nth) order by nth`;

/** Takes events as they come, and keeps them. */
export class Listener {
  readonly events: ChangeEvent[] = [];
  readonly #iterator: AsyncIterableIterator<ChangeEvent>;
  #changed: () => void = () => undefined;

  constructor(iterator: AsyncIterableIterator<ChangeEvent>) {
    this.#iterator = iterator;
    void this.#run();
  }

  static async open(
    feed: ReturnType<ChangesCluster['gateway']>,
    tenant: string,
    what: Partial<ChangesArguments> = {},
  ): Promise<Listener> {
    const listener = new Listener(await feed.subscribe({ tenant }, { keyspace: 'k', ...what }));
    // Of two thousand that are opened at once, on a busy machine.
    await listener.until(() => listener.events.length > 0, 'the first bookmark', 150_000);
    return listener;
  }

  get cursor(): string {
    return this.events.at(-1)!.cursor;
  }

  /** What was told, in short: `key=value+value`, `bookmark`, `gap`. */
  get told(): string[] {
    return this.events.map((event) => {
      if (event.__typename === 'FeedBookmark') return 'bookmark';
      if (event.__typename === 'FeedGap') return 'gap';
      const values = event.entry.live.map(({ value }) => String(JSON.parse(value ?? '"-"'))).sort();
      return `${event.entry.key}=${values.join('+')}`;
    });
  }

  get changes(): string[] {
    return this.told.filter((text) => text.includes('='));
  }

  async until(done: () => boolean, what: string, limitMs = 45_000): Promise<void> {
    const endMs = systemClock.monotonicMs() + limitMs;
    while (!done()) {
      if (systemClock.monotonicMs() > endMs)
        throw new Error(
          `in ${limitMs} ms there was not: ${what}; told: ${this.told.slice(-12).join(', ')}`,
        );
      await Promise.race([
        systemClock.sleep(20),
        new Promise<void>((resolve) => (this.#changed = resolve)),
      ]);
    }
  }

  async untilTold(text: string): Promise<void> {
    await this.until(() => this.told.includes(text), text);
  }

  /** Nothing is told for a while. */
  async quiet(forMs = 400): Promise<void> {
    await systemClock.sleep(forMs);
  }

  async stop(): Promise<void> {
    await this.#iterator.return?.();
  }

  async #run(): Promise<void> {
    for await (const event of this.#iterator) {
      this.events.push(event);
      this.#changed();
    }
  }
}
