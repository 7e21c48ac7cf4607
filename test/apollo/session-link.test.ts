import { describe, expect, test } from '@jest/globals';
import { sessionLink, type SessionLinkOptions } from '../../src/apollo/quorate-link.ts';
import { heldGateway, sendThrough, type Arrived } from './links.ts';

const query = '{ get(keyspace: "demo", key: "k") { session } }';
const done = { data: { get: { session: 'of the field' } } };

function start(options: SessionLinkOptions = {}) {
  const session = sessionLink(options);
  const { arrived, link } = heldGateway();
  const send = (text = query): Arrived => {
    sendThrough(session.concat(link), text);
    return arrived.at(-1)!;
  };
  return { session, arrived, send, link: session.concat(link) };
}

describe('over HTTP', () => {
  test('the first request has no session, and the next one carries that of the answer', () => {
    const { send, session } = start();
    const first = send();
    expect(first.header).toBeUndefined();
    first.answer(done, { header: 't1' });
    expect(session.token).toBe('t1');
    expect(send().header).toBe('t1');
  });

  test('an answer without a token leaves what was known', () => {
    const { send, session } = start({ token: 't0' });
    send().answer(done);
    send().fail(new TypeError('fetch failed'));
    expect(session.token).toBe('t0');
  });

  test('a session that is too long for a header goes in the body', () => {
    const long = 'x'.repeat(4_001);
    const { send, session } = start({ token: long });
    const request = send();
    expect(request.header).toBeUndefined();
    expect(request.extension()).toBe(long);
    expect(request.operation.getContext()['http']).toEqual({ includeExtensions: true });
    request.answer(done, { extension: 't1' });
    expect(session.token).toBe('t1');
    expect(send().header).toBe('t1');
  });

  test('with carry: body it is in the body from the first request on, so that the answer is too', () => {
    const request = start({ carry: 'body' }).send();
    expect(request.extension()).toBe('');
    expect(request.operation.getContext()['http']).toEqual({ includeExtensions: true });
  });
});

describe('operations side by side', () => {
  test('two of them, sent the same token, lose nothing of what the other saw', () => {
    const { send, session } = start({ token: 't0' });
    const [one, other] = [send(), send()];
    one.answer(done, { header: 't1' });
    other.answer(done, { header: 't2' });
    expect(session.token).toBe('t1,t2');
    const next = send();
    expect(next.header).toBe('t1,t2');
    next.answer(done, { header: 't3' });
    expect(session.token).toBe('t3');
  });

  test('one that began before another ended does not bring back what that one replaced', () => {
    const { send, session } = start({ token: 't0' });
    const slow = send();
    send().answer(done, { header: 't1' });
    send().answer(done, { header: 't2' });
    slow.answer(done, { header: 's1' });
    expect(session.token).toBe('t2,s1');
  });

  test('at most operationsMax are under way: the others wait, and carry what is known by then', () => {
    const { send, arrived, link } = start({ operationsMax: 2 });
    const [one] = [send(), send()];
    const third = sendThrough(link, query);
    const fourth = sendThrough(link, query);
    const fifth = sendThrough(link, query);
    expect(arrived).toHaveLength(2);
    fourth.cancel();
    one.answer(done, { header: 't1' });
    expect(arrived).toHaveLength(3);
    expect(arrived[2]!.header).toBe('t1');
    third.cancel();
    expect(arrived[2]!.isGone).toBe(true);
    expect(arrived).toHaveLength(4);
    arrived[3]!.fail(new Error('no'));
    expect(fifth.error).toEqual(new Error('no'));
  });

  test('as many tokens are held, at most, as operations were under way at once', () => {
    const { session, arrived, link } = start({ operationsMax: 5 });
    // Any order will do: always the same one, from a small generator.
    let state = 1;
    const random = (below: number): number => (state = (state * 48_271) % 2_147_483_647) % below;
    for (let at = 0; at < 2_000; at++) {
      if (random(2) === 0) sendThrough(link, query);
      const open = arrived.filter(({ isGone }) => !isGone);
      if (open.length > 0 && random(2) === 0)
        open[random(open.length)]!.answer(done, { header: `t${at}` });
      expect(session.token.split(',').length).toBeLessThanOrEqual(5);
    }
    expect(arrived.length).toBeGreaterThan(500);
  });

  test.each([0, 29, 1.5])('%s of them cannot be asked for', (operationsMax) => {
    expect(() => sessionLink({ operationsMax })).toThrow(
      `operationsMax must be 1 to 28, and it is ${operationsMax}`,
    );
  });
});

describe('over WebSocket', () => {
  test('the message carries what is known when it is written, also after a reconnection', () => {
    const { send, session } = start({ token: 't0' });
    const slow = send();
    expect(slow.extension()).toBe('t0');
    send().answer(done, { extension: 't1' });
    // The socket was reconnected, and its client writes the message once more.
    expect(slow.extension()).toBe('t1');
    slow.answer(done, { extension: 't2' });
    expect(session.token).toBe('t2');
  });

  test('an event of a subscription adds to the session, and takes the place of nothing', () => {
    const { send, session } = start({ token: 't0' });
    const events = send(
      'subscription { changes(keyspace: "demo") { ... on EntryChanged { session } } }',
    );
    expect(events.extension()).toBe('t0');
    for (const token of ['e1', 'e1', 'e2'])
      events.answer({ data: { changes: { session: token } } });
    events.answer({ data: { changes: { cursor: 'c' } } });
    events.answer({ errors: [{ message: 'over' }], data: null });
    expect(session.token).toBe('t0,e1,e2');
  });
});

describe('events that gather', () => {
  const changes = 'subscription { changes(keyspace: "demo") { ... on EntryChanged { session } } }';
  const event = (token: string) => ({ data: { changes: { session: token } } });
  const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const names = (arrived: readonly Arrived[]) =>
    arrived.map(({ operation }) => operation.operationName);

  test('are joined by the gateway, with no operation of the page', async () => {
    const { send, arrived, session } = start({ token: 't0' });
    const events = send(changes);
    for (let at = 1; at <= 16; at++) events.answer(event(`e${at}`));
    expect(names(arrived)).toEqual([undefined, 'JoinSession']);
    const joining = arrived[1]!;
    expect(joining.operation.operationType.valueOf()).toBe('query');
    expect(joining.header?.split(',')).toHaveLength(17);
    events.answer(event('e17'));
    joining.answer({ data: { __typename: 'Query' } }, { header: 'joined' });
    expect(session.token).toBe('e17,joined');
    await settled();
    expect(arrived).toHaveLength(2);
  });

  test('are joined again when it failed', async () => {
    const { send, arrived } = start();
    const events = send(changes);
    for (let at = 1; at <= 17; at++) events.answer(event(`e${at}`));
    arrived[1]!.fail(new TypeError('fetch failed'));
    await settled();
    expect(arrived).toHaveLength(2);
    events.answer(event('e18'));
    expect(names(arrived)).toEqual([undefined, 'JoinSession', 'JoinSession']);
  });

  test('hold an operation up until it can carry them all, 32 at a time', async () => {
    const { send, arrived, link, session } = start();
    const events = send(changes);
    for (let at = 1; at <= 70; at++) events.answer(event(`e${at}`));
    arrived[1]!.fail(new TypeError('fetch failed'));
    await settled();
    sendThrough(link, query);
    for (const [at, count] of [32, 32].entries()) {
      expect(names(arrived).slice(2)).toEqual(Array(at + 1).fill('JoinSession'));
      expect(arrived.at(-1)!.header?.split(',')).toHaveLength(count);
      arrived.at(-1)!.answer({ data: { __typename: 'Query' } }, { header: `joined${at}` });
      await settled();
    }
    expect(names(arrived).at(-1)).toBeUndefined();
    expect(arrived.at(-1)!.header).toBe(session.token);
    expect(session.token.split(',')).toHaveLength(8);
  });

  test('fail an operation that cannot carry them, and are not forgotten', async () => {
    const { send, arrived, link, session } = start();
    const events = send(changes);
    for (let at = 1; at <= 40; at++) events.answer(event(`e${at}`));
    const waiting = sendThrough(link, query);
    arrived[1]!.fail(new TypeError('fetch failed'));
    await settled();
    expect(waiting.error).toEqual(new TypeError('fetch failed'));
    const refused = sendThrough(link, query);
    for (let round = 0; round < 10; round++) {
      arrived.at(-1)!.answer({ data: { __typename: 'Query' } });
      await settled();
    }
    expect(String(refused.error)).toContain('The session has gathered 40 tokens');
    expect(session.token.split(',')).toHaveLength(40);
  });
});

describe('a token that the gateway refuses', () => {
  const refused = {
    data: null,
    errors: [
      { message: 'not a session', extensions: { code: 'BAD_USER_INPUT', field: 'session' } },
    ],
  };

  test('is forgotten with the failure that says so, and nothing else is', () => {
    const { send, session } = start({ token: 'stale' });
    const request = send();
    const other = send();
    other.answer(done, { header: 't1' });
    expect(session.token).toBe('t1');
    const newer = start({ token: 'stale' });
    newer.send().answer(refused);
    expect(newer.session.token).toBe('');
    request.answer(refused);
    expect(session.token).toBe('t1');
  });

  test('another refusal leaves it', () => {
    const { send, session } = start({ token: 't0' });
    const errors = [{ message: 'no', extensions: { code: 'BAD_USER_INPUT', field: 'key' } }];
    send().answer({ data: null, errors });
    expect(session.token).toBe('t0');
  });
});

describe('a storage', () => {
  const storageOf = (items: Map<string, string>) => ({
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
    removeItem: (key: string) => void items.delete(key),
  });

  test('keeps the session over a reload of the page, until it is forgotten', () => {
    const items = new Map<string, string>();
    const before = start({ storage: storageOf(items) });
    const [one, other] = [before.send(), before.send()];
    one.answer(done, { header: 't1' });
    other.answer(done, { header: 't2' });
    const after = start({ storage: storageOf(items) });
    expect(after.send().header).toBe('t1,t2');
    after.session.forget();
    expect([...items]).toEqual([]);
    expect(after.send().header).toBeUndefined();
  });

  test('that may not be used leaves the session in memory', () => {
    const deny = (): never => {
      throw new Error('denied');
    };
    const { send, session } = start({
      storage: { getItem: deny, setItem: deny, removeItem: deny },
    });
    send().answer(done, { header: 't1' });
    expect(session.token).toBe('t1');
    session.forget();
    expect(session.token).toBe('');
  });
});

test('the headers of the operation stay, but for a session among them', () => {
  const { arrived, link } = start({ token: 't0' });
  const headers = { authorization: 'Bearer key', 'Quorate-Session': 'old' };
  sendThrough(link, query, {}, { headers });
  expect(arrived[0]!.operation.getContext()['headers']).toEqual({
    authorization: 'Bearer key',
    'quorate-session': 't0',
  });
});
