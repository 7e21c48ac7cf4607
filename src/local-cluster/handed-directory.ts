import { closeSync, constants, openSync } from 'node:fs';
import { canEnter, type UnprivilegedUser } from './unprivileged-user.ts';

/** A data directory under the path by which a Postgres process can reach it. */
export interface HandedDirectory {
  readonly path: string;
  /** What the process must inherit after stdin, stdout and stderr. */
  readonly stdio: readonly number[];
  release(): void;
}

/**
 * The directory as the user of Postgres can reach it.
 *
 * When root starts Quorate in its own home, the unprivileged user owns the data directory and may
 * still not walk to it. Rather than open root's home to everybody, we open the directory ourselves
 * and hand it over: /proc/self/fd/3 leads into it without passing its parents. Only Linux has that.
 */
export function borrow(directory: string, user: UnprivilegedUser | undefined): HandedDirectory {
  if (user === undefined || process.platform !== 'linux' || canEnter(user, directory)) {
    return { path: directory, stdio: [], release: () => undefined };
  }
  const descriptor = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  return {
    path: '/proc/self/fd/3',
    stdio: [descriptor],
    release: () => closeSync(descriptor),
  };
}

/** Nothing of ours reaches Postgres: PGDATA, PGPORT and the like would change what it does. */
export const postgresEnvironment: Readonly<Record<string, string>> = {
  PATH: process.env['PATH'] ?? '/usr/bin:/bin',
  LC_ALL: 'C',
  TZ: 'UTC',
};
