import { checkQuorum } from '../checkers/quorum.ts';
import { checkSiblings } from '../checkers/siblings.ts';
import { Client } from '../client.ts';
import { finalState } from '../final-state.ts';
import type { Scenario, Setting, Violations } from '../scenario.ts';
import type { Sibling } from '../../../src/causality/cell.ts';
import { includes, nothingSeen } from '../../../src/causality/version-vector.ts';
import type { Keyspace } from '../../../src/consistency/keyspace.ts';
import type { Faults } from '../world/nemesis.ts';
import type { World } from '../world/world.ts';

const keyspace = 'parcels';
const keys = ['k1', 'k2', 'k3'];
/** Two replicas of each key are fallbacks. */
const setting: Partial<Setting> = { replicas: 5 };
/** Longer than a claim of a gateway that died, and the look after it. */
const drainedMs = 12_000;

const faults: Faults = {
  crash: 3,
  freeze: 1,
  isolate: 2,
  oneWay: 2,
  gatewayCrash: 1,
  everyMs: 90,
  lastMs: 900,
};

/**
 * QUORUM with replicas beyond the N, and nothing that heals but hints and reads: hints are delivered, and never count.
 */
export const handoff: Scenario = {
  name: 'handoff',
  promise: 'QUORUM with hints',
  checker: 'as QUORUM; afterwards no hint is left, and nobody differs',
  setting,
  faults,
  withoutAntiEntropy: true,
  setup,
  clients: (world) =>
    Promise.all(Array.from({ length: 4 }, () => send(world, { level: 'QUORUM', sloppy: false }))),
  afterwards: deliver,
  check: (world) => [...checkQuorum(world.history.operations), ...checkDelivered(world)],
};

/** Writes that count hints: with all primaries of a key away, what a fallback acknowledged is not lost. */
export const sloppy: Scenario = {
  name: 'sloppy',
  promise: 'ONE and QUORUM, sloppy',
  checker: 'lost acknowledged write, false conflict, value from nowhere, divergence, a hint left',
  setting,
  faults: { ...faults, crash: 6, everyMs: 40, lastMs: 1_500 },
  withoutAntiEntropy: true,
  setup,
  clients: (world) =>
    Promise.all(
      Array.from({ length: 4 }, (_, index) =>
        send(world, { level: index % 2 ? 'ONE' : 'QUORUM', sloppy: true }),
      ),
    ),
  afterwards: deliver,
  check: checkDelivered,
};

/**
 * One outage after the other, each long enough to write at a fallback, with time between them to hand
 * over: the same fallback mints again and again what primaries take from it.
 */
export const outages: Scenario = {
  name: 'outages',
  promise: 'ONE, sloppy, through outage after outage',
  checker: sloppy.checker,
  setting: { replicas: 4 },
  faults: { outage: 8, gatewayCrash: 1, everyMs: 1_000, lastMs: 1_200 },
  withoutAntiEntropy: true,
  setup,
  clients: (world) =>
    Promise.all(
      Array.from({ length: 3 }, () =>
        send(world, { level: 'ONE', sloppy: true, thinkMs: 250, forgets: 0.7 }),
      ),
    ),
  afterwards: deliver,
  check: checkDelivered,
};

/**
 * The same while gateways are killed, and with anti-entropy: a row that was minted elsewhere, and of which its gateway had not yet
 * told anybody, is found, and brought home like the others.
 */
export const strays: Scenario = {
  ...outages,
  name: 'strays',
  promise: 'ONE, sloppy, by gateways that are killed',
  checker: 'as sloppy; afterwards no row lies elsewhere',
  setting: { replicas: 4, antiEntropyEveryMs: 1_000 },
  faults: { outage: 8, gatewayCrash: 12, everyMs: 300, lastMs: 1_200 },
  healsWithinMs: 30_000,
  check: (world) => [...checkDelivered(world), ...anyRowElsewhere(world)],
};

async function setup(world: World): Promise<void> {
  await world.createKeyspace('t', keyspace, {});
}

async function send(
  world: World,
  how: { level: 'ONE' | 'QUORUM'; sloppy: boolean; thinkMs?: number; forgets?: number },
): Promise<void> {
  const { level, thinkMs = 30, forgets = 0.1 } = how;
  const client = new Client(world, { keyspace, read: level, write: level, sloppy: how.sloppy });
  for (let done = 0; done < 22; done += 1) {
    await client.think(thinkMs);
    const key = client.pick(keys);
    const dice = client.random.next();
    if (client.random.next() < forgets) client.forget(key);
    if (dice < 0.4) await client.read(key);
    else if (dice < 0.92) await client.write(key, world.newValue());
    else await client.delete(key);
  }
}

/** All hints are delivered; then reads find what a gateway that was killed had not forwarded. */
async function deliver(world: World): Promise<void> {
  await world.sleep(drainedMs);
  const client = new Client(world, { keyspace, read: 'ALL', write: 'ALL' });
  for (const key of keys) await client.insist(() => client.read(key));
}

function checkDelivered(world: World): Violations {
  const space = world.keyspaces.find(({ name }) => name === keyspace)!;
  const left = world.servers.flatMap(({ id, replica }) =>
    replica.keptHints.map(
      ({ target, hints }) => `${id} still keeps ${hints} hints for ${target}, which is back`,
    ),
  );
  const final = finalState(world, space);
  const ofKeys = keys.flatMap((key) => {
    const owners = world.owners(space, key).map((id) => {
      const held = final.get(id)?.get(key);
      return [id, new Map(held ? [[key, held]] : [])] as const;
    });
    const operations = world.history.operations.filter((one) => one.key === key);
    return [...checkSiblings(operations, new Map(owners)), ...rowsElsewhere(world, space, key)];
  });
  return [...left, ...ofKeys];
}

/**
 * A fallback that minted a version has a row of the key until it is delivered. One may stay behind whose hint was lost on the way to
 * it: then the primaries know all that is in it, by another hint, or nobody was told that the write had succeeded.
 */
function rowsElsewhere(world: World, space: Keyspace, key: string): Violations {
  const owners = world.owners(space, key);
  const name = `${space.tenant}\0${space.storageName}\0${key}`;
  const cells = new Map(
    world.servers.map(({ id, replica }) => [id, replica.snapshot().get(name)?.cell]),
  );
  const known = cells.get(owners[0]!)?.context ?? nothingSeen;
  const { operations } = world.history;
  const isUnknown = ({ value }: Sibling): boolean =>
    operations.some(
      (one) =>
        one.key === key &&
        one.status === 'unknown' &&
        (value === null ? one.op === 'delete' : one.value === Number(value)),
    );
  return [...cells].flatMap(([id, cell]) => {
    if (!cell || owners.includes(id) || includes(known, cell.context)) return [];
    return cell.siblings.some(isUnknown) ? [] : [`${id} has a row of ${key} that nobody delivered`];
  });
}

/** Whatever was minted elsewhere has been taken home. */
function anyRowElsewhere(world: World): Violations {
  const space = world.keyspaces.find(({ name }) => name === keyspace)!;
  return world.servers.flatMap(({ id, replica }) => {
    const rows = replica.snapshot();
    const foreign = keys.filter((key) => !world.owners(space, key).includes(id));
    const left = foreign.filter((key) => {
      const cell = rows.get(`${space.tenant}\0${space.storageName}\0${key}`)?.cell;
      return cell !== undefined && cell.siblings.length > 0;
    });
    return left.map((key) => `${id} still has a row of ${key}, which lies elsewhere`);
  });
}
