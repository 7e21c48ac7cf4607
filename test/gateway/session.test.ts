import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { send, sendBody, startMemoryEdge, type MemoryEdge, type Reply } from '../support/edge.ts';
import { connectSocket } from '../support/socket.ts';

let edge: MemoryEdge;
beforeAll(async () => void (edge = await startMemoryEdge()));
afterAll(() => edge.close());

const get = (more = '', alias = 'get'): string =>
  `${alias}: get(keyspace: "demo", key: "k" ${more}) { entry { key } }`;
const header = (session: string) => ({ headers: { 'quorate-session': session } });
const asked = (): string | undefined => edge.memory.calls.at(-1)?.asked?.session;
const withExtension = (session: unknown, query = `{ ${get()} }`): Promise<Reply> =>
  sendBody(edge, JSON.stringify({ query, extensions: { session } }));
const extensions = (reply: { text: string }): unknown =>
  (JSON.parse(reply.text) as { extensions?: unknown }).extensions;

describe('what leaves with the answer covers what came with the request', () => {
  test('tokens that came together are joined once, and each field is given the one', async () => {
    const reply = await send(edge, `{ ${get()} }`, header('a,b'));
    expect(asked()).toBe('a+b');
    expect(reply.headers.get('quorate-session')).toBe('session-token');
  });

  test('whoever sent several has one to keep, though no field had to do with it', async () => {
    const reply = await send(edge, '{ __typename }', header('a,b'));
    expect(reply.headers.get('quorate-session')).toBe('a+b');
    const single = await send(edge, '{ __typename }', header('a'));
    expect(single.headers.get('quorate-session')).toBeNull();
  });

  test("a field with a session of its own does not make the request's be forgotten", async () => {
    const reply = await send(edge, `{ ${get('session: "mine"')} }`, header('a'));
    expect(asked()).toBe('mine');
    expect(reply.headers.get('quorate-session')).toBe('a+session-token');
    const query = `mutation { ${get()} ${get('session: "mine"', 'other')} ${get('', 'third')} }`;
    const mutation = await send(edge, query, header('a'));
    // All the memory store's answers carry the same token, so that one stands for both.
    expect(mutation.headers.get('quorate-session')).toBe('session-token');
  });
});

describe('a session in the extensions', () => {
  test('goes before the header, and the new one comes back the same way', async () => {
    const reply = await withExtension('from-extensions');
    expect(asked()).toBe('from-extensions');
    expect(extensions(reply)).toEqual({ session: 'session-token' });
    expect(reply.headers.get('quorate-session')).toBeNull();
  });

  test('may be empty: there is none yet', async () => {
    const reply = await withExtension('');
    expect(asked()).toBeUndefined();
    expect(extensions(reply)).toEqual({ session: 'session-token' });
  });

  test('must be a string', async () => {
    const reply = await withExtension(['a', 'b']);
    expect(reply.code).toBe('BAD_USER_INPUT');
  });

  test("belongs to one operation of a socket, and goes before connection_init's", async () => {
    const socket = await connectSocket(edge, { 'quorate-session': 'from-init' });
    const run = async (id: string, more: object): Promise<unknown> => {
      socket.send({ id, type: 'subscribe', payload: { query: `{ ${get()} }`, ...more } });
      const { payload } = await socket.next();
      expect((await socket.next()).type).toBe('complete');
      return payload;
    };
    const answer = {
      data: { get: { entry: { key: 'k' } } },
      extensions: { session: 'session-token' },
    };
    expect(await run('1', { extensions: { session: 'from-extensions' } })).toEqual(answer);
    expect(asked()).toBe('from-extensions');
    expect(await run('2', {})).toEqual(answer);
    expect(asked()).toBe('from-init');
    await socket.close();
  });
});
