import { checkSiblings } from '../checkers/siblings.ts';
import { Client } from '../client.ts';
import { finalState } from '../final-state.ts';
import type { Scenario } from '../scenario.ts';
import type { World } from '../world/world.ts';

const keyspace = 'carts';
const tenants = ['t', 'u'];
const keys = ['k1', 'k2'];
const clients = 4;
const operationsEach = 20;

/** ONE where conflicts are kept. Two tenants use the same names, and must not hear of each other. */
export const oneSiblings: Scenario = {
  name: 'one-siblings',
  promise: 'ONE, SIBLINGS',
  checker:
    'lost acknowledged write, false conflict, value from nowhere, divergence after quiet, resurrection',
  setting: { skewMaxMs: 3_600_000 },
  faults: {
    crash: 2,
    freeze: 2,
    isolate: 2,
    oneWay: 2,
    gatewayCrash: 1,
    wipe: 1,
    clockStep: 1,
    everyMs: 120,
    lastMs: 600,
  },
  repairEveryMs: 8,
  async setup(world) {
    for (const tenant of tenants) await world.createKeyspace(tenant, keyspace, {});
  },
  clients: (world) =>
    Promise.all(Array.from({ length: clients }, (_, index) => shop(world, index))),
  check(world) {
    return tenants.flatMap((tenant) => {
      const space = world.keyspaces.find((one) => one.tenant === tenant)!;
      const own = world.history.operations.filter(({ key }) => key.startsWith(`${tenant}/`));
      const operations = own.map((one) => ({ ...one, key: one.key.slice(tenant.length + 1) }));
      return checkSiblings(operations, finalState(world, space));
    });
  },
};

async function shop(world: World, index: number): Promise<void> {
  const tenant = tenants[index % 4 === 3 ? 1 : 0]!;
  const client = new Client(world, { keyspace, tenant, read: 'ONE', write: 'ONE' });
  for (let done = 0; done < operationsEach; done += 1) {
    await client.think(40);
    const key = client.pick(keys);
    const dice = client.random.next();
    if (dice < 0.1) client.forget(key);
    if (dice < 0.35) await client.read(key);
    else if (dice < 0.9) await client.write(key, world.newValue());
    else await client.delete(key);
  }
}
