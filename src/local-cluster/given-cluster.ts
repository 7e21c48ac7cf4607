import { ClusterError, type LocalCluster, type ReplicaProvider } from './cluster.ts';

/**
 * Databases that somebody else runs, by their URLs, in the order of the replicas that are wanted.
 *
 * They are used and never touched: stopping leaves them running, and faults are refused.
 */
export function givenProvider(urls: readonly string[]): ReplicaProvider {
  return {
    async start(wanted): Promise<LocalCluster> {
      const replicas = wanted.map(({ id, zone }, index) => {
        const url = urls[index];
        if (url !== undefined) return { id, zone, url };
        throw new ClusterError(
          `${wanted.length} replicas are wanted, and ${urls.length} Postgres URLs were given.`,
        );
      });
      const refuse = async (id: string): Promise<never> => {
        throw new ClusterError(`${id} was given by its URL: Quorate does not control its process.`);
      };
      const stop = async (): Promise<void> => undefined;
      return { replicas, kill: refuse, freeze: refuse, thaw: refuse, restart: refuse, stop };
    },
  };
}
