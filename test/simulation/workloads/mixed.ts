import type { LevelName } from '../../../src/consistency/levels.ts';
import { checkSiblings } from '../checkers/siblings.ts';
import { Client } from '../client.ts';
import { finalState } from '../final-state.ts';
import type { Scenario } from '../scenario.ts';
import type { World } from '../world/world.ts';

const keyspace = 'mixed';
const keys = ['k1', 'k2'];
const ordinary: readonly LevelName[] = ['ONE', 'QUORUM', 'SESSION'];

/**
 * Ordinary and LINEARIZABLE writes of one key: whatever was acknowledged is there, or was read by what replaced it, and nothing comes
 * back beside what replaced it.
 */
export const mixed: Scenario = {
  name: 'mixed',
  promise: 'ordinary writes beside LINEARIZABLE ones',
  checker:
    'lost acknowledged write, false conflict, value from nowhere, divergence after quiet, resurrection',
  setting: { gateways: 4, requestMs: 700 },
  faults: {
    crash: 1,
    freeze: 1,
    isolate: 1,
    oneWay: 1,
    gatewayCrash: 1,
    everyMs: 300,
    lastMs: 300,
  },
  repairEveryMs: 10,
  async setup(world) {
    await world.createKeyspace('t', keyspace, {});
  },
  clients: (world) => Promise.all(Array.from({ length: 5 }, () => mix(world))),
  // A promise that was never followed up keeps repair away from its replica until something is accepted there.
  async afterwards(world) {
    const client = new Client(world, { keyspace, read: 'LINEARIZABLE', write: 'LINEARIZABLE' });
    for (const key of [...keys, ...keys]) {
      // Later than every ballot of the storm, whoever's clock it came from.
      await world.sleep(1_000);
      await client.insist(() => client.write(key, world.newValue()));
    }
  },
  check(world) {
    const space = world.keyspaces.find(({ name }) => name === keyspace)!;
    const { operations } = world.history;
    const replacers = operations.filter(({ status }) => status !== 'fail');
    const replaced = new Set(replacers.flatMap((operation) => operation.replaced ?? []));
    const superseded = world.rounds.superseded(replaced);
    return checkSiblings(operations, finalState(world, space), {
      // Of two in one round only the later one is ever seen: that is for the other scenario to judge.
      superseded: ({ value, level }) =>
        level === 'LINEARIZABLE' || (typeof value === 'number' && superseded.has(value)),
    });
  },
};

async function mix(world: World): Promise<void> {
  const client = new Client(world, { keyspace, read: 'QUORUM', write: 'ONE', session: true });
  for (let done = 0; done < 16; done += 1) {
    await client.think(30);
    const key = client.pick(keys);
    const dice = client.random.next();
    if (dice < 0.1) client.forget(key);
    if (dice < 0.15) await client.read(key, 'LINEARIZABLE');
    else if (dice < 0.3) await client.read(key);
    else if (dice < 0.65) await client.write(key, world.newValue(), client.pick(ordinary));
    else if (dice < 0.8) await client.write(key, world.newValue(), 'LINEARIZABLE');
    else if (dice < 0.9) await client.cas(key, client.known(key)[0] ?? null, world.newValue());
    else await client.delete(key, client.random.next() < 0.5 ? 'LINEARIZABLE' : 'ONE');
  }
}
