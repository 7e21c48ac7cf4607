import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { type LocalCluster, nameReplicas } from '../../src/local-cluster/cluster.ts';
import { dockerProvider } from '../../src/local-cluster/docker-cluster.ts';
import { EmbeddedCluster, embeddedProvider } from '../../src/local-cluster/embedded-cluster.ts';
import { givenProvider } from '../../src/local-cluster/given-cluster.ts';
import { migrate } from '../../src/replica/postgres/migrate.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { systemRandom } from '../../src/runtime/random.ts';
import { copiedDatabases } from './copied-database.ts';

export interface TestClusterOptions {
  readonly replicas?: number;
  readonly zones?: readonly string[];
  /** False leaves the databases as empty as initdb made them. */
  readonly migrated?: boolean;
  /** Postgres settings on top. */
  readonly settings?: Readonly<Record<string, string>>;
}

/**
 * A cluster of real Postgres databases for one test file. `kill`, `freeze`, `thaw`, `restart`,
 * `stop` as in LocalCluster.
 */
export interface TestCluster extends LocalCluster {
  /** What is done to disks; embedded databases only. */
  readonly disks: Pick<EmbeddedCluster, 'wipe' | 'copyDisk' | 'putDiskBack'>;
  /** Where an embedded database has its data. */
  directoryOf(id: string): string;
  /** The connection string of one replica. */
  url(id: string): string;
  /** Asks one replica directly, on a connection of its own. */
  query<Row extends pg.QueryResultRow>(
    id: string,
    sql: string,
    values?: readonly unknown[],
  ): Promise<readonly Row[]>;
}

/**
 * Starts databases on free ports in a temporary directory; `stop` removes both.
 *
 * Embedded binaries unless QUORATE_TEST_URLS (comma separated) names databases that may be filled,
 * or QUORATE_TEST_CLUSTER=docker asks for containers.
 */
export async function startTestCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'quorate-test-'));
  const cluster = await start(dataDirectory, options);
  const { replicas } = cluster;
  const url = (id: string): string => {
    const found = replicas.find((replica) => replica.id === id);
    if (found === undefined) throw new Error(`There is no replica called ${id}.`);
    return found.url;
  };
  if (options.migrated !== false) {
    await Promise.all(
      replicas.map(({ id }) =>
        migrate(url(id), { replica: id, log: silentLog, timeoutMs: 30_000 }),
      ),
    );
  }
  return {
    replicas,
    get disks() {
      if (cluster instanceof EmbeddedCluster) return cluster;
      throw new Error('only embedded databases have disks that a test can get at');
    },
    directoryOf: (id) => join(dataDirectory, id),
    url,
    kill: (id) => cluster.kill(id),
    freeze: (id) => cluster.freeze(id),
    thaw: (id) => cluster.thaw(id),
    restart: (id) => cluster.restart(id),
    query: (id, sql, values) => queryOnce(url(id), sql, values),
    async stop() {
      await cluster.stop();
      rmSync(dataDirectory, { recursive: true, force: true });
    },
  };
}

async function start(
  dataDirectory: string,
  { replicas = 3, zones, settings }: TestClusterOptions,
): Promise<LocalCluster> {
  const wanted = nameReplicas(replicas, zones);
  const urls = process.env['QUORATE_TEST_URLS'];
  if (urls !== undefined) return givenProvider(urls.split(',')).start(wanted);
  if (process.env['QUORATE_TEST_CLUSTER'] === 'docker') return dockerProvider().start(wanted);
  const provider = embeddedProvider({
    dataDirectory,
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    fill: copiedDatabases(dataDirectory),
    // kill -9 keeps the page cache, so no fault of these tests can tell whether fsync was called; a
    // slow disk can.
    settings: { fsync: 'off', full_page_writes: 'off', ...settings },
  });
  const cluster = await provider.start(wanted);
  // A test run that is interrupted must not leave databases running.
  process.once('exit', () => cluster.abandon());
  return cluster;
}

/** One statement on a connection of its own, which is closed again. */
export async function queryOnce<Row extends pg.QueryResultRow>(
  url: string,
  sql: string,
  values: readonly unknown[] = [],
): Promise<readonly Row[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Row>(sql, [...values])).rows;
  } finally {
    await client.end();
  }
}
