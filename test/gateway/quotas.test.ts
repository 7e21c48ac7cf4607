import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { send, startMemoryEdge, type MemoryEdge, type Reply } from '../support/edge.ts';
import { connectSocket, openSocket, until } from '../support/socket.ts';

let edge: MemoryEdge;
beforeEach(async () => {
  edge = await startMemoryEdge();
  await send(edge, 'mutation { createTenant(input: { name: "demo" }) { name } }');
});
afterEach(() => edge.close());

const cheap = '{ __typename }';
const read = '{ get(keyspace: "demo", key: "a") { session } }';
const silent = 'subscription { changes(keyspace: "demo", key: "silent") { __typename } }';

async function allow(quota: string): Promise<void> {
  const update = `mutation { updateTenant(name: "demo", input: { quota: { ${quota} } }) { name } }`;
  const { errors } = await send(edge, update);
  expect(errors).toBeUndefined();
}

/** What a refusal says, without its words. */
function refusal({ errors }: Reply): unknown {
  const { message, ...error } = errors?.[0] ?? { message: '', extensions: {} };
  expect(message).toContain('quota');
  return error.extensions;
}

// The guard of all of these is `charge` in graphql/engine.ts: without it nobody is refused.
describe('requests a second', () => {
  test('over HTTP: what is beyond is refused with how long to wait, and nothing is done for it', async () => {
    await allow('requestsPerSecond: 3');
    for (let nth = 0; nth < 3; nth++) expect((await send(edge, read)).code).toBeUndefined();
    edge.memory.calls.length = 0;
    const refused = await send(edge, read);
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(refused.data).toBeUndefined();
    expect(refusal(refused)).toEqual({
      code: 'LIMIT_EXCEEDED',
      outcome: 'NONE',
      retryable: true,
      quota: 'requestsPerSecond',
      limit: 3,
      used: expect.any(Number),
      retryAfterMs: expect.any(Number),
    });
    expect(edge.memory.calls).toEqual([]);
  });

  test('over a socket, which is older than the quota: the same purse, and the socket goes on', async () => {
    const socket = await connectSocket(edge);
    await allow('requestsPerSecond: 2');
    const ask = async (id: string): Promise<string> => {
      socket.send({ id, type: 'subscribe', payload: { query: cheap } });
      const { text } = await socket.next();
      if (text.includes('"next"') && !text.includes('errors')) await socket.next();
      return text;
    };
    expect(await ask('1')).not.toContain('LIMIT_EXCEEDED');
    expect((await send(edge, cheap)).code).toBeUndefined();
    const refused = await ask('2');
    expect(refused).toContain('LIMIT_EXCEEDED');
    expect(refused).toMatch(/"retryAfterMs":\d+/);
    await until(() => socket.socket.readyState === socket.socket.OPEN);
    expect((await send(edge, cheap)).code).toBe('LIMIT_EXCEEDED');
    await socket.close();
  });

  test('over server-sent events', async () => {
    await allow('requestsPerSecond: 1');
    expect((await send(edge, cheap)).code).toBeUndefined();
    const response = await fetch(edge.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query: silent }),
    });
    expect(await response.text()).toContain('LIMIT_EXCEEDED');
    expect(edge.memory.listeners()).toBe(0);
  });
});

describe('cost', () => {
  test('a second: one large document, and then the tenant waits', async () => {
    await allow('costPerSecond: 10');
    const large = '{ range(keyspace: "demo", first: 100) { session } }';
    expect((await send(edge, large)).code).toBeUndefined();
    const refused = await send(edge, cheap);
    expect(refusal(refused)).toMatchObject({ quota: 'costPerSecond', limit: 10 });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(5);
  });

  // Trap 1: a limit that is a validation rule would give one tenant's verdict to another.
  test('of one document: compared for each tenant anew, though the document is remembered', async () => {
    expect((await send(edge, read)).code).toBeUndefined();
    await allow('documentCost: 1, documentDepth: 1');
    const refused = await send(edge, read);
    expect(refusal(refused)).toMatchObject({ quota: 'documentDepth', limit: 1, retryable: false });
    expect(refused.headers.get('retry-after')).toBeNull();
    // Whatever an operator has done to his own tenant, he can undo: `isAdministration` in charge.ts.
    await allow('documentTokens: 200');
    expect((await send(edge, read)).code).toBeUndefined();
  });
});

describe('what stays open', () => {
  test('sockets: one too many is closed with 1013, and one that goes makes room', async () => {
    await allow('sockets: 1');
    const first = await connectSocket(edge);
    const second = await openSocket(edge);
    second.send({ type: 'connection_init' });
    expect(await second.closed).toBe(1013);
    await first.close();
    await until(() => sockets() === 0);
    await (await connectSocket(edge)).close();
  });

  test('subscriptions: over both transports together, and one that ends makes room', async () => {
    await allow('subscriptions: 1');
    const socket = await connectSocket(edge);
    const subscribe = (id: string): void =>
      socket.send({ id, type: 'subscribe', payload: { query: silent } });
    subscribe('1');
    await socket.next();
    subscribe('2');
    expect((await socket.next()).text).toContain('"quota":"subscriptions"');
    socket.send({ id: '1', type: 'complete' });
    await until(() => edge.memory.listeners() === 0);
    subscribe('3');
    await until(() => edge.memory.listeners() === 1);
    await socket.close();
  });

  test('requests at once', async () => {
    await allow('concurrentRequests: 2');
    const replies = await Promise.all(Array.from({ length: 20 }, () => send(edge, read)));
    const codes = new Set(replies.map(({ code }) => code));
    expect(replies.some(({ code }) => code === undefined)).toBe(true);
    for (const code of codes) expect([undefined, 'LIMIT_EXCEEDED']).toContain(code);
    await until(() => edge.admission.of('demo').counts.concurrentRequests.open === 0);
    expect((await send(edge, read)).code).toBeUndefined();
  });
});

function sockets(): number {
  return edge.admission.of('demo').counts.sockets.open;
}
