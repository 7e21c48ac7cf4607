import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chownSync,
  mkdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../src/runtime/clock.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { systemRandom } from '../../src/runtime/random.ts';
import { embeddedProvider } from '../../src/local-cluster/embedded-cluster.ts';
import { nameReplicas } from '../../src/local-cluster/cluster.ts';

/** Postgres servers of the same build and the same settings for everybody, durable. */
export interface Databases {
  readonly urls: readonly string[];
  readonly pids: () => readonly number[];
  stop(): Promise<void>;
}

/** What each one gets on top of what `quorate dev` gives its own. */
const settings = { max_connections: '120' };

export async function startPostgres(
  directory: string,
  count: number,
  more: Readonly<Record<string, string>> = {},
): Promise<Databases> {
  mkdirSync(directory, { recursive: true });
  const provider = embeddedProvider({
    dataDirectory: directory,
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    settings: { ...settings, ...more },
  });
  const cluster = await provider.start(nameReplicas(count));
  process.once('exit', () => cluster.abandon());
  const ids = cluster.replicas.map(({ id }) => id);
  return {
    urls: cluster.replicas.map(({ url }) => url),
    pids: () => ids.map((id) => pidIn(join(directory, id))),
    stop: () => cluster.stop(),
  };
}

/**
 * One primary and standbys that it waits for: `ANY 1` of two, as a write at QUORUM waits for one of
 * the other two replicas. Standbys are copies of the stopped primary's directory, which is what a base
 * backup of an idle server is.
 */
export async function startWithStandbys(
  directory: string,
  names: readonly string[],
): Promise<Databases> {
  const primaryDirectory = join(directory, 'primary');
  await (await startPostgres(primaryDirectory, 1)).stop();
  letReplicate(primaryDirectory);
  for (const name of names) copyAsStandby(primaryDirectory, join(directory, name));
  const primary = await startPostgres(primaryDirectory, 1, {
    synchronous_standby_names: `ANY 1 (${names.join(', ')})`,
  });
  const url = new URL(primary.urls[0] ?? '');
  const standbys = await Promise.all(
    names.map((name) =>
      startPostgres(join(directory, name), 1, {
        hot_standby: 'on',
        primary_conninfo: `host=${url.hostname} port=${url.port} user=${url.username} password=${decodeURIComponent(url.password)} application_name=${name}`,
      }),
    ),
  );
  return {
    urls: primary.urls,
    pids: () => [primary, ...standbys].flatMap(({ pids }) => pids()),
    async stop() {
      await Promise.all(standbys.map((standby) => standby.stop()));
      await primary.stop();
    },
  };
}

/** Standbys sign in as everybody does, from this machine. */
function letReplicate(primary: string): void {
  const [id = ''] = nameReplicas(1).map((one) => one.id);
  const line = 'host replication all 127.0.0.1/32 scram-sha-256\n';
  appendFileSync(join(primary, id, 'pg_hba.conf'), line);
}

/** `cp -a`: owners and modes stay, on which Postgres insists. */
function copyAsStandby(from: string, to: string): void {
  const { status, stderr } = spawnSync('cp', ['-a', from, to], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`cannot copy the primary: ${stderr}`);
  const [id = ''] = nameReplicas(1).map((one) => one.id);
  const signal = join(to, id, 'standby.signal');
  writeFileSync(signal, '');
  const { uid, gid } = statSync(join(from, id));
  chownSync(signal, uid, gid);
}

function pidIn(directory: string): number {
  return Number(readFileSync(join(directory, 'postmaster.pid'), 'utf8').split('\n')[0]);
}
