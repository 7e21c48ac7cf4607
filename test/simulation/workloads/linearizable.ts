import { checkLinearizable } from '../checkers/linearizable.ts';
import { Client } from '../client.ts';
import type { Operation } from '../history.ts';
import type { Scenario } from '../scenario.ts';
import type { World } from '../world/world.ts';

const keyspace = 'locks';
const keys = ['k1'];

/** LINEARIZABLE: duelling proposers, lost accepts, gateways killed in the middle, repair that never rests. */
export const linearizable: Scenario = {
  name: 'linearizable',
  promise: 'LINEARIZABLE',
  checker: 'Wing–Gong–Lowe search per key; unknown outcomes may apply at any later time, or never',
  setting: {
    gateways: 4,
    weather: { loss: 0.08, tail: 0.4, nearMs: 15, farMs: 350, duplicate: 0.05 },
    requestMs: 700,
  },
  faults: {
    crash: 1,
    freeze: 1,
    isolate: 1,
    oneWay: 1,
    gatewayCrash: 2,
    everyMs: 400,
    lastMs: 300,
  },
  repairEveryMs: 4,
  repairLoops: 5,
  async setup(world) {
    await world.createKeyspace('t', keyspace, {
      minimumWriteLevel: 'LINEARIZABLE',
      defaultWriteLevel: 'LINEARIZABLE',
    });
  },
  clients: (world, thinkMs = 60) =>
    Promise.all(Array.from({ length: 5 }, () => contend(world, thinkMs))),
  check: (world) => checkLinearizable(world.history.operations),
};

/** One client of one key: reads, writes, compares and sets, and deletes. */
export async function contend(
  world: World,
  thinkMs: number,
  { places, count = 16 }: { places?: readonly number[]; count?: number } = {},
): Promise<void> {
  const client = new Client(world, {
    keyspace,
    read: 'LINEARIZABLE',
    write: 'LINEARIZABLE',
    blind: true,
    retries: 2,
    ...(places ? { places } : {}),
  });
  const last = new Map<string, number | null>();
  for (let done = 0; done < count; done += 1) {
    await client.think(thinkMs);
    const key = client.pick(keys);
    const dice = client.random.next();
    if (dice < 0.4) learn(await client.read(key), last);
    else if (dice < 0.6) await client.write(key, world.newValue());
    else if (dice < 0.95) await client.cas(key, last.get(key) ?? null, world.newValue());
    else await client.delete(key);
  }
}

/** The next compare-and-set expects what was last read. */
function learn(read: Operation | undefined, last: Map<string, number | null>): void {
  if (read?.status !== 'ok') return;
  last.set(read.key, typeof read.value === 'number' ? read.value : null);
}
