import { checkSiblings } from '../checkers/siblings.ts';
import { Client } from '../client.ts';
import { finalState } from '../final-state.ts';
import type { Scenario } from '../scenario.ts';
import type { World } from '../world/world.ts';

const tenant = 't';
const keyspace = 'carts';
const keys = Array.from({ length: 6 }, (_, nth) => `k${nth}`);
const clients = 4;
const operationsEach = 40;

/**
 * The product's own anti-entropy and its collection of tombstones, in the storm and after it: no read
 * and nothing of the simulator's brings replicas together.
 */
export const repair: Scenario = {
  name: 'repair',
  promise: 'Convergence by anti-entropy alone',
  checker: 'divergence after quiet, lost acknowledged write, resurrection after collection',
  // A deletion is kept for longer than clocks are apart and than anything is on its way.
  setting: { antiEntropyEveryMs: 300, tombstoneGraceMs: 4_000, skewMaxMs: 200 },
  faults: {
    crash: 2,
    freeze: 2,
    isolate: 2,
    oneWay: 2,
    gatewayCrash: 1,
    everyMs: 150,
    lastMs: 900,
  },
  healsWithinMs: 30_000,
  async setup(world) {
    await world.createKeyspace(tenant, keyspace, {});
  },
  clients: (world) => Promise.all(Array.from({ length: clients }, () => shop(world))),
  check(world) {
    const space = world.keyspaces.find((one) => one.tenant === tenant)!;
    const own = world.history.operations.filter(({ key }) => key.startsWith(`${tenant}/`));
    const operations = own.map((one) => ({ ...one, key: one.key.slice(tenant.length + 1) }));
    return checkSiblings(operations, finalState(world, space));
  },
};

async function shop(world: World): Promise<void> {
  const client = new Client(world, { keyspace, tenant, read: 'ONE', write: 'ONE' });
  for (let done = 0; done < operationsEach; done += 1) {
    await client.think(250);
    const key = client.pick(keys);
    const dice = client.random.next();
    if (dice < 0.3) await client.read(key);
    else if (dice < 0.65) await client.write(key, world.newValue());
    else await client.delete(key);
  }
}
