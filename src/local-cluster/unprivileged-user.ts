import { execFileSync, spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { ClusterError } from './cluster.ts';

/** Whom Postgres runs as when we are root, which it refuses to be. */
export interface UnprivilegedUser {
  readonly uid: number;
  readonly gid: number;
}

/**
 * The user for Postgres: none when we are an ordinary user ourselves; else `postgres`, made if it
 * is missing; else `nobody`, on systems without the tools to make one.
 */
export function unprivilegedUser(): UnprivilegedUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const user = lookUp('postgres') ?? create('postgres') ?? lookUp('nobody');
  if (user !== undefined) return user;
  throw new ClusterError(
    'Postgres does not run as root, and no user "postgres" could be created: run Quorate as an ordinary user.',
  );
}

/** Data that exists keeps its owner, even when a later start would have chosen another user. */
export function ownerOf(directory: string): UnprivilegedUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const found = statSync(directory, { throwIfNoEntry: false });
  return found === undefined || found.uid === 0 ? undefined : { uid: found.uid, gid: found.gid };
}

/** Whether the user may enter a directory; root's home, for one, lets nobody else pass. */
export function canEnter(user: UnprivilegedUser, directory: string): boolean {
  return spawnSync('/bin/sh', ['-c', 'cd "$0"', directory], { ...user, cwd: '/' }).status === 0;
}

function lookUp(name: string): UnprivilegedUser | undefined {
  try {
    const id = (flag: string) =>
      Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: 'pipe' }));
    return { uid: id('-u'), gid: id('-g') };
  } catch {
    return undefined;
  }
}

function create(name: string): UnprivilegedUser | undefined {
  const commands = [
    ['useradd', '--system', '--user-group', '--no-create-home', '--home-dir', '/nonexistent', name],
    ['adduser', '-S', '-D', '-H', name], // BusyBox
  ];
  for (const [command = '', ...options] of commands) {
    for (const directory of ['', '/usr/sbin', '/sbin']) {
      spawnSync(join(directory, command), options, { stdio: 'ignore' });
      const user = lookUp(name);
      if (user !== undefined) return user;
    }
  }
  return undefined;
}
