import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { NotHere } from '../harness/contender.ts';

/**
 * Installs the peers' packages beside this file, pinned by their own lock file: whoever installs the
 * product does not get them.
 */
export function installPeers(): void {
  const here = new URL('./', import.meta.url).pathname;
  if (existsSync(`${here}node_modules/.package-lock.json`)) return;
  process.stderr.write('installing the peers (npm ci in bench/peers)\n');
  const flags = ['ci', '--no-audit', '--no-fund', '--ignore-scripts'];
  const { status, stderr } = spawnSync('npm', flags, { cwd: here, encoding: 'utf8' });
  if (status !== 0) throw new NotHere(`npm ci in bench/peers has failed: ${stderr.slice(-500)}`);
}
