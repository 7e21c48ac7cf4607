import { checkQuorum } from '../checkers/quorum.ts';
import { checkSiblings } from '../checkers/siblings.ts';
import { Client } from '../client.ts';
import { finalState } from '../final-state.ts';
import type { Scenario } from '../scenario.ts';
import type { World } from '../world/world.ts';

const keyspace = 'orders';
const keys = ['k1', 'k2'];

/** QUORUM: writes that stop half-way must not be seen and then unseen. */
export const quorum: Scenario = {
  name: 'quorum',
  promise: 'QUORUM',
  checker: 'every read reflects all writes done before it and never goes back, over all clients',
  faults: {
    crash: 1,
    freeze: 1,
    isolate: 1,
    oneWay: 3,
    gatewayCrash: 2,
    everyMs: 150,
    lastMs: 400,
  },
  repairEveryMs: 60,
  async setup(world) {
    await world.createKeyspace('t', keyspace, {});
  },
  clients: (world, thinkMs = 25) =>
    Promise.all(Array.from({ length: 4 }, () => order(world, thinkMs))),
  async afterwards(world) {
    const client = new Client(world, { keyspace, read: 'QUORUM', write: 'QUORUM' });
    for (const key of keys) await client.read(key);
  },
  check(world) {
    const space = world.keyspaces.find(({ name }) => name === keyspace)!;
    const { operations } = world.history;
    return [...checkQuorum(operations), ...checkSiblings(operations, finalState(world, space))];
  },
};

async function order(world: World, thinkMs: number): Promise<void> {
  const client = new Client(world, { keyspace, read: 'QUORUM', write: 'QUORUM', pages: true });
  for (let done = 0; done < 24; done += 1) {
    await client.think(thinkMs);
    const key = client.pick(keys);
    const dice = client.random.next();
    if (dice < 0.05) client.forget(key);
    if (dice < 0.6) await client.read(key);
    else if (dice < 0.95) await client.write(key, world.newValue());
    else await client.delete(key);
  }
}
