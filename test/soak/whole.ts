import { Client, pause, Seat, type Arena } from './client.ts';
import type { GatewayProcess } from './gateways.ts';
import type { GraphQLClient } from './graphql-client.ts';
import { groupNames, groups, roomsOf, type GroupName } from './groups.ts';

/** Longer than any forward, repair or request that is under way when clients stop. */
const quietMs = 4_000;
/** A disk that was replaced has no vote for half a minute, and then until it is brought up to date. */
const wholeMs = 150_000;

interface Reached {
  readonly gateways: readonly GatewayProcess[];
  readonly http: GraphQLClient;
}

/** Every gateway answers at ALL: whatever was away is there again. */
export async function whole({ gateways, http }: Reached): Promise<void> {
  const ask = { keyspace: 'carts', key: 'not-a-key-of-the-workload', level: 'ALL' } as const;
  for (const { port, name } of gateways) {
    await eventually(`${name} does not reach every replica`, () => http.ask(port, 'get', ask));
  }
}

async function eventually(what: string, attempt: () => Promise<unknown>): Promise<void> {
  const untilMs = performance.now() + wholeMs;
  for (;;) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (performance.now() > untilMs) {
        throw new Error(`${what}, ${wholeMs / 1000} s after it should: ${String(error)}`, {
          cause: error,
        });
      }
      await pause(100);
    }
  }
}

/**
 * Quiet, and then every key is read once at its own level, and once at ALL, which leaves no replica
 * behind.
 */
export async function settle(
  stage: Reached,
  { arena, round }: { arena: Arena; round: number },
): Promise<void> {
  await whole(stage);
  await pause(quietMs);
  await Promise.all(groupNames.map((name) => readOnce(stage, { arena, round, name })));
  await pause(1_000);
}

async function readOnce(
  { gateways, http }: Reached,
  { arena, round, name }: { arena: Arena; round: number; name: GroupName },
): Promise<void> {
  const client = new Client(arena, 0);
  for (const keys of roomsOf(groups[name], round)) {
    const seat = new Seat(groups[name], keys, client.newSession());
    for (const key of keys) {
      const { status, code = '?' } = await client.read(seat, key);
      const ask = { keyspace: name, key, level: 'ALL' } as const;
      const { port } = client.pick(gateways);
      const again = (): Promise<unknown> => http.ask(port, 'get', ask);
      // A kept connection may be closed at the other end just now: a read may be sent twice.
      const atAll = await again()
        .catch(again)
        .then(
          () => 'ok',
          (error: unknown) => String(error),
        );
      const where = `all is quiet, and ${key} of ${name} cannot be read`;
      if (status !== 'ok') arena.problems.push(`${where}: ${code}`);
      if (atAll !== 'ok') arena.problems.push(`${where} at ALL: ${atAll}`);
    }
  }
}
