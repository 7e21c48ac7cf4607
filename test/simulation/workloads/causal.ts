import { checkCausal } from '../checkers/causal.ts';
import { Client } from '../client.ts';
import type { Scenario } from '../scenario.ts';

const keyspace = 'threads';
const names = ['k1', 'k2', 'k3', 'k4', 'k5', 'k6'];

/** CAUSAL: tokens are handed from client to client; in one run of three keys are so long that tokens reach their bounds. */
export const causal: Scenario = {
  name: 'causal',
  promise: 'CAUSAL',
  checker:
    'bad patterns: a read that misses what its past includes, or shows what its past replaced',
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
  async clients(world) {
    const long = world.chance('long keys').next() < 0.33;
    const keys = long ? names.map((name) => name + 'x'.repeat(900)) : names.slice(0, 3);
    const habits = { keyspace, read: 'CAUSAL', write: 'CAUSAL', session: true } as const;
    const clients = Array.from({ length: 5 }, () => new Client(world, habits));
    await Promise.all(clients.map((client) => discuss(client, { keys, clients })));
  },
  check: (world) => checkCausal(world.history.operations, { travels: true, ofReads: true }),
};

async function discuss(
  client: Client,
  what: { keys: readonly string[]; clients: readonly Client[] },
): Promise<void> {
  for (let done = 0; done < 16; done += 1) {
    await client.think(20);
    if (client.random.next() < 0.2) client.adopt(client.pick(what.clients));
    const key = client.pick(what.keys);
    const dice = client.random.next();
    if (dice < 0.1) client.forget(key);
    if (dice < 0.5) await client.read(key);
    else if (dice < 0.95) await client.write(key, client.world.newValue());
    else await client.delete(key);
  }
}
