import { levels, type LevelName } from '../../../src/consistency/levels.ts';
import {
  checkAvailability,
  type Expected,
  type Side,
  type Tried,
} from '../checkers/availability.ts';
import { Client } from '../client.ts';
import type { Scenario } from '../scenario.ts';
import type { World } from '../world/world.ts';

const keyspace = 'accounts';
const keys = ['k1', 'k2', 'k3'];
const tried = new WeakMap<World, Tried[]>();
/** Until then requests may fail on either side, in time: three silent calls make a replica DOWN. */
const noticedAfterMs = 2_500;

/** THE TABLE of docs/consistency.md, column "while a minority is cut off". Reads and writes of a fresh session. */
const owed: Readonly<
  Record<LevelName, Readonly<Record<Side, { read: Expected; write: Expected }>>>
> = {
  ONE: { majority: both('answers'), minority: both('answers') },
  READ_YOUR_WRITES: { majority: both('answers'), minority: both('answers') },
  SESSION: { majority: both('answers'), minority: both('answers') },
  CAUSAL: { majority: both('answers'), minority: { read: 'refuses', write: 'either' } },
  QUORUM: { majority: both('answers'), minority: both('refuses') },
  ALL: { majority: both('refuses'), minority: both('refuses') },
  LINEARIZABLE: { majority: both('answers'), minority: both('refuses') },
};

/** Every level on both sides of a split: whoever should answer does, whoever must refuse does, and nobody hangs. */
export const availability: Scenario = {
  name: 'availability',
  promise: 'availability',
  checker:
    'each level answers or refuses on each side of a split as the table says, in bounded time',
  setting: {
    gateways: 4,
    requestMs: 900,
    weather: { loss: 0, tail: 0, nearMs: 8, farMs: 8, duplicate: 0 },
  },
  async setup(world) {
    tried.set(world, []);
    await world.createKeyspace('t', keyspace, {});
    const { store } = world.gateways[0]!;
    for (const key of keys)
      await store.put({ tenant: 't' }, { keyspace, key, value: '0' }, { level: 'ALL' });
  },
  async clients(world) {
    const sides = split(world);
    const names = Object.keys(levels) as LevelName[];
    const each = names.flatMap((level) =>
      (['majority', 'minority'] as const).map((side) =>
        probe(world, { level, side, gateways: sides[side] }),
      ),
    );
    await Promise.all(each);
  },
  check: (world) => checkAvailability(tried.get(world)!),
};

function both(expected: Expected): { read: Expected; write: Expected } {
  return { read: expected, write: expected };
}

/** Cuts one replica and two gateways off from the rest; by blackhole, so that only time tells. */
function split(world: World): Record<Side, readonly string[]> {
  const random = world.chance('split');
  const servers = world.servers.map(({ id }) => id);
  const gateways = world.gateways.map(({ name }) => name);
  const alone = Math.floor(random.next() * servers.length);
  const minority = [servers[alone]!, ...gateways.slice(2)];
  const majority = [...servers.filter((_, index) => index !== alone), ...gateways.slice(0, 2)];
  for (const here of minority) {
    for (const there of majority) {
      world.network.cut(here, there);
      world.network.cut(there, here);
    }
  }
  return { majority: gateways.slice(0, 2), minority: gateways.slice(2) };
}

async function probe(
  world: World,
  what: { level: LevelName; side: Side; gateways: readonly string[] },
): Promise<void> {
  const { level, side, gateways } = what;
  const client = new Client(world, { keyspace, read: level, write: level, gateways, blind: true });
  const own = world.keyspaces.at(-1)!;
  for (let done = 0; done < 12; done += 1) {
    await client.think(250);
    const key = client.pick(keys);
    const noticed = world.schedule.nowMs > noticedAfterMs + (world.owners(own, key).length - 3);
    const writes = client.random.next() < 0.5;
    const operation = writes ? await client.write(key, world.newValue()) : await client.read(key);
    if (!operation) return;
    const expected = owed[level][side][writes ? 'write' : 'read'];
    // Consensus of two clients at once may end in CONTENDED, which says nothing about the split.
    if (noticed && operation.code !== 'CONTENDED')
      tried.get(world)!.push({ operation, side, expected });
  }
}
