import { Client } from '../client.ts';
import type { Scenario } from '../scenario.ts';
import type { Faults } from '../world/nemesis.ts';
import { linearizable } from './linearizable.ts';
import { quorum } from './quorum.ts';

/** Longer than any request, so that whatever counted on a lost disk is over before it votes again. */
const identity = { settleMs: 1_000, callMs: 400 };

const faults: Faults = {
  crash: 1,
  isolate: 1,
  oneWay: 1,
  gatewayCrash: 1,
  newDisk: 4,
  oldDisk: 6,
  everyMs: 250,
  lastMs: 300,
};

/** As `quorum`, and disks are lost or replaced by older copies of themselves. */
export const quorumDisks: Scenario = {
  ...quorum,
  name: 'quorum-disks',
  promise: 'QUORUM, through lost disks and older copies',
  setting: { identity },
  faults,
  clients: (world) => quorum.clients(world, 120),
  async afterwards(world) {
    await admitted(world);
    await quorum.afterwards?.(world);
  },
};

/** As `linearizable`: a replica that has forgotten what it promised must not vote on it. */
export const linearizableDisks: Scenario = {
  ...linearizable,
  name: 'linearizable-disks',
  promise: 'LINEARIZABLE, through lost disks and older copies',
  setting: { ...linearizable.setting, identity },
  faults,
  clients: (world) => linearizable.clients(world, 250),
};

/** All replicas vote again: an answer at ALL says so. */
async function admitted(world: Parameters<Scenario['clients']>[0]): Promise<void> {
  const client = new Client(world, { keyspace: 'orders', read: 'ALL', write: 'ALL' });
  await client.insist(() => client.read('k1'));
}
