import type { PartitionerName } from '../../../src/placement/partitioner.ts';
import type { LevelName } from '../../../src/consistency/levels.ts';
import type { RangeAnswer } from '../../../src/consistency/store.ts';
import { StoreError } from '../../../src/errors.ts';
import { checkRange, type Walk } from '../checkers/range.ts';
import { Client } from '../client.ts';
import type { Scenario } from '../scenario.ts';
import { GatewayGone } from '../world/gateway.ts';
import type { World } from '../world/world.ts';

const keyspace = 'index';
const names = Array.from({ length: 26 }, (_, index) => `k${String(index).padStart(2, '0')}`);
/** Runs of neighbours that are deleted again and again: a page must look past all of them. */
const churning = new Set(names.filter((_, index) => index % 2 === 1 || (index > 8 && index < 15)));
const stable = new Set(names.filter((name) => !churning.has(name)));
const walks = new WeakMap<World, Walk[]>();
/** Some values are so large that two of them do not go on a page, some so that three do not. */
const pageBytes = 3_000;
const valueOf = (name: string): string =>
  JSON.stringify('x'.repeat([0, 0, 1_100, 0, 2_000, 100][names.indexOf(name) % 6] ?? 0));
/** Of a key that two have written at once, both count. */
const valueBytes = 2_100;

/** Ranges over half stable, half churning keys, on every partitioner, in pages of every size, both ways. */
export const range: Scenario = {
  name: 'range',
  promise: 'range',
  checker:
    'every stable key exactly once and in order; nothing doubled, nothing foreign, no short page',
  setting: { replicas: 4, requestMs: 1_200, pageBytes },
  faults: { crash: 1, freeze: 1, isolate: 1, oneWay: 2, everyMs: 400, lastMs: 400 },
  repairEveryMs: 60,
  async setup(world) {
    walks.set(world, []);
    const dice = world.chance('partitioner').next();
    const partitioner: PartitionerName = dice < 0.5 ? 'CONSISTENT_HASH' : 'RANGE';
    // One set of primaries for all keys, or several.
    const replicationFactor = world.chance('primaries').next() < 0.5 ? 4 : 3;
    const splits = partitioner === 'RANGE' ? { splitKeys: ['k05', 'k10', 'k18'] } : {};
    await world.createKeyspace('t', keyspace, { partitioner, replicationFactor, ...splits });
    await world.createKeyspace('t', 'other', {});
    await world.createKeyspace('u', keyspace, {});
    const { store } = world.gateways[0]!;
    const put = (tenant: string, where: string, key: string) =>
      store.put({ tenant }, { keyspace: where, key, value: valueOf(key) }, { level: 'ALL' });
    await Promise.all([...stable].map((key) => put('t', keyspace, key)));
    // Neighbours that must not be heard.
    await Promise.all(
      ['k00x', 'k12x', 'k25x'].flatMap((key) => [put('t', 'other', key), put('u', keyspace, key)]),
    );
  },
  clients: (world) => Promise.all([churn(world), churn(world), walk(world), walk(world)]),
  check: (world) => checkRange(walks.get(world)!, { stable, churning, pageBytes, valueBytes }),
};

async function churn(world: World): Promise<void> {
  const client = new Client(world, { keyspace, read: 'QUORUM', write: 'QUORUM' });
  for (let done = 0; done < 30; done += 1) {
    await client.think(15);
    const key = client.pick([...churning]);
    if (client.known(key).length > 0) await client.delete(key);
    else await client.write(key, world.newValue());
  }
}

async function walk(world: World): Promise<void> {
  const client = new Client(world, { keyspace, read: 'QUORUM', write: 'QUORUM' });
  for (let done = 0; done < 3; done += 1) {
    const what = {
      level: client.pick<LevelName>(['ONE', 'QUORUM', 'QUORUM']),
      pageSize: 1 + Math.floor(client.random.next() * 12),
      reverse: client.random.next() < 0.4,
    };
    walks.get(world)!.push(await oneWalk(client, what));
  }
}

type Asked = Pick<Walk, 'level' | 'pageSize' | 'reverse'>;

async function oneWalk(client: Client, what: Asked): Promise<Walk> {
  const pages: string[][] = [];
  const bytes: number[] = [];
  let cursor: string | undefined;
  for (let failures = 0; failures < 4;) {
    if (!client.world.admit()) break;
    const page = await onePage(client, what, cursor);
    if (page === undefined) {
      failures += 1;
      continue;
    }
    const keys = page.edges.map(({ entry }) => entry.key);
    pages.push(what.reverse ? keys.reverse() : keys);
    const values = page.edges.flatMap(({ entry }) => entry.cell.siblings);
    bytes.push(values.reduce((sum, { value }) => sum + (value?.length ?? 0), 0));
    const more = what.reverse ? page.hasPreviousPage : page.hasNextPage;
    const edge = what.reverse ? page.edges[0] : page.edges.at(-1);
    if (!more || !edge) return { ...what, pages, bytes, complete: !more };
    cursor = edge.cursor;
    await client.think(10);
  }
  return { ...what, pages, bytes, complete: false };
}

async function onePage(
  client: Client,
  { level, pageSize, reverse }: Asked,
  cursor: string | undefined,
): Promise<RangeAnswer | undefined> {
  const size = reverse ? { last: pageSize, before: cursor } : { first: pageSize, after: cursor };
  const gateway = client.gateway();
  client.world.note(
    `client ${client.process} page at ${gateway.name} ${level} ${JSON.stringify(size).length}`,
  );
  try {
    return await gateway.ask((store) =>
      store.range({ tenant: 't' }, { keyspace, ...size }, { level }),
    );
  } catch (error) {
    const isStorm =
      error instanceof GatewayGone ||
      (error instanceof StoreError && ['QUORUM_UNAVAILABLE', 'READ_TIMEOUT'].includes(error.code));
    if (!isStorm)
      client.world.problems.push(`a page failed in a way that no fault explains: ${String(error)}`);
    return undefined;
  }
}
