import { startGateway } from '../../src/assemble.ts';
import { checkConfig, type ConfigInput } from '../../src/config.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { startTestCluster, type TestCluster } from './cluster.ts';
import { addresses, type Edge } from './edge.ts';

/** A gateway over real Postgres. */
export interface RealEdge extends Edge {
  readonly cluster: TestCluster;
  /** Another gateway over the same replicas. */
  another(): Promise<Edge>;
}

/** Three Postgres and one gateway as `dev` has them: tenant `demo`, keyspaces `demo` and `profiles`. */
export async function startRealEdge(changes: Partial<ConfigInput> = {}): Promise<RealEdge> {
  const cluster = await startTestCluster();
  const gateways: Edge[] = [];
  const another = async (): Promise<Edge> => {
    const gateway = await startGateway({
      config: configFor(cluster, changes),
      log: silentLog,
      mode: 'dev',
    });
    const edge = { ...addresses(gateway.port), close: () => gateway.drain() };
    gateways.push(edge);
    return edge;
  };
  const first = await another();
  return {
    ...first,
    cluster,
    another,
    async close() {
      await Promise.all(gateways.map((gateway) => gateway.close()));
      await cluster.stop();
    },
  };
}

function configFor({ replicas }: TestCluster, changes: Partial<ConfigInput>) {
  const input: ConfigInput = {
    replicas: replicas.map(({ id, url }) => ({ id, url })),
    signingKeys: ['a signing key for tests, long enough'],
    listen: { port: 0, host: '127.0.0.1' },
    auth: { anonymousTenant: 'demo' },
    keyspaces: [
      { tenant: 'demo', name: 'demo' },
      { tenant: 'demo', name: 'profiles', conflicts: 'LAST_WRITE_WINS' },
    ],
    ...changes,
  };
  return checkConfig(input, 'test');
}
