import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { Store } from '../../src/consistency/store.ts';
import { StoreError } from '../../src/errors.ts';
import type { GatewayParts } from '../../src/gateway/http.ts';
import { Admission } from '../../src/quotas/admission.ts';
import { Room, type RoomLimits } from '../../src/quotas/room.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { createLog } from '../../src/runtime/log.ts';
import type { Role } from '../../src/tenancy/principal.ts';
import { defaultLimits, send, startMemoryEdge, type MemoryEdge } from '../support/edge.ts';
import { createMemoryStore } from '../support/memory-store.ts';
import { connectSocket, openSocket, until } from '../support/socket.ts';

/**
 * The gateway's room (`quotas/room`), over a store that answers nobody until it is told to. Each
 * promise has its control beside it: the same flood in a room without walls fills it.
 */
const walls: RoomLimits = { operations: 16, bytes: 400_000, answerBytes: 100_000 };
const noWalls: RoomLimits = { operations: Infinity, bytes: Infinity, answerBytes: Infinity };
const bodyBytes = 100_000;
const read = '{ get(keyspace: "demo", key: "a") { session } }';

let held: Held | undefined;
afterEach(async () => {
  held?.answer();
  await held?.edge.close();
});

interface Held {
  readonly edge: MemoryEdge;
  readonly room: Room;
  /** Lets every read go on. */
  readonly answer: () => void;
}

async function hold(limits: RoomLimits, changes: Partial<GatewayParts> = {}): Promise<Held> {
  const room = new Room(limits);
  let answer = (): void => {};
  const gate = new Promise<void>((resolve) => (answer = resolve));
  const { store } = createMemoryStore();
  const get: Store['get'] = async (caller, ref, asked) => {
    await gate;
    return store.get({ ...caller, tenant: 'demo' }, ref, asked);
  };
  const edge = await startMemoryEdge({
    store: { ...store, get },
    admission: new Admission({ clock: systemClock, room, quotaOf: () => undefined }),
    authenticator: byName,
    limits: { ...defaultLimits, bodyBytes },
    ...changes,
  });
  return (held = { edge, room, answer });
}

/** Who says "Bearer x" is a WRITER of tenant x. */
const byName: GatewayParts['authenticator'] = {
  authenticate(authorization = '') {
    const tenant = authorization.replace('Bearer ', '');
    if (tenant === '') throw new StoreError('UNAUTHENTICATED', 'who?');
    const role: Role = tenant === 'house' ? 'OPERATOR' : 'WRITER';
    return Promise.resolve({ tenant, role, credential: tenant });
  },
  recheck: () => Promise.resolve(),
  known: () => undefined,
  stands: () => false,
};

const as = (tenant: string) => ({ headers: { authorization: `Bearer ${tenant}` } });
const overloaded = {
  code: 'OVERLOADED',
  outcome: 'NONE',
  retryable: true,
  retryAfterMs: expect.any(Number),
};

describe('operations at once', () => {
  test('a flood is refused at once beyond the room, and leaves some to others', async () => {
    const { edge, room, answer } = await hold(walls);
    const flood = Array.from({ length: 40 }, () => send(edge, read, as('noisy')));
    await until(() => room.shed.operations === 26);
    // Nothing has been answered by the store: these were refused while the others wait.
    const refused = await Promise.race(flood);
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(refused.errors?.[0]?.extensions).toEqual(overloaded);
    expect(room.operations).toBe(14);
    const other = send(edge, read, as('quiet'));
    await until(() => room.operations === 15);
    answer();
    expect((await other).status).toBe(200);
    const statuses = (await Promise.all(flood)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(14);
    await until(() => room.operations === 0 && room.bytes === 0);
  });

  test('control: without walls all of the flood is under way', async () => {
    const { edge, room, answer } = await hold(noWalls);
    const flood = Array.from({ length: 40 }, () => send(edge, read, as('noisy')));
    await until(() => room.operations === 40);
    answer();
    for (const { status } of await Promise.all(flood)) expect(status).toBe(200);
  });

  test('over a socket and as server-sent events it is the same room', async () => {
    const { edge, room } = await hold(walls);
    const socket = await connectSocket(edge, { authorization: 'Bearer noisy' });
    for (let nth = 0; nth < 20; nth++)
      socket.send({ id: `${nth}`, type: 'subscribe', payload: { query: read } });
    expect((await socket.next()).payload).toMatchObject({ errors: [{ extensions: overloaded }] });
    expect(room.operations).toBe(14);
    const accept = { ...as('noisy').headers, accept: 'text/event-stream' };
    expect((await send(edge, read, { headers: accept })).code).toBe('OVERLOADED');
    expect((await send(edge, read, as('noisy'))).code).toBe('OVERLOADED');
    await socket.close();
  });

  test('who could make room, and who asks how it is, are let in', async () => {
    const { edge, room } = await hold({ ...walls, operations: 1, bytes: 3_000 });
    const only = send(edge, read, as('noisy'));
    await until(() => room.operations === 1);
    expect((await send(edge, read, as('quiet'))).code).toBe('OVERLOADED');
    expect((await send(edge, '{ tenants { name } }', as('house'))).status).toBe(200);
    // What an operator asks of data is nobody's act of administration.
    expect((await send(edge, read, as('house'))).code).toBe('OVERLOADED');
    for (const path of ['/healthz', '/readyz', '/metrics'])
      expect((await fetch(edge.origin + path)).status).toBe(200);
    held?.answer();
    expect((await only).status).toBe(200);
  });
});

describe('bytes that are kept', () => {
  test('bodies that do not come to an end fill the room and no more', async () => {
    const lines: unknown[] = [];
    const log = Object.assign(createLog('silent'), { error: (line: never) => lines.push(line) });
    const { edge, room } = await hold(walls, { log });
    const trickled = trickle(edge, 12, 'noisy');
    const statuses = await Promise.race(trickled.map(({ status }) => status));
    expect(statuses).toBe(503);
    await until(() => room.shed.bytes > 0);
    expect(room.bytes).toBeLessThan(walls.bytes);
    const other = await send(edge, '{ __typename }', as('quiet'));
    expect(other.status).toBe(200);
    for (const { sent } of trickled) sent.destroy();
    await until(() => room.bytes === 0);
    // Whoever goes away in the middle of a body can fill no log either.
    expect(lines).toEqual([]);
  });

  test('control: without walls they are all kept', async () => {
    const { edge, room } = await hold(noWalls);
    const trickled = trickle(edge, 12, 'noisy');
    await until(() => room.bytes > 1.5 * walls.bytes);
    for (const { sent } of trickled) sent.destroy();
    await until(() => room.bytes === 0);
  });

  test('messages that do not come to an end are closed with 1013, also of nobody', async () => {
    const { edge, room } = await hold(walls);
    const sockets = await Promise.all(Array.from({ length: 12 }, () => openSocket(edge)));
    for (const { socket } of sockets) socket.send('x'.repeat(60_000), { fin: false });
    expect(await Promise.race(sockets.map(({ closed }) => closed))).toBe(1013);
    expect(room.bytes).toBeLessThan(walls.bytes);
    expect((await send(edge, '{ __typename }', as('quiet'))).status).toBe(200);
    for (const { socket } of sockets) socket.terminate();
    await until(() => room.bytes === 0);
  });

  test('what a socket sends is kept until it is answered, and a ping is not', async () => {
    const { edge, room, answer } = await hold(walls);
    const socket = await connectSocket(edge, { authorization: 'Bearer noisy' });
    for (let nth = 0; nth < 20; nth++) socket.socket.ping('x'.repeat(100));
    const subscribe = { id: '1', type: 'subscribe', payload: { query: read } };
    socket.send(subscribe);
    await until(() => room.operations === 1);
    expect(room.bytes).toBe(JSON.stringify(subscribe).length);
    answer();
    await socket.next();
    await until(() => room.bytes === 0);
    await socket.close();
  });
});

test('who is gone before it is known who he is leaves nothing behind', async () => {
  let authenticated = (): void => {};
  const known = new Promise<void>((resolve) => (authenticated = resolve));
  let asked = 0;
  const { edge, room } = await hold(walls, {
    authenticator: {
      ...byName,
      async authenticate(authorization) {
        asked += 1;
        await known;
        return byName.authenticate(authorization);
      },
    },
  });
  const [{ sent }] = trickle(edge, 1, 'noisy') as [Trickled];
  await until(() => asked === 1);
  sent.destroy();
  const open = (): Promise<string> =>
    fetch(`${edge.origin}/metrics`).then((response) => response.text());
  await open(); // a round trip on another connection: the end of the first one has been seen
  await open();
  authenticated();
  await open();
  expect([room.bytes, room.operations]).toEqual([0, 0]);
});

interface Trickled {
  readonly sent: ClientRequest;
  /** Of the answer; none for one that is kept. */
  readonly status: Promise<number | undefined>;
}

/** Requests that send 60 kB each and then nothing. */
function trickle(edge: MemoryEdge, count: number, tenant: string): readonly Trickled[] {
  return Array.from({ length: count }, () => {
    const sent = request(edge.url, {
      method: 'POST',
      headers: { ...as(tenant).headers, 'content-type': 'application/json' },
    });
    sent.on('error', () => {});
    sent.write('x'.repeat(60_000));
    const status = new Promise<number | undefined>((resolve) =>
      sent.once('response', ({ statusCode }: IncomingMessage) => resolve(statusCode)),
    );
    return { sent, status };
  });
}
