import type { LocalReplica } from '../../src/local-cluster/cluster.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';

/** The network between one gateway and the replicas: a proxy each, which faults break. */
export class Paths {
  readonly replicas: readonly LocalReplica[];
  readonly #proxies: ReadonlyMap<string, TcpProxy>;

  private constructor(replicas: readonly LocalReplica[], proxies: ReadonlyMap<string, TcpProxy>) {
    this.#proxies = proxies;
    this.replicas = replicas.map((replica) => ({
      ...replica,
      url: this.to(replica.id).url(replica.url),
    }));
  }

  static async open(replicas: readonly LocalReplica[]): Promise<Paths> {
    const proxies = await Promise.all(
      replicas.map(async ({ id, url }) => [id, await startTcpProxy(url)] as const),
    );
    return new Paths(replicas, new Map(proxies));
  }

  to(replica: string): TcpProxy {
    const proxy = this.#proxies.get(replica);
    if (!proxy) throw new Error(`there is no path to ${replica}`);
    return proxy;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#proxies.values()].map((proxy) => proxy.close()));
  }
}
