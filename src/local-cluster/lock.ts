import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ClusterError } from './cluster.ts';
import { findProcess } from './process-table.ts';

/** The right of one gateway process to run the databases of one data directory. */
export interface DirectoryLock {
  release(): void;
}

/**
 * Takes the data directory for this process, or says who has it.
 *
 * The lock names its holder by pid *and* start time, so that one left by `kill -9` is recognised as
 * stale even when its pid belongs to somebody else by now. A kernel lock would be simpler, but
 * Node.js offers none.
 */
export function lockDirectory(directory: string): DirectoryLock {
  const path = join(directory, 'gateway.lock');
  const own = join(directory, `gateway.lock.${process.pid}`);
  const mine = JSON.stringify({
    pid: process.pid,
    startedAt: findProcess(process.pid)?.startedAt ?? '',
  });
  writeFileSync(own, mine, { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < 5; attempt += 1) {
      if (tryLink(own, path)) return { release: () => releaseIfOurs(path, mine) };
      const held = read(path);
      const holder = parseHolder(held);
      if (holder !== undefined && findProcess(holder.pid)?.startedAt === holder.startedAt) {
        throw new ClusterError(
          `The data directory ${directory} is in use by a running Quorate (process ${holder.pid}): ` +
            'stop that one first, or choose another with --data-dir.',
        );
      }
      removeStale(path, own, held);
    }
  } finally {
    rmSync(own, { force: true });
  }
  throw new ClusterError(`The data directory ${directory} is being taken by another Quorate.`);
}

/** A hard link appears whole or not at all: nobody reads a half-written lock. */
function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Moves the stale lock away and looks again: what was moved may be the fresh lock of a competitor.
 */
function removeStale(path: string, own: string, held: string | undefined): void {
  const aside = `${own}.stale`;
  try {
    renameSync(path, aside);
    if (read(aside) !== held) tryLink(aside, path);
    rmSync(aside, { force: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function releaseIfOurs(path: string, mine: string): void {
  if (read(path) === mine) rmSync(path, { force: true });
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function parseHolder(text: string | undefined): { pid: number; startedAt: string } | undefined {
  try {
    const value = JSON.parse(text ?? '') as { pid: number; startedAt: string };
    return typeof value.pid === 'number' && typeof value.startedAt === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}
