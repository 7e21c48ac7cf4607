import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { ClusterError, nameReplicas } from '../../src/local-cluster/cluster.ts';
import {
  type EmbeddedCluster,
  embeddedProvider,
} from '../../src/local-cluster/embedded-cluster.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { systemRandom } from '../../src/runtime/random.ts';
import { queryOnce } from '../support/cluster.ts';
import { copiedDatabases } from '../support/copied-database.ts';
import { processesIn, runProgram } from '../support/process.ts';

const around = { clock: systemClock, random: systemRandom, log: silentLog };
const undo: (() => unknown)[] = [];

afterEach(async () => {
  for (const task of undo.splice(0).reverse()) await task();
});

function temporaryDirectory(): string {
  // A space, because paths have them.
  const directory = mkdtempSync(join(tmpdir(), 'quorate test '));
  undo.push(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

async function start(dataDirectory: string, replicas = 1): Promise<EmbeddedCluster> {
  const provider = embeddedProvider({
    dataDirectory,
    ...around,
    fill: copiedDatabases(dataDirectory),
    settings: { fsync: 'off' },
  });
  const cluster = await provider.start(nameReplicas(replicas));
  undo.push(() => cluster.stop());
  return cluster;
}

const urlOf = (cluster: EmbeddedCluster): string => cluster.replicas[0]!.url;

describe('embedded databases', () => {
  test('speak UTF-8, sort by bytes, sync every commit, and listen on this machine only', async () => {
    const provider = embeddedProvider({ dataDirectory: temporaryDirectory(), ...around });
    const cluster = await provider.start(nameReplicas(1));
    undo.push(() => cluster.stop());
    const [row] = await queryOnce(
      urlOf(cluster),
      `select current_database() as database, current_setting('server_encoding') as encoding,
              current_setting('listen_addresses') as addresses, current_setting('fsync') as fsync,
              current_setting('synchronous_commit') as synchronous, 'Z' < 'a' as by_bytes,
              current_setting('unix_socket_directories') as sockets`,
    );
    expect(row).toEqual({
      database: 'quorate',
      encoding: 'UTF8',
      addresses: '127.0.0.1',
      fsync: 'on',
      synchronous: 'on',
      by_bytes: true,
      sockets: '',
    });
  });

  test('keep data, ports and password over a restart, each in its own directory', async () => {
    const directory = temporaryDirectory();
    const before = await start(directory, 3);
    for (const { url, id } of before.replicas) {
      await queryOnce(url, 'create table kept as select $1::text as id', [id]);
    }
    await before.stop();
    expect(processesIn(directory)).toEqual([]);

    const after = await start(directory, 3);
    expect(after.replicas).toEqual(before.replicas);
    for (const { url, id } of after.replicas) {
      expect(await queryOnce(url, 'select id from kept')).toEqual([{ id }]);
      expect(readFileSync(join(directory, id, 'PG_VERSION'), 'utf8').trim()).toBe('18');
    }
    expect(statSync(join(directory, 'password')).mode & 0o077).toBe(0);
  });

  test('need the password', async () => {
    const cluster = await start(temporaryDirectory());
    const wrong = urlOf(cluster).replace(/:[0-9a-f]+@/, ':guess@');
    await expect(queryOnce(wrong, 'select 1')).rejects.toThrow('password authentication failed');
  });

  test('come back on the same URL after kill -9, with what they had committed', async () => {
    const cluster = await start(temporaryDirectory());
    await queryOnce(urlOf(cluster), 'create table kept as select 1 as one');
    await cluster.kill('replica-1');
    await expect(queryOnce(urlOf(cluster), 'select 1')).rejects.toThrow('ECONNREFUSED');
    await cluster.restart('replica-1');
    expect(await queryOnce(urlOf(cluster), 'select one from kept')).toEqual([{ one: 1 }]);
  });

  test('accept connections and say nothing while frozen, and go on when thawed', async () => {
    const cluster = await start(temporaryDirectory());
    await cluster.freeze('replica-1');
    let answered = false;
    const answer = queryOnce(urlOf(cluster), 'select 1 as one').finally(() => (answered = true));
    await systemClock.sleep(300);
    expect(answered).toBe(false);
    await cluster.thaw('replica-1');
    expect(await answer).toEqual([{ one: 1 }]);
  });

  test('leave no process behind when they are stopped frozen', async () => {
    const directory = temporaryDirectory();
    const cluster = await start(directory);
    await cluster.freeze('replica-1');
    await cluster.stop();
    expect(processesIn(directory)).toEqual([]);
  });

  test('take another port when theirs is taken, and remember it', async () => {
    const directory = temporaryDirectory();
    const first = await start(directory);
    await first.stop();
    const port = Number(new URL(urlOf(first)).port);
    const stranger = createServer();
    await new Promise<void>((done) => stranger.listen(port, '127.0.0.1', done));
    undo.push(() => stranger.close());
    const second = await start(directory);
    expect(urlOf(second)).not.toBe(urlOf(first));
    expect(await queryOnce(urlOf(second), 'select 1 as one')).toEqual([{ one: 1 }]);
  });
});

describe('a data directory', () => {
  test('is taken over after kill -9 of its gateway, with its data', async () => {
    const directory = temporaryDirectory();
    const gateway = runProgram('test/local-cluster/hold.ts', [directory, '2']);
    const [, url = ''] = await gateway.says(/ready (\S+)/);
    await queryOnce(url, 'create table kept as select 1 as one');
    gateway.child.kill('SIGKILL');
    await gateway.ended;
    expect(processesIn(directory)).not.toEqual([]); // the orphans

    const cluster = await start(directory, 2);
    expect(urlOf(cluster)).toBe(url);
    expect(await queryOnce(url, 'select one from kept')).toEqual([{ one: 1 }]);
    await cluster.stop();
    expect(processesIn(directory)).toEqual([]);
  });

  test('is refused to a second gateway while the first lives, whose databases stay up', async () => {
    const directory = temporaryDirectory();
    const first = await start(directory);
    const second = runProgram('test/local-cluster/hold.ts', [directory]);
    await second.says(
      /^refused The data directory .* is in use by a running Quorate \(process \d+\)/,
    );
    expect(await second.ended).toBe(1);
    expect(await queryOnce(urlOf(first), 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test.each([
    ['a lock whose pid is somebody else’s by now', { pid: process.pid, startedAt: '1' }],
    ['a lock of a process that is gone', { pid: 4_194_000, startedAt: '1' }],
    ['a lock that is not one', 'nonsense'],
  ])('is not kept by %s', async (_, content) => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'gateway.lock'), JSON.stringify(content));
    const cluster = await start(directory);
    expect(cluster.replicas).toHaveLength(1);
  });

  test('with the pid file of another program’s pid starts all the same', async () => {
    const directory = temporaryDirectory();
    const cluster = await start(directory);
    const pidFile = join(directory, 'replica-1', 'postmaster.pid');
    const lines = readFileSync(pidFile, 'utf8').split('\n');
    await cluster.stop();
    writeFileSync(pidFile, [String(process.ppid), ...lines.slice(1)].join('\n'));
    expect((await start(directory)).replicas).toHaveLength(1);
  });

  test('of another number of replicas is refused: their keys are placed elsewhere', async () => {
    const directory = temporaryDirectory();
    await (await start(directory, 2)).stop();
    await expect(start(directory, 1)).rejects.toThrow('cannot be moved to replica-1 yet');
  });

  test('of another Postgres is refused with both versions', async () => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, 'replica-1'));
    writeFileSync(join(directory, 'replica-1', 'PG_VERSION'), '16\n');
    await expect(start(directory)).rejects.toThrow(
      /written by Postgres 16, and this is Postgres 18/,
    );
  });

  test('is not made over somebody’s files', async () => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, 'replica-1'));
    writeFileSync(join(directory, 'replica-1', 'thesis.txt'), 'years of work');
    await expect(start(directory)).rejects.toThrow('is not empty and holds no Postgres data');
    expect(readFileSync(join(directory, 'replica-1', 'thesis.txt'), 'utf8')).toBe('years of work');
  });

  test.each(['/proc/quorate', '/dev/null', '/dev/null/quorate'])(
    'that cannot be made at %s is one sentence',
    async (path) => {
      const failure = await start(path).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(ClusterError);
      expect((failure as Error).message).toMatch(
        /^Cannot (make|write to) the data directory .*\.$/,
      );
    },
  );

  test('in which one replica cannot start leaves none of the others running', async () => {
    const directory = temporaryDirectory();
    const ready = await start(directory, 2);
    await ready.stop();
    rmSync(join(directory, 'replica-2', 'global'), { recursive: true });
    await expect(start(directory, 2)).rejects.toThrow(/^The Postgres of replica-2 did not start: /);
    expect(processesIn(directory)).toEqual([]);
  });
});
