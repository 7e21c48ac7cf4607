import { checkCausal } from '../checkers/causal.ts';
import { Client } from '../client.ts';
import type { Scenario } from '../scenario.ts';
import type { World } from '../world/world.ts';

const keyspace = 'feeds';
const ownKeys = ['own1', 'own2'];
const sharedKeys = ['k1', 'k2'];

/** READ_YOUR_WRITES and SESSION: tokens that change their gateway at every request, and third sessions that look at two keys. */
export const session: Scenario = {
  name: 'session',
  promise: 'READ_YOUR_WRITES, SESSION',
  checker:
    'own writes, never back, writes in order, writes after what was read; by token, over all gateways',
  faults: {
    crash: 1,
    freeze: 1,
    isolate: 1,
    oneWay: 3,
    gatewayCrash: 1,
    everyMs: 200,
    lastMs: 400,
  },
  repairEveryMs: 150,
  async setup(world) {
    await world.createKeyspace('t', keyspace, {});
  },
  clients: (world) =>
    Promise.all([own(world), own(world), author(world), author(world), probe(world), probe(world)]),
  check(world) {
    const { operations } = world.history;
    const of = (keys: readonly string[]) => operations.filter(({ key }) => keys.includes(key));
    return [
      ...checkCausal(of(ownKeys), { travels: false, ofReads: false }),
      ...checkCausal(of(sharedKeys), { travels: true, ofReads: true }),
    ];
  },
};

async function own(world: World): Promise<void> {
  const client = new Client(world, {
    keyspace,
    read: 'READ_YOUR_WRITES',
    write: 'READ_YOUR_WRITES',
    session: true,
  });
  for (let done = 0; done < 16; done += 1) {
    await client.think(20);
    const key = client.pick(ownKeys);
    if (client.random.next() < 0.5) await client.read(key);
    else await client.write(key, world.newValue());
  }
}

async function author(world: World): Promise<void> {
  const client = new Client(world, { keyspace, read: 'SESSION', write: 'SESSION', session: true });
  for (let done = 0; done < 16; done += 1) {
    await client.think(20);
    const key = client.pick(sharedKeys);
    const dice = client.random.next();
    if (dice < 0.1) client.forget(key);
    if (dice < 0.35) await client.read(key);
    else if (dice < 0.95) await client.write(key, world.newValue());
    else await client.delete(key);
  }
}

/** A session that has seen nothing: the second key that it reads must show what the first one's version was written after. */
async function probe(world: World): Promise<void> {
  for (let done = 0; done < 8; done += 1) {
    const client = new Client(world, {
      keyspace,
      read: 'SESSION',
      write: 'SESSION',
      session: true,
    });
    await client.think(40);
    const keys = client.random.next() < 0.5 ? sharedKeys : sharedKeys.toReversed();
    for (const key of keys) await client.read(key);
  }
}
