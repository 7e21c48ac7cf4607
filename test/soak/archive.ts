import type { TestCluster } from '../support/cluster.ts';
import { everStored, type Logged } from './final-state.ts';

/**
 * What the change logs of disks said that are gone now: the checkers ask what any replica ever
 * stored.
 */
export class Archive {
  readonly #logged = new Map<string, Logged[]>();

  /** Reads the logs of a replica whose disk is about to be lost, and which nobody writes to. */
  async keep(cluster: TestCluster, replica: string, keyspaces: readonly string[]): Promise<void> {
    const replicas = cluster.replicas.filter(({ id }) => id === replica);
    for (const keyspace of keyspaces) {
      const logged = await everStored({ ...cluster, replicas }, keyspace);
      this.#logged.set(keyspace, [...(this.#logged.get(keyspace) ?? []), ...logged]);
    }
  }

  of(keyspace: string): readonly Logged[] {
    return this.#logged.get(keyspace) ?? [];
  }
}
