import { spawn } from 'node:child_process';
import {
  appendFileSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { ClusterError } from './cluster.ts';
import { explainPostgres } from './explain.ts';
import { borrow, postgresEnvironment } from './handed-directory.ts';
import type { PostgresBinaries } from './postgres-binaries.ts';
import type { UnprivilegedUser } from './unprivileged-user.ts';

/** The database and its owner, the same in every replica of a local cluster. */
export const databaseName = 'quorate';

export interface NewDirectory {
  readonly id: string;
  /** Where the Postgres data directory will be. */
  readonly directory: string;
  readonly logFile: string;
  readonly password: string;
  readonly binaries: PostgresBinaries;
  readonly user: UnprivilegedUser | undefined;
}

/** Fills a new, empty directory with a database cluster that is not running. */
export type FillDirectory = (wanted: NewDirectory) => Promise<void>;

/**
 * Makes the data directory of one replica if there is none; `fill` says how, `initialise` unless a
 * caller has a faster way.
 *
 * Made under another name and renamed when it is whole, so that an interrupted start leaves nothing
 * half-made in its place.
 */
export async function ensureDirectory(
  wanted: NewDirectory,
  fill: FillDirectory = initialise,
): Promise<void> {
  const { id, directory, binaries } = wanted;
  const versionFile = join(directory, 'PG_VERSION');
  if (existsSync(versionFile)) {
    const major = Number.parseInt(readFileSync(versionFile, 'utf8'), 10);
    if (major === binaries.major) return;
    throw new ClusterError(
      `The data of ${id} in ${directory} was written by Postgres ${major}, and this is Postgres ${binaries.major}: ` +
        'move it away, upgrade it with pg_upgrade, or choose another --data-dir.',
    );
  }
  if (existsSync(directory) && readdirSync(directory).length > 0) {
    throw new ClusterError(
      `Cannot make ${id}: ${directory} is not empty and holds no Postgres data.`,
    );
  }
  const unfinished = `${directory}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { mode: 0o700 });
  try {
    await fill({ ...wanted, directory: unfinished });
    rmSync(directory, { recursive: true, force: true }); // at most an empty directory
    renameSync(unfinished, directory);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    throw error;
  }
}

/** With owners and modes, which Postgres insists on. */
export async function copyDirectory(from: string, to: string): Promise<void> {
  const code = await new Promise((done) => {
    const child = spawn('cp', ['-a', from, to], { stdio: 'ignore' });
    child.on('error', done);
    child.on('close', done);
  });
  if (code !== 0) throw new ClusterError(`Cannot copy ${from} to ${to}.`);
}

/** As `initdb` does: UTF-8, byte order, a password, and the database `quorate`. */
export async function initialise(wanted: NewDirectory): Promise<void> {
  const { directory, binaries, user, password } = wanted;
  if (user !== undefined) chownSync(directory, user.uid, user.gid);
  // "trust" only until pg_hba.conf is replaced below, and no server runs before that.
  const options = ['--auth=trust', '--encoding=UTF8', '--locale=C', '--no-instructions'];
  await run(wanted, {
    program: binaries.initdb,
    options: [`--username=${databaseName}`, ...options],
  });
  writeFileSync(
    join(directory, 'pg_hba.conf'),
    '# Written by Quorate: this machine only, with a password.\nhost all all 127.0.0.1/32 scram-sha-256\n',
  );
  await run(wanted, {
    program: binaries.postgres,
    options: ['--single', '-c', 'log_statement=none'],
    last: 'template1',
    // On standard input, because every user of the machine can read a command line.
    input: `alter role ${databaseName} password '${password}';\ncreate database ${databaseName};\n`,
  });
}

interface Command {
  readonly program: string;
  readonly options: readonly string[];
  readonly last?: string;
  readonly input?: string;
}

async function run(
  wanted: NewDirectory,
  { program, options, last, input }: Command,
): Promise<void> {
  const borrowed = borrow(wanted.directory, wanted.user);
  const [first = '', ...rest] = options;
  const parameters = [first, '-D', borrowed.path, ...rest, ...(last === undefined ? [] : [last])];
  try {
    const { code, output } = await new Promise<{ code: number | null; output: string }>((done) => {
      const child = spawn(program, parameters, {
        ...wanted.user,
        cwd: wanted.directory,
        env: postgresEnvironment,
        stdio: ['pipe', 'pipe', 'pipe', ...borrowed.stdio],
        detached: true, // a Ctrl-C at the terminal must not tear it apart half-way
      });
      let output = '';
      child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
      child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
      child.on('error', (error) => done({ code: null, output: `error: ${error.message}` }));
      child.on('close', (code) => done({ code, output }));
      child.stdin?.on('error', () => undefined); // it ended before it read: its exit code tells
      child.stdin?.end(input ?? '');
    });
    // The single-user backend goes on after an error, and ends with 0.
    if (code === 0 && !/\b(ERROR|FATAL|PANIC):/.test(output)) return;
    appendFileSync(wanted.logFile, output, { mode: 0o600 });
    throw new ClusterError(explainPostgres(output, wanted));
  } finally {
    borrowed.release();
  }
}
