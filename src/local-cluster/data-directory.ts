import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Random } from '../runtime/random.ts';
import { ClusterError, type LocalReplica, type WantedReplica } from './cluster.ts';
import { explainFileError } from './explain.ts';

/** What one data directory remembers of its cluster, in `cluster.json`. */
export interface ClusterRecord {
  readonly replicas: readonly RememberedReplica[];
}

export interface RememberedReplica {
  readonly id: string;
  readonly zone?: string | undefined;
  /** Kept over restarts, so that connection strings that were noted down go on working. */
  readonly port: number;
}

/** Makes the data directory and proves that it can be written to; returns its absolute path. */
export function openDataDirectory(path: string): string {
  const directory = resolve(path);
  return inDirectory(directory, () => {
    makeDirectory(directory);
    return directory;
  });
}

/** Does something to the file system whose failures are the data directory's. */
export function inDirectory<T>(directory: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw explainFileError(error, directory);
  }
}

/** A secret that is made at the first start and kept, readable by its owner only. */
export function rememberedSecret(directory: string, name: string, random: Random): string {
  const path = join(directory, name);
  return inDirectory(directory, () => {
    const found = readIfThere(path)?.trim();
    if (found !== undefined && found !== '') return found;
    const secret = random.hex(24);
    writeWhole(path, `${secret}\n`);
    return secret;
  });
}

/** What is remembered; undefined in a new directory. */
export function readClusterRecord(directory: string): ClusterRecord | undefined {
  const path = join(directory, 'cluster.json');
  const text = inDirectory(directory, () => readIfThere(path));
  if (text === undefined) return undefined;
  try {
    const record = JSON.parse(text) as ClusterRecord;
    const whole = record.replicas.every(({ id, port }) => /^[\w-]+$/.test(id) && port > 0);
    if (whole && record.replicas.length > 0) return record;
  } catch {
    // told below
  }
  throw new ClusterError(
    `${path} is not what Quorate wrote there: restore it, or move the data away.`,
  );
}

export function writeClusterRecord(directory: string, record: ClusterRecord): void {
  const text = `${JSON.stringify(record, undefined, 2)}\n`;
  inDirectory(directory, () => writeWhole(join(directory, 'cluster.json'), text));
}

/**
 * Refuses to start a cluster over data that was placed on another one.
 *
 * With fewer replicas, or in other zones, keys would be looked for where they are not; moving them
 * is not built yet.
 */
export function refuseOtherTopology(
  directory: string,
  record: ClusterRecord,
  wanted: readonly WantedReplica[],
): void {
  const picture = (replicas: readonly WantedReplica[]): string =>
    replicas.map(({ id, zone }) => (zone === undefined ? id : `${id} in ${zone}`)).join(', ');
  if (picture(record.replicas) === picture(wanted)) return;
  throw new ClusterError(
    `The data in ${directory} is placed on ${picture(record.replicas)}, and cannot be moved to ` +
      `${picture(wanted)} yet: leave out --replicas and --zones, or choose another --data-dir.`,
  );
}

/** The connection strings of a local cluster, as its data directory remembers them. */
export function rememberedReplicas(path: string): readonly LocalReplica[] {
  const directory = resolve(path);
  const record = readClusterRecord(directory);
  const password = inDirectory(directory, () => readIfThere(join(directory, 'password'))?.trim());
  if (record === undefined || password === undefined) {
    throw new ClusterError(
      `There is no local cluster in ${directory}: start one with "quorate dev", or name a --config.`,
    );
  }
  return record.replicas.map(({ id, zone, port }) => ({ id, zone, url: urlOf(port, password) }));
}

/** The connection string of a replica of a local cluster. */
export function urlOf(port: number, password: string): string {
  return `postgres://quorate:${password}@127.0.0.1:${port}/quorate`;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** All or nothing: a full disk must not leave half a file where a whole one was. */
function writeWhole(path: string, text: string): void {
  const fresh = `${path}.new`;
  writeFileSync(fresh, text, { mode: 0o600, flush: true });
  renameSync(fresh, path);
}

/** Not `recursive: true`, which never returns for a directory under /proc (Node.js 24). */
function makeDirectory(directory: string): void {
  if (existsSync(directory)) return void readdirSync(directory); // which a file refuses
  if (!existsSync(dirname(directory))) makeDirectory(dirname(directory));
  mkdirSync(directory);
}
