import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { AssembledStore } from '../../src/assemble-store.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { startTestCluster, type TestCluster } from '../support/cluster.ts';
import { allWell, eventually, openStore, pause } from '../support/store.ts';

const me = { tenant: 'acme' };
const victim = 'replica-2';
const identity = { settleMs: 2_500 };
let cluster: TestCluster;
let gateways: AssembledStore[] = [];

beforeAll(async () => {
  cluster = await startTestCluster();
  gateways = [1, 2].map(() => openStore(cluster.replicas, { identity }));
  await allWell(...gateways);
  await gateways[0]!.store.createKeyspace(me, 'carts', {});
}, 120_000);
afterAll(async () => {
  await Promise.all(gateways.map((gateway) => gateway.close()));
  await cluster.stop();
});

const stateAt = ({ store }: AssembledStore) =>
  store.cluster().replicas.find(({ id }) => id === victim)!.state;
const read = ({ store }: AssembledStore) =>
  store.get(me, { keyspace: 'carts', key: 'k' }, { level: 'ALL', timeoutMs: 500 });

test('a replica that one gateway has admitted again has its vote at the other one too', async () => {
  // Guard: `#lookAgain` goes by what the replica stands as here. A look that somebody else makes at
  // its register says that it is admitted, and gives it no vote; after that nobody looked any more.
  const [, second] = gateways;
  await eventually(() => Promise.all(gateways.map(read)), 30_000);
  await cluster.disks.wipe(victim);
  const replica = second!.cluster.replicas.find(({ id }) => id === victim)!;
  let isOver: boolean = false;
  const isStopped = (): boolean => isOver;
  const looking = (async () => {
    while (!isStopped()) {
      await replica.register
        .look({ deadlineMs: systemClock.monotonicMs() + 500 })
        .catch(() => undefined);
      await pause(5);
    }
  })();
  try {
    await eventually(async () => {
      await read(second!).catch(() => undefined);
      expect(stateAt(second!)).toBe('REPAIRING');
    }, 30_000);
    await eventually(async () => {
      await Promise.all(gateways.map((gateway) => read(gateway).catch(() => undefined)));
      expect(gateways.map(stateAt)).toEqual(['UP', 'UP']);
    }, 40_000);
  } finally {
    isOver = true;
    await looking;
  }
}, 120_000);
