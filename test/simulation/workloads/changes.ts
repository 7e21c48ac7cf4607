import { visible } from '../../../src/causality/cell.ts';
import type { LevelName } from '../../../src/consistency/levels.ts';
import type { ChangeEvent, ChangesArguments } from '../../../src/feed/feed.ts';
import {
  checkChanges,
  type Connection,
  type FeedEvent,
  type Subscriber,
} from '../checkers/changes.ts';
import { Client } from '../client.ts';
import { finalState } from '../final-state.ts';
import type { Scenario } from '../scenario.ts';
import type { FeedOptions, Gateway } from '../world/gateway.ts';
import type { World } from '../world/world.ts';

const keyspace = 'board';
const keys = ['k1', 'k2', 'k3'];
/** What each subscriber asks for; at ALL a change that one replica's log keeps back is missed. */
const levels: readonly LevelName[] = ['ONE', 'QUORUM', 'ALL'];
/** How long subscribers listen on after the quiet: longer than any poll. */
const listenMs = 2_500;

interface Audience {
  readonly subscribers: Subscriber[];
  over: boolean;
}
const audiences = new WeakMap<World, Audience>();

/** In half of the runs rows go this early, so that some subscribers come back too late. */
const trimAfterMs = 2_500;

/** Most feeds remember everything for as long as a run lasts; some little, some hardly anything, and some have short queues. */
function feedOptions(world: World, gateway: string): FeedOptions {
  const random = world.chance(`feed ${gateway}`);
  return {
    settings: {
      warmMs: random.next() < 0.3 ? 300 : 15_000,
      keysMax: random.next() < 0.2 ? 2 : 10_000,
      queueEvents: random.next() < 0.15 ? 6 : 1_000,
    },
    trimAfterMs: world.chance('trim').next() < 0.5 ? trimAfterMs : undefined,
  };
}

/** The change feed: subscribers that are slow, that leave, and that go on through another gateway with their last cursor. */
export const changes: Scenario = {
  name: 'changes',
  promise: 'changes',
  checker:
    'nothing untold without a gap, nothing from nowhere, no key goes back, the last event is the final state',
  setting: {
    open: { share: 0.3, maxMs: 600 },
    feed: feedOptions,
  },
  faults: {
    crash: 1,
    freeze: 1,
    isolate: 1,
    oneWay: 1,
    gatewayCrash: 2,
    everyMs: 250,
    lastMs: 300,
  },
  repairEveryMs: 60,
  async setup(world) {
    audiences.set(world, { subscribers: [], over: false });
    await world.createKeyspace('t', keyspace, {});
    await world.createKeyspace('u', keyspace, {});
  },
  clients: (world) => clients(world, () => undefined),
  async afterwards(world) {
    await world.sleep(listenMs);
    audiences.get(world)!.over = true;
  },
  check: (world) => check(world, () => undefined),
};

/** The same where each subscriber follows one key, so that replicas keep the other keys' changes to themselves. */
export const changesOfKeys: Scenario = {
  ...changes,
  name: 'changes-of-keys',
  promise: 'changes, each subscriber those of one key',
  checker: 'as changes, of the key',
  clients: (world) => clients(world, keyOf),
  check: (world) => check(world, keyOf),
};

/** The only key that a subscriber follows; undefined for all. */
type KeyOf = (subscriber: number) => string | undefined;

function keyOf(subscriber: number): string | undefined {
  return keys[subscriber];
}

function clients(world: World, keyOf: KeyOf): Promise<unknown> {
  // Longer than the quiet: what is told in the end counts.
  for (const number of levels.keys()) void listen(world, number, keyOf(number));
  return Promise.all([post(world, 't'), post(world, 't'), post(world, 't'), post(world, 'u')]);
}

function check(world: World, keyOf: KeyOf): readonly string[] {
  const space = world.keyspaces.find(({ tenant, name }) => tenant === 't' && name === keyspace)!;
  const [state] = finalState(world, space).values();
  const final = new Map([...(state ?? [])].map(([key, { values }]) => [key, values]));
  const own = world.history.operations.filter(({ key }) => key.startsWith('t/'));
  const operations = own.map((one) => ({ ...one, key: one.key.slice(2) }));
  const { subscribers } = audiences.get(world)!;
  return subscribers.flatMap((one, number) => {
    const key = keyOf(number);
    if (key === undefined) return checkChanges(operations, one, final);
    const own = new Map([...final].filter(([name]) => name === key));
    return checkChanges(
      operations.filter((operation) => operation.key === key),
      one,
      own,
    );
  });
}

async function post(world: World, tenant: string): Promise<void> {
  const client = new Client(world, { keyspace, tenant, read: 'QUORUM', write: 'QUORUM' });
  for (let done = 0; done < 16; done += 1) {
    await client.think(60);
    const key = client.pick(keys);
    const dice = client.random.next();
    if (dice < 0.1) client.forget(key);
    if (dice < 0.25) await client.read(key);
    else if (dice < 0.9) await client.write(key, world.newValue());
    else await client.delete(key);
  }
}

/** One subscriber: connection after connection, each with the cursor of the last event that it took. */
async function listen(world: World, number: number, key: string | undefined): Promise<void> {
  const audience = audiences.get(world)!;
  const random = world.chance(`subscriber ${number}`);
  const subscriber: Subscriber = { name: `subscriber ${number}`, connections: [] };
  audience.subscribers.push(subscriber);
  let cursor: string | undefined;
  while (!audience.over) {
    const gateway = world.gateways[Math.floor(random.next() * world.gateways.length)]!;
    const connection: Connection = { events: [] };
    subscriber.connections.push(connection);
    const patience = 1 + Math.floor(random.next() * 20);
    const slowMs = random.next() < 0.3 ? 80 : 0;
    try {
      const how = { key, after: cursor, patience, consistency: levels[number] };
      for await (const event of subscribe(gateway, how)) {
        world.note(`subscriber ${number} at ${gateway.name}: ${lineOf(event)}`);
        connection.liveNs ??= world.history.tick();
        connection.events.push(shownEvent(event, world.history.tick()));
        cursor = event.cursor;
        if (slowMs > 0) await world.sleep(slowMs);
      }
    } catch (error) {
      world.note(`subscriber ${number} at ${gateway.name}: ${String(error)}`);
    }
    // Sometimes for longer than the logs reach back.
    const isLong = random.next() < 0.1 && !audience.over;
    await world.sleep(isLong ? random.next() * 2 * trimAfterMs : 20 + random.next() * 60);
  }
}

/** The events of one connection until it breaks or the subscriber has had enough of this gateway. */
async function* subscribe(
  gateway: Gateway,
  how: Pick<ChangesArguments, 'key' | 'after' | 'consistency'> & { patience: number },
): AsyncGenerator<ChangeEvent> {
  const { patience, ...asked } = how;
  const events = await gateway.ask(() =>
    gateway.feed.subscribe({ tenant: 't' }, { keyspace, ...asked }),
  );
  for (let taken = 0; taken < patience; taken += 1) {
    const next = await gateway.ask(() => events.next());
    if (next.done) return;
    yield next.value;
  }
  void events.return?.();
}

function shownEvent(event: ChangeEvent, atNs: number): FeedEvent {
  switch (event.__typename) {
    case 'EntryChanged': {
      const { key, cell } = event.entry;
      const values = visible(cell).flatMap(({ value }) => (value === null ? [] : [Number(value)]));
      return { kind: 'changed', key, values, seen: cell.context };
    }
    case 'FeedBookmark':
      return { kind: 'bookmark' };
    case 'FeedGap':
      return { kind: 'gap', reason: event.reason, atNs };
  }
}

/** One line of the trace. */
function lineOf(event: ChangeEvent): string {
  const shown = shownEvent(event, 0);
  switch (shown.kind) {
    case 'changed': {
      const seen = [...shown.seen].map(
        ([actor, counter]) => `${actor.slice(0, 4)}${String(counter).slice(-8)}`,
      );
      return `${shown.key} = ${shown.values.join(', ')}, having seen ${seen.join(' ')}`;
    }
    case 'bookmark':
      return 'bookmark';
    case 'gap':
      return `gap: ${shown.reason}`;
  }
}
