import { createHash, hash } from 'node:crypto';
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  copyDirectory,
  initialise,
  type FillDirectory,
  type NewDirectory,
} from '../../src/local-cluster/replica-directory.ts';
import { giveSystemIdentifier } from './system-identifier.ts';

/** Of every copied database: it is part of the pattern. */
const password = hash('sha256', 'the password of all copied databases').slice(0, 48);

/**
 * Fills the data directories of a cluster with copies of one that `initdb` made once on this machine:
 * a hundred databases are started by one run of the tests, and most of a start was spent there.
 * Every copy gets a system identifier of its own, as `initdb` would have given it.
 */
export function copiedDatabases(dataDirectory: string): FillDirectory {
  const file = join(dataDirectory, 'password');
  const isDirectory = statSync(dataDirectory, { throwIfNoEntry: false })?.isDirectory();
  if (isDirectory && !existsSync(file)) writeFileSync(file, `${password}\n`, { mode: 0o600 });
  return async (wanted) => {
    const pattern = await ensurePattern(wanted);
    rmSync(wanted.directory, { recursive: true });
    await copyDirectory(pattern, wanted.directory);
    giveSystemIdentifier(wanted.directory);
  };
}

/** Made under another name and renamed when it is whole: several test files may want it at once. */
async function ensurePattern(wanted: NewDirectory): Promise<string> {
  const { binaries, user } = wanted;
  const how = readFileSync(
    new URL('../../src/local-cluster/replica-directory.ts', import.meta.url),
  );
  const parts = [how, readFileSync(binaries.initdb), String(user?.uid), password];
  const name = parts.reduce((sum, part) => sum.update(part), createHash('sha256')).digest('hex');
  const place = join(tmpdir(), `quorate-test-pattern-${name.slice(0, 16)}`);
  if (existsSync(join(place, 'data'))) return join(place, 'data');
  const fresh = mkdtempSync(`${place}-`);
  if (user) chownSync(fresh, user.uid, user.gid);
  const directory = join(fresh, 'data');
  mkdirSync(directory, { mode: 0o700 });
  await initialise({ ...wanted, directory, password });
  try {
    renameSync(fresh, place);
  } catch {
    rmSync(fresh, { recursive: true }); // somebody was faster
  }
  return join(place, 'data');
}
