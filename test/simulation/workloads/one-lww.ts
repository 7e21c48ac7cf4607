import { hash } from 'node:crypto';
import type { Cell } from '../../../src/causality/cell.ts';
import { checkLastWriteWins, type Offered } from '../checkers/last-write-wins.ts';
import { Client } from '../client.ts';
import { finalState } from '../final-state.ts';
import type { Scenario } from '../scenario.ts';
import type { World } from '../world/world.ts';

const keyspace = 'profiles';
const keys = ['k1', 'k2'];

/** ONE where the newest write wins, with clocks that are up to an hour off. */
export const oneLww: Scenario = {
  name: 'one-lww',
  promise: 'ONE, LAST_WRITE_WINS',
  checker: 'all replicas equal, and equal to the greatest (clock, gateway, hash)',
  setting: { skewMaxMs: 3_600_000 },
  faults: {
    crash: 2,
    freeze: 2,
    isolate: 2,
    oneWay: 2,
    gatewayCrash: 1,
    wipe: 1,
    clockStep: 2,
    everyMs: 120,
    lastMs: 600,
  },
  repairEveryMs: 10,
  async setup(world) {
    await world.createKeyspace('t', keyspace, { conflicts: 'LAST_WRITE_WINS' });
  },
  clients: (world) => Promise.all(Array.from({ length: 4 }, () => edit(world))),
  check(world) {
    const space = world.keyspaces.find(({ name }) => name === keyspace)!;
    return checkLastWriteWins(
      world.history.operations,
      offeredVersions(world),
      finalState(world, space),
    );
  },
};

async function edit(world: World): Promise<void> {
  const client = new Client(world, { keyspace, read: 'ONE', write: 'ONE', blind: true });
  for (let done = 0; done < 20; done += 1) {
    await client.think(40);
    const key = client.pick(keys);
    const dice = client.random.next();
    if (dice < 0.3) await client.read(key);
    else if (dice < 0.85) await client.write(key, world.newValue());
    else await client.delete(key);
  }
}

function offeredVersions(world: World): readonly Offered[] {
  const nameOf = (key: string, cell: Cell): string => `${key} ${dotOf(cell)}`;
  const stored = new Set(
    world.servers.flatMap(({ replica }) =>
      replica.changes.map(({ ref, cell }) => nameOf(ref.key, cell)),
    ),
  );
  return world.offered.flatMap(({ key, cell }) => {
    const [version] = cell.siblings;
    if (!version) return [];
    const { actor: gateway, counter: clockUs } = version.dot;
    const valueHash = hash('sha1', version.value ?? '').slice(0, 8);
    const value = version.value === null ? undefined : Number(version.value);
    return [{ key, value, clockUs, gateway, valueHash, stored: stored.has(nameOf(key, cell)) }];
  });
}

function dotOf({ siblings: [version] }: Cell): string {
  return version ? `${version.dot.actor}:${version.dot.counter} ${version.writeId}` : '';
}
