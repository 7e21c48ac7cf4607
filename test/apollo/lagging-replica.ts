import { startGateway, type Gateway } from '../../src/assemble.ts';
import { checkConfig } from '../../src/config.ts';
import { createTopology } from '../../src/placement/membership.ts';
import { createPlacement } from '../../src/placement/preference-list.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { startTestCluster, type TestCluster } from '../support/cluster.ts';
import { addresses, send, type Edge } from '../support/edge.ts';
import { eventually } from '../support/store.ts';
import { startDoor, startRoundRobin, type HeldDoor, type RoundRobin } from './doors.ts';

/** A key that has been written everywhere, and what its next writer must pass to replace that. */
export interface OldKey {
  readonly key: string;
  readonly context: string;
}

/**
 * Three Postgres, two gateways and a balancer before them; and one replica that lags: the first
 * gateway's writes do not reach it while `lag` lasts, and the second gateway asks it first.
 */
export interface LaggingReplica {
  readonly cluster: TestCluster;
  /** It writes, and does not see the lagging replica. */
  readonly writer: Edge;
  /** It sees all three. */
  readonly reader: Edge;
  readonly balancer: RoundRobin;
  readonly lag: Pick<HeldDoor, 'hold' | 'release'>;
  /** Keys that a read at ONE asks the lagging replica for, with the value "old" on all replicas. */
  oldKeys(count: number): Promise<readonly OldKey[]>;
  close(): Promise<void>;
}

const partitions = 256;

/**
 * Looks, with other keys each time, until the old value is among what was found. On a busy machine a gateway
 * takes the lagging replica for a slow one now and then, and asks another one first, or as well.
 *
 * What `look` itself expects must hold every time.
 */
export async function seesLag(look: () => Promise<readonly unknown[]>): Promise<void> {
  const untilMs = systemClock.monotonicMs() + 30_000;
  for (;;) {
    const found = await look();
    if (found.includes('old')) return;
    if (systemClock.monotonicMs() > untilMs)
      throw new Error(`nobody saw that the replica lags, but ${JSON.stringify(found)}`);
  }
}

export async function startLaggingReplica(): Promise<LaggingReplica> {
  const cluster = await startTestCluster();
  const [lagging] = cluster.replicas;
  const url = new URL(lagging!.url);
  const door = await startDoor({ host: url.hostname, port: Number(url.port) });
  const through = new URL(lagging!.url);
  through.hostname = '127.0.0.1';
  through.port = String(door.port);
  const urls = cluster.replicas.map((replica) => replica.url);
  const gateways: Gateway[] = [];
  const start = async (replicaUrls: readonly string[]): Promise<Edge> => {
    const config = checkConfig(
      {
        replicas: cluster.replicas.map(({ id }, at) => ({ id, url: replicaUrls[at]! })),
        partitions,
        signingKeys: ['a signing key that both gateways have'],
        listen: { port: 0, host: '127.0.0.1' },
        auth: { anonymousTenant: 'demo' },
        keyspaces: [{ tenant: 'demo', name: 'demo' }],
        // A hint that the other gateway delivers would end the lag before a slow browser has asked.
        repair: { hints: { enabled: false } },
      },
      'test',
    );
    const gateway = await startGateway({ config, log: silentLog, mode: 'dev' });
    gateways.push(gateway);
    return { ...addresses(gateway.port), close: () => gateway.drain() };
  };
  const writer = await start([through.href, ...urls.slice(1)]);
  const reader = await start(urls);
  const balancer = await startRoundRobin(gateways.map(({ port }) => port));
  const keys = keysOf(cluster);
  return {
    cluster,
    writer,
    reader,
    balancer,
    lag: door,
    async oldKeys(count) {
      const old = await Promise.all(
        Array.from({ length: count }, () => writeOld(reader, keys.next().value)),
      );
      await eventually(() => seeAskedFirst(reader, { key: old[0]!.key, replica: lagging!.id }));
      return old;
    },
    async close() {
      await balancer.close();
      await Promise.all(gateways.map((gateway) => gateway.drain()));
      await door.close();
      await cluster.stop();
    },
  };
}

/** Keys whose preference list begins with the lagging replica: a read of one answer asks that one. */
function* keysOf({ replicas: [lagging, ...others] }: TestCluster): Generator<string, never> {
  const members = [lagging!, ...others].map(({ id }) => ({ id }));
  const topology = createTopology({ epoch: 1, members, partitions });
  const placement = createPlacement(topology, {
    partitioner: 'CONSISTENT_HASH',
    replicationFactor: 3,
  });
  for (let number = 0; ; number++) {
    const key = `key-${number}`;
    const [first] = placement.preferenceList(placement.partitionOf(key));
    if (first?.replica === lagging!.id) yield key;
  }
}

/**
 * A replica whose answers were late a moment ago is asked after the others, as it should be; on a
 * busy machine that may be the lagging one, and then nobody would see that it lags.
 */
async function seeAskedFirst(
  reader: Edge,
  { key, replica }: { key: string; replica: string },
): Promise<void> {
  const query =
    'query($k: String!) { get(keyspace: "demo", key: $k, consistency: ONE) { receipt { replicas { replica status } } } }';
  const { data, text } = await send(reader, query, { variables: { k: key } });
  const { get } = data as unknown as { get: { receipt: { replicas: readonly Outcome[] } } };
  const asked = get.receipt.replicas.filter(({ status }) => status !== 'NOT_ASKED');
  if (asked.length === 1 && asked[0]?.replica === replica) return;
  throw new Error(`the lagging replica is not asked first: ${text}`);
}

interface Outcome {
  readonly replica: string;
  readonly status: string;
}

async function writeOld(reader: Edge, key: string): Promise<OldKey> {
  const query =
    'mutation($k: String!) { put(keyspace: "demo", key: $k, value: "old", consistency: ALL) { entry { current { context } } } }';
  const { data, text } = await send(reader, query, { variables: { k: key } });
  const { put } = data as unknown as { put?: { entry: { current: { context: string } } } };
  if (put === undefined) throw new Error(`could not write ${key}: ${text}`);
  return { key, context: put.entry.current.context };
}
