import { ApolloLink, gql, HttpLink, Observable } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { seesLag, startLaggingReplica, type LaggingReplica } from '../apollo/lagging-replica.ts';
import { get, openPage, put, writeAndReadBack, type Page } from '../apollo/program.ts';
import { send } from '../support/edge.ts';
import { until } from '../support/socket.ts';

let world: LaggingReplica;
beforeAll(async () => void (world = await startLaggingReplica()));
afterAll(() => world.close());
afterEach(() => world.lag.release());

const all = (count: number, value: string): string[] => Array<string>(count).fill(value);

describe('each request to the next gateway, and a replica that lags', () => {
  // The writer's turn comes first.
  beforeEach(() => void (world.balancer.served.length = 0));

  test('at SESSION, what was written is read back through the other gateway', async () => {
    const keys = await world.oldKeys(10);
    world.lag.hold();
    const page = openPage(world.balancer.url);
    expect(await writeAndReadBack(page, keys, 'SESSION')).toEqual(all(10, 'new'));
    expect(world.balancer.served).toEqual(keys.flatMap(() => [0, 1]));
  });

  test('at ONE it is the old value: the replica does lag', async () => {
    await seesLag(async () => {
      const keys = await world.oldKeys(10);
      world.lag.hold();
      const found = await writeAndReadBack(openPage(world.balancer.url), keys, 'ONE');
      expect(world.balancer.served.splice(0)).toEqual(keys.flatMap(() => [0, 1]));
      return found;
    });
  });

  test('at SESSION without the link it is the old value: the link carries the session', async () => {
    await seesLag(async () => {
      const keys = await world.oldKeys(10);
      world.lag.hold();
      return writeAndReadBack(openPage(world.balancer.url, 'bare'), keys, 'SESSION');
    });
  });

  test('with the session in the body it is the new one', async () => {
    const keys = await world.oldKeys(5);
    world.lag.hold();
    const page = openPage(world.balancer.url, { carry: 'body' });
    expect(await writeAndReadBack(page, keys, 'SESSION')).toEqual(all(5, 'new'));
  });

  test('with a session that has outgrown a header it is the new one', async () => {
    const [keys, others] = [await world.oldKeys(5), await world.oldKeys(40)];
    const page = openPage(world.balancer.url);
    for (const { key } of others) await page.read(key, 'SESSION');
    expect(page.session?.token.length).toBeGreaterThan(4_000);
    world.lag.hold();
    expect(await writeAndReadBack(page, keys, 'SESSION')).toEqual(all(5, 'new'));
  });

  test('a page that was loaded again goes on with its session', async () => {
    const [old] = await world.oldKeys(1);
    world.lag.hold();
    const items = new Map<string, string>();
    const storage = {
      getItem: (key: string) => items.get(key) ?? null,
      setItem: (key: string, value: string) => void items.set(key, value),
      removeItem: (key: string) => void items.delete(key),
    };
    await openPage(world.balancer.url, { storage }).write(old!);
    expect(await openPage(world.balancer.url, { storage }).read(old!.key, 'SESSION')).toBe('new');
  });
});

describe('operations side by side', () => {
  /** Writes go to the one gateway, reads to the other. */
  const apart = (): ApolloLink =>
    ApolloLink.split(
      ({ operationName }) => operationName === 'Put',
      new HttpLink({ uri: world.writer.url }),
      new HttpLink({ uri: world.reader.url }),
    );

  /** Eight writes at once, then a read of each, one after the other. */
  async function writeAtOnce(page: Page): Promise<unknown[]> {
    const keys = await world.oldKeys(8);
    world.lag.hold();
    await Promise.all(keys.map((old) => page.write(old)));
    const found: unknown[] = [];
    for (const { key } of keys) found.push(await page.read(key, 'SESSION'));
    return found;
  }

  test('what they wrote is all read back: no answer makes another be forgotten', async () => {
    expect(await writeAtOnce(openPage(apart()))).toEqual(all(8, 'new'));
  });

  test('a link that keeps the last token alone forgets the others: here is what it would do', async () => {
    await seesLag(() => writeAtOnce(openPage(keepingTheLast(apart()), 'bare')));
  });

  test('fields of one query leave one token that says what each of them saw', async () => {
    const keys = await world.oldKeys(3);
    world.lag.hold();
    const page = openPage(apart());
    await Promise.all(keys.map((old) => page.write(old)));
    const fields = keys.map(
      ({ key }, at) =>
        `f${at}: get(keyspace: "demo", key: "${key}", consistency: QUORUM) { receipt { answered } }`,
    );
    const reply = await send(world.writer, `{ ${fields.join(' ')} }`);
    const session = reply.headers.get('quorate-session') ?? '';
    expect(session).not.toContain(',');
    const headers = { 'quorate-session': session };
    for (const { key } of keys) {
      const query = `{ get(keyspace: "demo", key: "${key}", consistency: SESSION) { entry { current { value } } } }`;
      expect((await send(world.reader, query, { headers })).text).toContain('"value":"new"');
    }
  });
});

describe('over WebSocket', () => {
  /** Writes and reads back six keys, on another socket each time; half of the reads are at ONE. */
  async function findOnMovingSockets() {
    const keys = await world.oldKeys(6);
    world.lag.hold();
    world.balancer.sockets.length = 0;
    const sockets = createClient({
      url: world.balancer.socketUrl,
      webSocketImpl: WebSocket,
      retryWait: () => Promise.resolve(),
    });
    const page = openPage(new GraphQLWsLink(sockets));
    const told: string[] = [];
    // Keeps a socket open, so that not every operation has one of its own.
    const watching = page.client
      .subscribe<{ changes: { __typename: string } }>({ query: bookmarks })
      .subscribe(({ data }) => told.push(data?.changes.__typename ?? ''));
    await until(() => told.length === 1);
    const found: { SESSION: unknown[]; ONE: unknown[] } = { SESSION: [], ONE: [] };
    for (const [at, old] of keys.entries()) {
      await page.write(old);
      world.balancer.cutSockets();
      await until(() => told.length === 2 + 2 * at);
      const level = at % 2 === 0 ? 'ONE' : 'SESSION';
      found[level].push(await page.read(old.key, level));
      world.balancer.cutSockets();
      await until(() => told.length === 3 + 2 * at);
    }
    watching.unsubscribe();
    await sockets.dispose();
    expect(world.balancer.sockets).toEqual([0, ...keys.flatMap(() => [1, 0])]);
    return found;
  }

  test('the session outlives the socket, and goes on at the other gateway', async () => {
    await seesLag(async () => {
      const found = await findOnMovingSockets();
      expect(found.SESSION).toEqual(all(3, 'new'));
      return found.ONE;
    });
  });
});

describe('an event of a subscription', () => {
  /** Reads a key at SESSION, through the gateway that asks the lagging replica first, once its event was told. */
  async function readAfterEvent(selection: string): Promise<unknown> {
    const [old] = await world.oldKeys(1);
    world.lag.hold();
    const sockets = createClient({ url: world.reader.socketUrl, webSocketImpl: WebSocket });
    const page = openPage(
      ApolloLink.split(
        ({ operationType }) => operationType.valueOf() === 'subscription',
        new GraphQLWsLink(sockets),
        new HttpLink({ uri: world.reader.url }),
      ),
    );
    const told: string[] = [];
    const query = gql`subscription { changes(keyspace: "demo", key: "${old!.key}") { __typename ... on EntryChanged { ${selection} } } }`;
    const watching = page.client
      .subscribe<{ changes: { __typename: string } }>({ query })
      .subscribe(({ data }) => told.push(data?.changes.__typename ?? ''));
    await until(() => told.includes('FeedBookmark'));
    await openPage(world.writer.url).write(old!);
    await until(() => told.includes('EntryChanged'));
    const found = await page.read(old!.key, 'SESSION');
    watching.unsubscribe();
    await sockets.dispose();
    return found;
  }

  test('is part of the session when its session is selected', async () => {
    expect(await readAfterEvent('session')).toBe('new');
  });

  test('is none when it is not', async () => {
    await seesLag(async () => [await readAfterEvent('confirmedBy')]);
  });
});

describe('the cache', () => {
  const reads = async (page: Page, key: string): Promise<unknown> => {
    const query = (level: 'QUORUM' | 'ONE') =>
      page.client.query({ query: get, variables: { key, level }, fetchPolicy: 'network-only' });
    await query('QUORUM');
    await query('ONE');
    const cached = page.client.readQuery({ query: get, variables: { key, level: 'QUORUM' } });
    return cached?.get.entry.current.value;
  };
  /** QUORUM from the gateway that has seen the write, ONE from the one that asks who has not. */
  const byLevel = (): ApolloLink =>
    ApolloLink.split(
      ({ variables }) => variables['level'] === 'ONE',
      new HttpLink({ uri: world.reader.url }),
      new HttpLink({ uri: world.writer.url }),
    );

  test('keeps what a read at QUORUM has found when a stale read at ONE comes after it', async () => {
    // Without the policy the stale read wins.
    await seesLag(async () => {
      const [kept, lost] = await world.oldKeys(2);
      world.lag.hold();
      const page = openPage(byLevel());
      const bare = openPage(byLevel(), 'bare');
      for (const old of [kept!, lost!]) await page.write(old);
      expect(await reads(page, kept!.key)).toBe('new');
      return [await reads(bare, lost!.key)];
    });
  });
});

describe('an answer that is lost', () => {
  const keyed = gql`
    mutation ($key: String!, $id: String) {
      put(keyspace: "demo", key: $key, value: "again", idempotencyKey: $id) {
        writeId
        entry {
          current {
            siblings {
              value
            }
          }
        }
      }
    }
  `;

  test('is asked for again when the mutation has an idempotency key: one write', async () => {
    const page = openPage(world.balancer.url);
    world.balancer.served.length = 0;
    world.balancer.loseNextAnswer();
    const variables = { key: 'idempotent', id: 'once' };
    const { data } = await page.client.mutate({ mutation: keyed, variables });
    expect(world.balancer.served).toEqual([0, 1]);
    expect(data).toMatchObject({ put: { entry: { current: { siblings: [{ value: 'again' }] } } } });
  });

  test('is an error when it has none: nobody writes twice', async () => {
    const page = openPage(world.balancer.url);
    world.balancer.served.length = 0;
    world.balancer.loseNextAnswer();
    const writing = page.client.mutate({
      mutation: put,
      variables: { key: 'plain', context: null as never },
    });
    await expect(writing).rejects.toThrow('fetch failed');
    expect(world.balancer.served).toEqual([0]);
  });

  test('is asked for again when it is a query', async () => {
    const page = openPage(world.balancer.url);
    world.balancer.loseNextAnswer();
    expect(await page.read('nothing-here', 'QUORUM')).toBeNull();
  });
});

const bookmarks = gql`
  subscription {
    changes(keyspace: "demo", key: "nobody writes it") {
      __typename
    }
  }
`;

/** The obvious link, and a wrong one: two operations side by side, and the token that comes first is lost. */
function keepingTheLast(sending: ApolloLink): ApolloLink {
  let last: string | undefined;
  return new ApolloLink((operation, forward) => {
    if (last !== undefined) operation.setContext({ headers: { 'quorate-session': last } });
    return new Observable<ApolloLink.Result>((observer) =>
      forward(operation).subscribe({
        next(result) {
          const { response } = operation.getContext() as { response?: Response };
          last = response?.headers.get('quorate-session') ?? last;
          observer.next(result);
        },
        error: (error: unknown) => observer.error(error),
        complete: () => observer.complete(),
      }),
    );
  }).concat(sending);
}
