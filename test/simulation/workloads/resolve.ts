import { checkLinearizable } from '../checkers/linearizable.ts';
import { checkQuorum } from '../checkers/quorum.ts';
import {
  checkNever,
  checkResolutions,
  checkSuperseded,
  settledHistory,
} from '../checkers/settled.ts';
import { checkSiblings, divergence } from '../checkers/siblings.ts';
import { Client } from '../client.ts';
import { finalState } from '../final-state.ts';
import type { Operation } from '../history.ts';
import { usual, type Scenario } from '../scenario.ts';
import type { World } from '../world/world.ts';

const keyspace = 'payments';
const keys = ['k1', 'k2'];
const faults = {
  crash: 1,
  freeze: 1,
  isolate: 1,
  strand: 6,
  oneWay: 1,
  gatewayCrash: 1,
  everyMs: 700,
  lastMs: 1_500,
} as const;

/** Ordinary writes whose outcome was unknown, settled in the middle of the storm by several gateways at once. */
export const resolve: Scenario = {
  name: 'resolve',
  promise: 'outcomes: NONE, UNKNOWN, and what `resolveWrite` says',
  checker: 'NONE and NEVER are never shown, APPLIED stays, SUPERSEDED was seen; answers agree',
  setting: { weather: { ...usual.weather, loss: 0.01, nearMs: 8, farMs: 60 } },
  faults,
  repairEveryMs: 40,
  async setup(world) {
    await world.createKeyspace('t', keyspace, {});
  },
  clients: (world) => Promise.all(Array.from({ length: 4 }, () => pay(world, 'QUORUM'))),
  afterwards: (world) => settleAll(world, 'QUORUM'),
  check(world) {
    const space = world.keyspaces.find(({ name }) => name === keyspace)!;
    const operations = settledHistory(world.history.operations);
    return [
      ...checkResolutions(operations),
      ...checkSuperseded(operations),
      ...checkQuorum(operations),
      ...checkSiblings(operations, finalState(world, space)),
    ];
  },
};

/** The same of LINEARIZABLE writes: what was settled has a place in the one order of all, or none. */
export const resolveLinearizable: Scenario = {
  name: 'resolve-linearizable',
  promise: 'outcomes of LINEARIZABLE writes, settled',
  checker: 'Wing–Gong–Lowe search per key, NEVER as failed, APPLIED and SUPERSEDED as done',
  setting: { gateways: 4, requestMs: 700 },
  faults,
  repairEveryMs: 8,
  repairLoops: 3,
  async setup(world) {
    const level = 'LINEARIZABLE';
    await world.createKeyspace('t', keyspace, {
      minimumWriteLevel: level,
      defaultWriteLevel: level,
    });
  },
  clients: (world) => Promise.all(Array.from({ length: 4 }, () => pay(world, 'LINEARIZABLE'))),
  afterwards: (world) => settleAll(world, 'LINEARIZABLE'),
  check(world) {
    const operations = settledHistory(world.history.operations);
    return [...checkResolutions(operations), ...checkLinearizable(operations)];
  },
};

/** Where the last write wins: what is fenced by a stamp stays out, whoever had taken it. */
export const resolveNewest: Scenario = {
  name: 'resolve-newest',
  promise: 'outcomes where the last write wins, settled',
  checker: 'NEVER is shown to nobody from then on; answers agree; all replicas equal in the end',
  setting: { weather: { ...usual.weather, loss: 0.01, nearMs: 8, farMs: 60 } },
  faults,
  repairEveryMs: 40,
  async setup(world) {
    await world.createKeyspace('t', keyspace, { conflicts: 'LAST_WRITE_WINS' });
  },
  clients: (world) => Promise.all(Array.from({ length: 4 }, () => pay(world, 'QUORUM'))),
  afterwards: (world) => settleAll(world, 'QUORUM'),
  check(world) {
    const space = world.keyspaces.find(({ name }) => name === keyspace)!;
    const { operations } = world.history;
    return [
      ...checkResolutions(operations),
      ...checkNever(operations),
      ...divergence(finalState(world, space)),
    ];
  },
};

async function pay(world: World, level: 'QUORUM' | 'LINEARIZABLE'): Promise<void> {
  const client = new Client(world, { keyspace, read: level, write: level });
  for (let done = 0; done < 24; done += 1) {
    await client.think(40);
    const key = client.pick(keys);
    const dice = client.random.next();
    if (dice < 0.05) client.forget(key);
    if (dice < 0.45) await client.read(key);
    else if (dice < 0.92) await settleIfUnknown(client, await client.write(key, world.newValue()));
    else await settleIfUnknown(client, await client.delete(key));
  }
}

/** Some are settled at once, some twice at a time, some by and by, and some only after the storm. */
async function settleIfUnknown(client: Client, operation: Operation | undefined): Promise<void> {
  if (operation?.status !== 'unknown' || client.random.next() < 0.15) return;
  for (let attempt = 0; attempt < 3; attempt += 1) {
    await client.think(attempt === 0 ? 10 : 200);
    const asks = client.random.next() < 0.4 ? 2 : 1;
    const told = await Promise.all(Array.from({ length: asks }, () => client.resolve(operation)));
    if (told.every((one) => one !== undefined)) return;
  }
}

/** On a calm network everything can be settled, and what was settled before is so still. */
async function settleAll(world: World, level: 'QUORUM' | 'LINEARIZABLE'): Promise<void> {
  const client = new Client(world, { keyspace, read: level, write: level });
  for (const key of keys) await client.insist(() => client.read(key, level));
  for (const operation of world.history.operations) {
    if (operation.writeId === undefined || operation.status !== 'unknown') continue;
    let told = await client.resolve(operation);
    for (let again = 0; again < 5 && !told; again += 1) {
      await world.sleep(500);
      told = await client.resolve(operation);
    }
    if (!told) world.problems.push(`the write of ${String(operation.value)} cannot be settled`);
  }
  for (const key of keys) await client.insist(() => client.read(key, level));
}
