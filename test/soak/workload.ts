import { Client, Seat, type Arena } from './client.ts';
import { groupNames, groups, roomsOf, type GroupName } from './groups.ts';

type Step = (client: Client, seat: Seat, others: readonly Seat[]) => Promise<unknown>;

/** What a client does next in a group. */
const steps: Readonly<Record<GroupName, Step>> = {
  locks: contend,
  orders: order,
  own,
  feeds: post,
  threads: discuss,
  carts: shop,
  profiles: edit,
  mixed: mix,
};

/** Every client works in every group, in one room after the other, until the round is over. */
export async function work(arena: Arena, what: { clients: number; round: number }): Promise<void> {
  const clients = Array.from({ length: what.clients }, (_, index) => {
    const client = new Client(arena, index);
    const seats = groupNames.map((name) =>
      roomsOf(groups[name], what.round).map(
        (keys) => new Seat(groups[name], keys, client.newSession()),
      ),
    );
    return { client, seats };
  });
  await Promise.all(
    clients.map(async ({ client, seats }) => {
      while (!arena.isOver()) {
        const group = pickGroup(client);
        const room = Math.floor(client.random.next() * seats[group]!.length);
        const others = clients.map((other) => other.seats[group]![room]!);
        await steps[groupNames[group]!](client, seats[group]![room]!, others);
      }
    }),
  );
}

const weightOfAll = groupNames.reduce((sum, name) => sum + groups[name].weight, 0);

function pickGroup({ random }: Client): number {
  let left = random.next() * weightOfAll;
  const at = groupNames.findIndex((name) => (left -= groups[name].weight) < 0);
  return Math.max(at, 0);
}

/** Some keys are hotter than others. */
function pickHot(client: Client, keys: readonly string[]): string {
  return keys[Math.floor(client.random.next() * client.random.next() * keys.length)]!;
}

/** The one value that was last shown; null for none or several. */
function lastShown(seat: Seat, key: string): number | null {
  const values = seat.known.get(key)?.values ?? [];
  return values.length === 1 ? values[0]! : null;
}

async function contend(client: Client, seat: Seat): Promise<void> {
  const key = pickHot(client, seat.keys);
  const dice = client.random.next();
  const value = client.arena.newValue();
  if (dice < 0.4) await client.read(seat, key);
  else if (dice < 0.6) await client.write(seat, key, { op: 'write', value });
  else if (dice < 0.95) {
    await client.write(seat, key, { op: 'cas', expected: lastShown(seat, key), value });
  } else await client.write(seat, key, { op: 'delete' });
}

/** Reads, writes and deletes what it was shown, in these shares; the rest are deletions. */
async function readOrWrite(
  client: Client,
  seat: Seat,
  shares: { forget: number; read: number; write: number },
): Promise<void> {
  const key = client.pick(seat.keys);
  if (client.random.next() < shares.forget) seat.known.delete(key);
  const dice = client.random.next();
  const isDelete = dice >= shares.read + shares.write;
  // Nothing can be deleted that nobody was shown.
  const isRead = dice < shares.read || (isDelete && !seat.group.blind && !seat.known.has(key));
  if (isRead) await client.read(seat, key);
  else if (isDelete) await client.write(seat, key, { op: 'delete' });
  else await client.write(seat, key, { op: 'write', value: client.arena.newValue() });
}

/** QUORUM, and now and then ALL, which is QUORUM and more. */
async function order(client: Client, seat: Seat): Promise<void> {
  const dice = client.random.next();
  const key = client.pick(seat.keys);
  if (dice < 0.05) await client.read(seat, key, 'ALL');
  else if (dice < 0.1) {
    await client.write(seat, key, { op: 'write', value: client.arena.newValue(), level: 'ALL' });
  } else await readOrWrite(client, seat, { forget: 0.05, read: 0.55, write: 0.4 });
}

function own(client: Client, seat: Seat): Promise<void> {
  return readOrWrite(client, seat, { forget: 0, read: 0.5, write: 0.5 });
}

/** Now and then a session that has seen nothing reads the whole room: what it sees must fit together. */
async function post(client: Client, seat: Seat): Promise<void> {
  if (client.random.next() > 0.1) {
    return readOrWrite(client, seat, { forget: 0.1, read: 0.35, write: 0.6 });
  }
  seat.startAnew(client.newSession());
  const keys = client.random.next() < 0.5 ? seat.keys : seat.keys.toReversed();
  for (const key of keys) await client.read(seat, key);
}

/** Tokens are handed from client to client. */
async function discuss(client: Client, seat: Seat, others: readonly Seat[]): Promise<void> {
  const dice = client.random.next();
  if (dice < 0.2) seat.adopt(client.pick(others));
  else if (dice < 0.22) seat.startAnew(client.newSession());
  return readOrWrite(client, seat, { forget: 0.1, read: 0.4, write: 0.55 });
}

function shop(client: Client, seat: Seat): Promise<void> {
  return readOrWrite(client, seat, { forget: 0.1, read: 0.35, write: 0.55 });
}

function edit(client: Client, seat: Seat): Promise<void> {
  return readOrWrite(client, seat, { forget: 0, read: 0.3, write: 0.58 });
}

/** Ordinary and LINEARIZABLE requests on the same keys. */
async function mix(client: Client, seat: Seat): Promise<void> {
  const key = client.pick(seat.keys);
  if (client.random.next() < 0.1) seat.known.delete(key);
  const dice = client.random.next();
  const value = client.arena.newValue();
  const level = 'LINEARIZABLE';
  if (dice < 0.2) await client.read(seat, key);
  else if (dice < 0.35) await client.read(seat, key, level);
  else if (dice < 0.6) await client.write(seat, key, { op: 'write', value });
  else if (dice < 0.75) await client.write(seat, key, { op: 'write', value, level });
  else if (dice < 0.92) {
    await client.write(seat, key, { op: 'cas', expected: lastShown(seat, key), value });
  } else if (dice < 0.95) await client.write(seat, key, { op: 'delete', level });
  else if (seat.known.has(key)) await client.write(seat, key, { op: 'delete' });
}
