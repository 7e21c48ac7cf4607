import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { migrate } from '../../src/replica/postgres/migrate.ts';
import { emptyCell } from '../../src/causality/cell.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { type TestCluster, queryOnce, startTestCluster } from '../support/cluster.ts';
import { runProgram } from '../support/process.ts';
import { eventually, openReplica } from '../support/store.ts';

const own = fileURLToPath(new URL('../../migrations/', import.meta.url));
const names = readdirSync(own).filter((name) => name.endsWith('.sql'));

let cluster: TestCluster;
let directory: string;
let url: string;
let databases = 0;

beforeAll(async () => {
  cluster = await startTestCluster({ replicas: 1, migrated: false });
});
afterAll(() => cluster.stop());

beforeEach(async () => {
  const database = `m${(databases += 1)}`;
  await cluster.query('replica-1', `create database ${database}`);
  url = cluster.url('replica-1').replace(/\/quorate$/, `/${database}`);
  directory = mkdtempSync(join(tmpdir(), 'quorate-migrations-'));
  for (const name of names) copyFileSync(join(own, name), join(directory, name));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const options = (timeoutMs = 10_000) => ({ replica: 'r', log: silentLog, timeoutMs, directory });

test('the migrations of the program make the tables, once', async () => {
  expect(await migrate(url, { replica: 'r', log: silentLog, timeoutMs: 10_000 })).toEqual(names);
  expect(await migrate(url, options())).toEqual([]);
  const recorded = await queryOnce(url, 'select name from migrations order by name');
  expect(recorded).toEqual(names.map((name) => ({ name })));
  expect(await queryOnce(url, 'select count(*)::int as rows from replica')).toEqual([{ rows: 1 }]);
});

test('of six processes that start at once, each migration is applied by one', async () => {
  const programs = Array.from({ length: 6 }, () =>
    runProgram('test/local-cluster/migrate-once.ts', [url]),
  );
  const counts = await Promise.all(programs.map((program) => program.says(/applied (\d+)/)));
  const total = counts.reduce((sum, found) => sum + Number(found[1]), 0);
  expect(total).toBe(names.length);
  expect(await Promise.all(programs.map(({ ended }) => ended))).toEqual([0, 0, 0, 0, 0, 0]);
});

test('a migration that was changed after it was applied is refused by name', async () => {
  await migrate(url, options());
  writeFileSync(join(directory, names[0]!), 'select 1;');
  await expect(migrate(url, options())).rejects.toThrow(
    `Migration ${names[0]} was changed after it was applied to r: restore the file`,
  );
});

test('line endings are not a change', async () => {
  writeFileSync(join(directory, '9000_lines.sql'), 'create table a (b int);\n\n');
  await migrate(url, options());
  writeFileSync(join(directory, '9000_lines.sql'), 'create table a (b int);\r\n\r\n');
  expect(await migrate(url, options())).toEqual([]);
});

test('a database that a newer program has migrated is refused', async () => {
  writeFileSync(join(directory, '9999_future.sql'), 'create table future (a int);');
  await migrate(url, options());
  rmSync(join(directory, '9999_future.sql'));
  await expect(migrate(url, options())).rejects.toThrow(
    'r was migrated by a newer Quorate (it has 9999_future.sql, which this one does not know)',
  );
});

test('a migration that is numbered before an applied one is refused', async () => {
  await migrate(url, options());
  writeFileSync(join(directory, '0000_late.sql'), 'select 1;');
  await expect(migrate(url, options())).rejects.toThrow('give it a later number');
});

test('a migration that fails leaves nothing of itself, and the ones before it in place', async () => {
  const broken = join(directory, '9001_broken.sql');
  writeFileSync(broken, 'create table half (a int); select nonsense();');
  await expect(migrate(url, options())).rejects.toThrow(
    /^Migration 9001_broken.sql failed on r: function nonsense\(\) does not exist/,
  );
  expect(await queryOnce(url, `select to_regclass('half') as half`)).toEqual([{ half: null }]);
  writeFileSync(broken, 'create table half (a int);');
  expect(await migrate(url, options())).toEqual(['9001_broken.sql']);
});

test('whoever cannot get the lock in time says so, and others are not disturbed', async () => {
  await migrate(url, options());
  const slow = join(directory, '9002_slow.sql');
  writeFileSync(slow, 'select pg_sleep(2);');
  const first = migrate(url, options());
  const locks = `select count(*)::int as n from pg_locks where locktype = 'advisory' and granted`;
  await eventually(async () => expect(await queryOnce(url, locks)).toEqual([{ n: 1 }]));
  await expect(migrate(url, options(300))).rejects.toThrow(
    'another program has been migrating it for more than 300 ms',
  );
  expect(await first).toEqual(['9002_slow.sql']);
});

test('a database that cannot be reached is one sentence without the password', async () => {
  const nowhere = 'postgres://quorate:secret@127.0.0.1:1/quorate';
  const failure = await migrate(nowhere, options()).catch((error: unknown) => error);
  expect(String(failure)).toMatch(/Cannot migrate r: .*ECONNREFUSED/);
  expect(String(failure)).not.toContain('secret');
});

test('a frozen database is given up in time', async () => {
  await cluster.freeze('replica-1');
  try {
    const startMs = performance.now();
    await expect(migrate(url, options(500))).rejects.toThrow(/^Cannot migrate r: .*timeout/);
    expect(performance.now() - startMs).toBeLessThan(5_000);
  } finally {
    await cluster.thaw('replica-1');
  }
});

// Guard: `identify` names the newest column (replica/postgres/identity-statements). Without it every write is refused from then on.
test('a database that is restored from before the latest migration, under a gateway that runs, is migrated again', async () => {
  const replica = openReplica({ id: 'r', zone: 'z', url });
  const ref = { tenant: 't', keyspace: 'k', key: 'a' };
  const nothing = { expected: 1n, next: emptyCell };
  const swap = () => replica.swap(ref, nothing, { deadlineMs: systemClock.monotonicMs() + 5_000 });
  expect(await swap()).toMatchObject({ status: 'mismatch' });
  await queryOnce(url, 'alter table changes drop column token');
  await queryOnce(url, `delete from migrations where name like '0013%'`);
  await queryOnce(
    url,
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
  );
  await eventually(async () => expect(await swap()).toMatchObject({ status: 'mismatch' }));
  await replica.close();
});
