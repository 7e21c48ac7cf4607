import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { TestCluster } from '../support/cluster.ts';

/** Room for the change log of a long soak: only the filler fills it. */
const sizeMegabytes = 2_048;

/** A disk of its own for one replica, in memory and small enough to be filled to the last byte. */
export class SmallDisk {
  readonly replica: string;
  readonly #directory: string;

  private constructor(replica: string, directory: string) {
    this.replica = replica;
    this.#directory = directory;
  }

  /** Moves the data of a replica to a disk of its own; undefined where nobody may mount one. */
  static async under(cluster: TestCluster, replica: string): Promise<SmallDisk | undefined> {
    const directory = cluster.directoryOf(replica);
    if (process.platform !== 'linux' || process.getuid?.() !== 0) return undefined;
    const before = `${directory}.before`;
    await cluster.kill(replica);
    const { uid, gid, mode } = statSync(directory);
    renameSync(directory, before);
    mkdirSync(directory);
    try {
      mount(directory);
      chownSync(directory, uid, gid);
      chmodSync(directory, mode);
      execFileSync('cp', ['-a', `${before}/.`, directory]);
      rmSync(before, { recursive: true });
      const disk = new SmallDisk(replica, directory);
      // A run that is broken off must not leave a mount behind.
      process.once('exit', disk.#abandon);
      return disk;
    } catch {
      rmSync(directory, { recursive: true, force: true });
      renameSync(before, directory);
      return undefined;
    } finally {
      await cluster.restart(replica);
    }
  }

  /** Not one block is left. In a process of its own: clients and proxies go on meanwhile. */
  async fill(): Promise<void> {
    for (const [name, size] of [
      ['filler', '1M'],
      ['filler.rest', '4k'],
    ] as const) {
      const arguments_ = ['if=/dev/zero', `of=${join(this.#directory, name)}`, `bs=${size}`];
      await once(spawn('dd', arguments_, { stdio: 'ignore' }), 'close');
    }
  }

  free(): void {
    for (const name of ['filler', 'filler.rest'])
      rmSync(join(this.#directory, name), { force: true });
  }

  /** Its data is gone with it; the replica must not be running. */
  remove(): void {
    process.off('exit', this.#abandon);
    execFileSync('umount', ['--lazy', this.#directory], { stdio: 'ignore' });
  }

  readonly #abandon = (): void => this.remove();
}

function mount(directory: string): void {
  const options = `size=${sizeMegabytes}m`;
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', directory], { stdio: 'ignore' });
}
