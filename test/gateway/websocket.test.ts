import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startMemoryEdge, send, defaultLimits, type MemoryEdge } from '../support/edge.ts';
import { createMemoryStore } from '../support/memory-store.ts';
import { connectSocket, openSocket, until, type RawSocket } from '../support/socket.ts';

let edge: MemoryEdge;
beforeAll(async () => void (edge = await startMemoryEdge()));
afterAll(() => edge.close());

const silent = 'subscription { changes(keyspace: "demo", key: "silent") { __typename } }';
const subscribe = (socket: RawSocket, id: string, query: string): void =>
  socket.send({ id, type: 'subscribe', payload: { query } });

describe('trap 3: one bad operation ends itself, never the socket', () => {
  test('syntax, validation, limits and unknown operations are answered by an error message', async () => {
    const socket = await connectSocket(edge);
    const bad: [string, string][] = [
      ['{ get(', 'GRAPHQL_PARSE_FAILED'],
      ['{ nothing }', 'GRAPHQL_VALIDATION_FAILED'],
      [`{ ${'a '.repeat(2_000)} }`, 'BAD_USER_INPUT'],
      ['fragment f on Query { __typename }', 'GRAPHQL_VALIDATION_FAILED'],
      ['query a { __typename } query b { __typename }', 'BAD_USER_INPUT'],
      ['subscription { changes(keyspace: "demo", after: 1) { __typename } }', 'BAD_USER_INPUT'],
    ];
    for (const [index, [query, code]] of bad.entries()) {
      subscribe(socket, `bad${index}`, query);
      const answer = await socket.next();
      expect(answer).toMatchObject({
        type: 'error',
        id: `bad${index}`,
        payload: [{ extensions: { code, outcome: 'NONE' } }],
      });
      expect(answer.text).not.toMatch(/stack|node_modules|"http"/);
    }
    subscribe(socket, 'good', '{ __typename }');
    expect(await socket.next()).toMatchObject({
      type: 'next',
      id: 'good',
      payload: { data: { __typename: 'Query' } },
    });
    await socket.close();
  });

  test('a failure nobody foresaw is masked in the result, and the socket goes on', async () => {
    const socket = await connectSocket(edge);
    edge.memory.failWith(new Error('secret'));
    subscribe(socket, '1', '{ get(keyspace: "demo", key: "a") { session } }');
    const answer = await socket.next();
    expect(answer).toMatchObject({
      type: 'next',
      payload: { errors: [{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }] },
    });
    expect(answer.text).not.toContain('secret');
    await socket.close();
  });
});

describe('trap 4: nothing is left of a subscriber who is gone', () => {
  test('a silent key, its socket dropped without a word', async () => {
    const socket = await connectSocket(edge);
    subscribe(socket, '1', silent);
    expect(await socket.next()).toMatchObject({
      type: 'next',
      payload: { data: { changes: { __typename: 'FeedBookmark' } } },
    });
    expect(edge.memory.listeners()).toBe(1);
    socket.socket.terminate();
    await until(() => edge.memory.listeners() === 0);
  });

  test('a silent key, its subscription completed by the client', async () => {
    const socket = await connectSocket(edge);
    subscribe(socket, '1', silent);
    await socket.next();
    socket.send({ id: '1', type: 'complete' });
    await until(() => edge.memory.listeners() === 0);
    await socket.close();
  });

  // Control: without `idInUse` two subscriptions have one id, and one of them outlives its socket.
  test('an id completed and given again before its subscription had begun', async () => {
    const memory = createMemoryStore();
    const { store, feed } = memory;
    const gate = Promise.withResolvers<undefined>();
    const slow: typeof feed = {
      ...feed,
      async subscribe(caller, what) {
        await gate.promise;
        return feed.subscribe(caller, what);
      },
    };
    const own = await startMemoryEdge({ store, changes: slow });
    const socket = await connectSocket(own);
    subscribe(socket, '1', silent);
    socket.send({ id: '1', type: 'complete' });
    subscribe(socket, '1', silent);
    socket.send({ type: 'ping' });
    const first = await socket.next(); // by then all four have arrived
    gate.resolve(undefined);
    const second = await socket.next();
    await until(() => own.admission.room.operations === 0);
    await socket.close();
    await until(() => memory.listeners() === 0);
    expect([first.type, second.type].sort()).toEqual(['error', 'pong']);
    await own.close();
  });

  test('a silent key over server-sent events, the request aborted', async () => {
    const stop = new AbortController();
    const headers = { 'content-type': 'application/json', accept: 'text/event-stream' };
    await fetch(edge.url, {
      method: 'POST',
      headers,
      body: JSON.stringify({ query: silent }),
      signal: stop.signal,
    });
    await until(() => edge.memory.listeners() === 1);
    stop.abort();
    await until(() => edge.memory.listeners() === 0);
  });
});

describe('sockets that do not keep to the protocol', () => {
  test('without connection_init: 4401 for an operation, 4408 after three seconds', async () => {
    const hasty = await openSocket(edge);
    subscribe(hasty, '1', '{ __typename }');
    expect(await hasty.closed).toBe(4401);
    const slow = await openSocket(edge);
    expect(await slow.closed).toBe(4408);
  });

  test('connection_init twice: 4429', async () => {
    const socket = await connectSocket(edge);
    socket.send({ type: 'connection_init' });
    expect(await socket.closed).toBe(4429);
  });

  test('an id that is in use: 4409', async () => {
    const socket = await connectSocket(edge);
    subscribe(socket, '1', silent);
    await socket.next();
    subscribe(socket, '1', silent);
    expect(await socket.closed).toBe(4409);
    await until(() => edge.memory.listeners() === 0);
  });

  test('ids that objects have names for are only ids', async () => {
    const socket = await connectSocket(edge);
    for (const id of ['__proto__', 'constructor', 'toString']) {
      subscribe(socket, id, '{ __typename }');
      expect(await socket.next()).toMatchObject({ type: 'next', id });
      expect(await socket.next()).toMatchObject({ type: 'complete', id });
    }
    await socket.close();
  });

  test('another subprotocol: 4406', async () => {
    const socket = await openSocket(edge, { protocol: 'graphql-ws' }).catch(() => undefined);
    // ws refuses to open when no offered protocol is taken; a browser sees the close code.
    if (socket !== undefined) expect(await socket.closed).toBe(4406);
    expect((await send(edge, '{ __typename }')).status).toBe(200);
  });

  test('no message, a message of the server, no JSON: 4400', async () => {
    for (const text of [
      '',
      '[]',
      '{"type":"next","id":"1","payload":{}}',
      '{"type":"subscribe","id":1}',
      'nonsense',
    ]) {
      const socket = await connectSocket(edge);
      socket.send(text);
      expect(await socket.closed).toBe(4400);
    }
  });

  test('a frame of more than 1 MiB: 1009', async () => {
    const socket = await connectSocket(edge);
    socket.send(`{"type":"ping","payload":{"pad":"${'x'.repeat(defaultLimits.bodyBytes)}"}}`);
    expect(await socket.closed).toBe(1009);
  });

  test('another path or another origin is not upgraded', async () => {
    const elsewhere = { ...edge, socketUrl: `${edge.socketUrl}/other` };
    await expect(openSocket(elsewhere)).rejects.toThrow('404');
    await expect(openSocket(edge, { headers: { origin: 'https://evil.example' } })).rejects.toThrow(
      '403',
    );
    const own = await connectSocket(edge, undefined, { headers: { origin: edge.origin } });
    await own.close();
  });
});

describe('sockets that want too much', () => {
  test('10,000 subscriptions on one socket: the first 100 are served, each of the others is refused', async () => {
    const socket = await connectSocket(edge);
    for (let id = 0; id < 10_000; id++) subscribe(socket, String(id), silent);
    let served = 0;
    let refused = 0;
    while (served + refused < 10_000) {
      const message = await socket.next();
      if (message.type === 'next') served++;
      if (message.type === 'error') {
        refused++;
        expect(message.payload).toMatchObject([
          { extensions: { code: 'LIMIT_EXCEEDED', limit: 100, retryable: true } },
        ]);
      }
    }
    expect([served, refused, edge.memory.listeners()]).toEqual([100, 9_900, 100]);
    subscribe(socket, 'after', '{ __typename }');
    expect(await socket.next()).toMatchObject({ type: 'error', id: 'after' });
    socket.socket.terminate();
    await until(() => edge.memory.listeners() === 0);
  });

  test('trap 10: a reader who does not read holds up its own events and nobody else', async () => {
    const lame = await connectSocket(edge);
    subscribe(
      lame,
      '1',
      'subscription { changes(keyspace: "demo", key: "big") { ... on EntryChanged { entry { current { siblings { value } } } } } }',
    );
    await lame.next();
    lame.socket.pause();
    const put = 'mutation($v: JSON!) { put(keyspace: "demo", key: "big", value: $v) { writeId } }';
    for (let i = 0; i < 20; i++) await send(edge, put, { variables: { v: 'x'.repeat(200_000) } });
    const other = await connectSocket(edge);
    subscribe(other, '1', '{ __typename }');
    expect(await other.next()).toMatchObject({ type: 'next' });
    lame.socket.terminate();
    await other.close();
    await until(() => edge.memory.listeners() === 0);
  });

  test('as many sockets as the limit allows, and no more', async () => {
    const small = await startMemoryEdge({ limits: { ...defaultLimits, socketsMax: 2 } });
    const two = [await connectSocket(small), await connectSocket(small)];
    await expect(openSocket(small)).rejects.toThrow('503');
    await Promise.all(two.map((socket) => socket.close()));
    await small.close();
  });
});

describe('the end of a gateway', () => {
  test('sockets are closed with 1012 and streams cut, none told that it is complete, no work is taken, and all is gone', async () => {
    const ending = await startMemoryEdge();
    const socket = await connectSocket(ending);
    subscribe(socket, '1', silent);
    await socket.next();
    const headers = { 'content-type': 'application/json', accept: 'text/event-stream' };
    const stream = await fetch(ending.url, {
      method: 'POST',
      headers,
      body: JSON.stringify({ query: silent }),
    });
    const text = textUntilCut(stream);
    await until(() => ending.memory.listeners() === 2);
    await ending.drain();
    expect(await socket.closed).toBe(1012);
    // A client takes `complete` for the end of the feed, and would not ask for it again elsewhere.
    await expect(socket.next()).rejects.toThrow('closed');
    expect(await text).not.toContain('event: complete');
    expect(ending.memory.listeners()).toBe(0);
    await expect(fetch(ending.url)).rejects.toThrow();
  });
});

/** What came of a stream before it was cut; a stream that ends properly is a failure. */
async function textUntilCut(stream: Response): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  try {
    for await (const chunk of stream.body!) text += decoder.decode(chunk);
  } catch {
    return text;
  }
  throw new Error(`the stream ended as if it were complete: ${text}`);
}
