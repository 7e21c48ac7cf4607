import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { freePorts } from '../../src/local-cluster/free-port.ts';
import { queryOnce, startTestCluster } from '../support/cluster.ts';
import { type RunningProgram, processesIn, runProgram } from '../support/process.ts';
import { eventually } from '../support/store.ts';

let directory: string;
let data: string;
const running: RunningProgram[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'quorate dev '));
  data = join(directory, 'data');
});
afterEach(async () => {
  for (const program of running.splice(0)) {
    program.child.kill('SIGTERM');
    await program.ended;
  }
  rmSync(directory, { recursive: true, force: true });
});

function quorate(args: readonly string[], env: Record<string, string> = {}): RunningProgram {
  const program = runProgram('src/main.ts', args, env);
  running.push(program);
  return program;
}

const ready = /Quorate is ready at (\S+)/;

async function ask(url: string, query: string): Promise<unknown> {
  const response = await fetch(new URL('/graphql', url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  return response.json();
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const put = 'mutation { put(keyspace: "demo", key: "k", value: 7) { writeId } }';
const get =
  'query { get(keyspace: "demo", key: "k", consistency: ALL) { entry { current { value } } } }';
const seven = { data: { get: { entry: { current: { value: 7 } } } } };

describe('quorate dev', () => {
  test('serves, shows where, keeps its data, and is gone without a trace after SIGTERM', async () => {
    const first = quorate(['dev', '--port', '0', '--data-dir', data, '--zones', 'a,b,c']);
    const [, url = ''] = await first.says(ready);
    expect(await ask(url, put)).toMatchObject({ data: { put: { writeId: expect.any(String) } } });
    const shown = first.output().match(/postgres:\/\/\S+/g) ?? [];
    expect(shown).toHaveLength(3);
    const placed = await Promise.all(
      shown.map((connection) => queryOnce(connection, 'select key from cells')),
    );
    expect(placed.flat()).toContainEqual({ key: 'k' });
    expect(first.output()).not.toContain('\u001b['); // no colours into a pipe
    expect(statSync(join(data, 'signing-key')).mode & 0o077).toBe(0);

    const direct = /replica-2 +b +UP +[0-9a-f-]{36} +256 +0 +0 s +[\d.]+ ms +[\d.]+ ms/;
    // A replica that was slow to take the put has a hint until it is delivered.
    const status = await eventually(async () => {
      const found = quorate(['status', '--data-dir', data]);
      expect(await found.ended).toBe(0);
      expect(found.output()).toMatch(direct);
      return found;
    }, 30_000);
    expect(status.output()).toContain('256 partitions, asked directly');

    const asked = quorate(['status', '--url', url]);
    expect(await asked.ended).toBe(0);
    expect(asked.output()).toMatch(direct);
    expect(asked.output()).toContain('256 partitions, epoch 1, as this gateway sees them');
    expect(asked.output()).not.toContain('\u001b[');

    const told = quorate(['status', '--json'], { QUORATE_URL: url });
    expect(await told.ended).toBe(0);
    expect(JSON.parse(told.output())).toMatchObject({
      source: 'gateway',
      replicas: [{ id: 'replica-1' }, { state: 'UP', openHints: 0, lagMs: 0 }, { zone: 'c' }],
    });

    first.child.kill('SIGTERM');
    expect(await first.ended).toBe(0);
    expect(processesIn(directory)).toEqual([]);

    const second = quorate(['dev', '--port', '0', '--data-dir', data]);
    const [, again = ''] = await second.says(ready);
    expect(await ask(again, get)).toEqual(seven);
    expect(second.output()).toContain('replica-2 (b)'); // remembered
  }, 180_000);

  test('goes on where a gateway was killed, with all it had acknowledged', async () => {
    const first = quorate(['dev', '--replicas', '1', '--port', '0', '--data-dir', data]);
    const [, url = ''] = await first.says(ready);
    await ask(url, put);
    first.child.kill('SIGKILL');
    await first.ended;
    const second = quorate(['dev', '--replicas', '1', '--port', '0', '--data-dir', data]);
    const [, again = ''] = await second.says(ready);
    expect(await ask(again, get)).toEqual(seven);
    second.child.kill('SIGINT');
    expect(await second.ended).toBe(0);
    expect(processesIn(directory)).toEqual([]);
  });

  test('stops cleanly when it is told to before it is ready', async () => {
    const program = quorate(['dev', '--replicas', '1', '--port', '0', '--data-dir', data]);
    // Its Postgres is being started, and nothing has been said yet.
    while (processesIn(directory).length === 0) await new Promise((wake) => setTimeout(wake, 20));
    expect(program.output()).not.toMatch(ready);
    program.child.kill('SIGINT');
    expect(await program.ended).toBe(0);
    expect(processesIn(directory)).toEqual([]);
  });

  test('says that its port is busy in one sentence, and leaves nothing running', async () => {
    const [port = 0] = await freePorts([undefined]);
    const stranger = createServer();
    await new Promise<void>((done) => stranger.listen(port, '127.0.0.1', done));
    try {
      const program = quorate(['dev', '--replicas', '1', '--data-dir', data], {
        PORT: String(port),
      });
      expect(await program.ended).toBe(1);
      expect(program.output()).toMatch(new RegExp(`^quorate: .*${port}.*\\n$`));
      expect(processesIn(directory)).toEqual([]);
    } finally {
      stranger.close();
    }
  });

  test('refuses a second one on the same directory, and the first does not notice', async () => {
    const first = quorate(['dev', '--replicas', '1', '--port', '0', '--data-dir', data]);
    const [, url = ''] = await first.says(ready);
    const second = quorate(['dev', '--replicas', '1', '--port', '0', '--data-dir', data]);
    expect(await second.ended).toBe(1);
    expect(second.output()).toMatch(/^quorate: The data directory .* is in use by .*\n$/);
    expect(await ask(url, put)).toMatchObject({ data: { put: {} } });
  });

  test('says that its directory is not one in one sentence', async () => {
    writeFileSync(data, 'a file in the way');
    const program = quorate(['dev', '--data-dir', data]);
    expect(await program.ended).toBe(1);
    expect(program.output()).toMatch(/^quorate: Cannot make the data directory .*\n$/);
  });
});

describe('the command line', () => {
  test('--help names every command, and --help of a command every option', async () => {
    const general = quorate(['--help']);
    expect(await general.ended).toBe(0);
    for (const name of ['dev', 'serve', 'migrate', 'repair', 'status', '--version']) {
      expect(general.output()).toContain(name);
    }
    const dev = quorate(['dev', '--help']);
    expect(await dev.ended).toBe(0);
    const options = ['--replicas', '--replication-factor', '--zones', '--port', '--data-dir'];
    for (const name of [...options, '--host']) expect(dev.output()).toContain(name);
  });

  test('--version is the one of the package', async () => {
    const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
    const program = quorate(['--version']);
    expect(await program.ended).toBe(0);
    expect(program.output().trim()).toBe((JSON.parse(text) as { version: string }).version);
  });

  test.each([
    [['fly'], 'There is no command "fly".'],
    [['--fly'], 'There is no option "--fly".'],
    [['dev', '--fly'], "Unknown option '--fly'."],
    [['dev', 'fast'], "Unexpected argument 'fast'."],
    [['dev', '--replicas', 'many'], '--replicas must be a whole number from 1 to 16'],
    [['dev', '--replicas', '2', '--replication-factor', '3', '--data-dir', '/tmp'], 'at most 2'],
    [['dev', '--zones', 'a,,b'], '--zones must be names separated by commas'],
    [['serve'], 'Name a configuration'],
  ])('%j is refused with exit code 2 and no stack', async (args, sentence) => {
    const program = quorate(args);
    expect(await program.ended).toBe(2);
    expect(program.output()).toContain(sentence);
    expect(program.output().trim().split('\n')).toHaveLength(1);
  });

  test('a configuration with mistakes is told with all of them, and exit code 1', async () => {
    const file = join(directory, 'quorate.yaml');
    writeFileSync(file, 'replicas: [{ id: a, url: "http://u:hunter2@h" }]\nspeed: 9\n');
    const program = quorate(['serve'], { QUORATE_CONFIG: file });
    expect(await program.ended).toBe(1);
    expect(program.output()).toContain(`${file}: replicas[0].url: must be a postgres:// URL\n`);
    expect(program.output()).toContain(`${file}: speed: not a setting that Quorate knows\n`);
    expect(program.output()).not.toContain('hunter2');
  });
});

test('quorate migrate, serve and status work on databases that somebody else runs', async () => {
  const cluster = await startTestCluster({ migrated: false });
  try {
    const file = join(directory, 'quorate.yaml');
    const { replicas } = cluster;
    const settings = {
      replicas: replicas.map(({ id, url }) => ({ id, url })),
      signingKeys: ['k'.repeat(32)],
      listen: { port: 0, host: '127.0.0.1' },
      auth: {
        anonymousTenant: 't',
        apiKeys: [{ tenant: 't', secretHash: sha256('an-operators-key'), role: 'OPERATOR' }],
      },
      keyspaces: [{ tenant: 't', name: 'demo' }],
      logLevel: 'warn',
    };
    writeFileSync(file, JSON.stringify(settings));

    const before = quorate(['status', '--config', file]);
    expect(await before.ended).toBe(1);
    expect(before.output()).toContain('not migrated');

    const migrated = quorate(['migrate', '--config', file]);
    expect(await migrated.ended).toBe(0);
    expect(migrated.output()).toMatch(/replica-1: applied .*0001/);

    const gateway = quorate(['serve', '--config', file]);
    const [, url = ''] = await gateway.says(ready);
    expect(await ask(url, put)).toMatchObject({ data: { put: {} } });
    const stranger = quorate(['status', '--url', url, '--config', file]);
    expect(await stranger.ended).toBe(1);
    expect(stranger.output()).toMatch(/does not tell: .*\. QUORATE_API_KEY must hold the key/);

    await cluster.kill('replica-2');
    const operator = { QUORATE_API_KEY: 'an-operators-key' };
    await eventually(async () => {
      const seen = quorate(['status', '--url', url, '--config', file], operator);
      expect(await seen.ended).toBe(1);
      expect(seen.output()).toMatch(/replica-1 .* UP .*\nreplica-2 .* DOWN .*\nreplica-3 .* UP /);
      expect(seen.output()).toMatch(/\nreplica-2: .*ECONNREFUSED/);
    });
    gateway.child.kill('SIGTERM');
    expect(await gateway.ended).toBe(0);

    const after = quorate(['status', '--url', url, '--config', file], operator);
    expect(await after.ended).toBe(1);
    expect(after.output()).toMatch(
      /^http.* does not answer as a gateway: .*; so the replicas were asked/,
    );
    expect(after.output()).toMatch(/replica-1 .* UP .*\nreplica-2 .* DOWN .*\nreplica-3 .* UP /);
    expect(after.output()).toMatch(/\nreplica-2: .*ECONNREFUSED/);
  } finally {
    await cluster.stop();
  }
}, 180_000);
