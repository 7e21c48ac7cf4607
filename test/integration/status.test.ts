import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { reportOfReplicas } from '../../src/cli/status-report.ts';
import { migrate } from '../../src/replica/postgres/migrate.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { startTestCluster, type TestCluster } from '../support/cluster.ts';
import { allWell, openStore } from '../support/store.ts';

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startTestCluster({ replicas: 2 });
}, 60_000);
afterAll(() => cluster.stop());

async function asked(): Promise<readonly (readonly [state: string, reason: string | null])[]> {
  const { replicas } = cluster;
  const report = await reportOfReplicas(
    { replicas, partitions: 16, replicationFactor: 2 },
    { timeoutMs: 10_000, clock: systemClock },
  );
  return report.replicas.map(({ state, reason }) => [state, reason]);
}

test('a replica that has lost its data is not called UP by whoever asks it directly', async () => {
  // Guard: `isFounded`. An empty database answers as fast as any.
  expect(await asked()).toEqual([
    ['UP', null],
    ['UP', null],
  ]);
  const gateway = openStore(cluster.replicas);
  await allWell(gateway);
  await gateway.store.createKeyspace({ tenant: 't' }, 'k', {});
  await gateway.close();
  await cluster.disks.wipe('replica-2');
  await migrate(cluster.url('replica-2'), {
    replica: 'replica-2',
    log: silentLog,
    timeoutMs: 30_000,
  });
  expect(await asked()).toEqual([
    ['UP', null],
    ['REPAIRING', 'it is empty, and its cluster is not'],
  ]);
}, 120_000);
