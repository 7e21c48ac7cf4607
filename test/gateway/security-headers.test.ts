import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { gatewayResponses } from '../../src/gateway/gateway-response.ts';
import { defaultLimits, send, startMemoryEdge, type MemoryEdge } from '../support/edge.ts';
import { connectSocket, openSocket } from '../support/socket.ts';

let edge: MemoryEdge;
beforeAll(async () => void (edge = await startMemoryEdge()));
afterAll(() => edge.close());

/** What a gateway says to these bytes, letter by letter, until it ends the connection. */
async function rawAnswer(target: MemoryEdge, bytes: string): Promise<string> {
  const socket = connect(Number(new URL(target.origin).port), '127.0.0.1');
  socket.setEncoding('latin1').write(bytes);
  let said = '';
  for await (const piece of socket) said += String(piece);
  return said;
}

const json = { 'content-type': 'application/json' };
const body = JSON.stringify({ query: '{ __typename }' });

describe('what every answer tells a browser', () => {
  // The guard: `gatewayResponses`; with one name less in its list one line here fails.
  test.each([
    ['an answer', () => fetch(edge.url, { method: 'POST', headers: json, body })],
    ['a refusal', () => fetch(edge.url, { method: 'POST', body })],
    ['a preflight', () => fetch(edge.url, { method: 'OPTIONS' })],
    ['no such path', () => fetch(`${edge.origin}/nothing`)],
    ['figures', () => fetch(`${edge.origin}/metrics`)],
    ['a redirect', () => fetch(`${edge.origin}/`, { redirect: 'manual' })],
  ])('%s: its type is its type, nobody frames it, nothing is passed on', async (_, ask) => {
    const { headers } = await ask();
    expect(Object.fromEntries(headers)).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'x-frame-options': 'DENY',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'cross-origin-resource-policy': 'same-origin',
    });
    expect(headers.has('strict-transport-security')).toBe(false);
  });

  test('what Node refuses by itself, a request without a host, tells it too', async () => {
    const raw = await rawAnswer(edge, 'GET /healthz HTTP/1.1\r\n\r\n');
    expect(raw).toMatch(/^HTTP\/1.1 400 /);
    expect(raw).toContain('x-frame-options: DENY');
  });

  test('an answer with which its connection ends tells each of them once', async () => {
    const settings = { ServerResponse: gatewayResponses({ httpsOnly: true }) };
    const server = createServer(settings, (_request, response) => {
      response.setHeader('connection', 'close'); // as a gateway does that drains
      response.writeHead(200, ['content-type', 'text/plain', 'content-length', '2']).end('ok');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const { headers } = await fetch(`http://127.0.0.1:${port}`);
    expect(Object.fromEntries(headers)).toMatchObject({
      connection: 'close',
      'content-type': 'text/plain',
      'x-content-type-options': 'nosniff',
      'strict-transport-security': 'max-age=31536000',
    });
    server.close();
  });

  test('GraphiQL may run its own scripts and nobody else’s, and nobody frames it', async () => {
    const { headers } = await fetch(edge.url, { headers: { accept: 'text/html' } });
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
  });

  test('HTTPS only: when that was stated, and not before', async () => {
    const behindTls = await startMemoryEdge({ httpsOnly: true });
    const { headers } = await fetch(behindTls.url, { method: 'POST', headers: json, body });
    expect(headers.get('strict-transport-security')).toBe('max-age=31536000');
    await behindTls.close();
  });
});

describe('pages of other origins', () => {
  const preflight = (target: MemoryEdge, origin: string): Promise<Response> =>
    fetch(target.url, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type,authorization',
      },
    });

  test('none may ask, unless the configuration names it; then with exactly what is needed', async () => {
    const closed = await preflight(edge, 'https://app.example');
    expect(closed.headers.get('access-control-allow-origin')).toBeNull();
    const open = await startMemoryEdge({ corsOrigins: ['https://app.example'] });
    const allowed = await preflight(open, 'https://app.example');
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://app.example');
    expect(allowed.headers.get('access-control-allow-credentials')).not.toBe('true');
    const other = await preflight(open, 'https://evil.example');
    expect(other.headers.get('access-control-allow-origin')).not.toBe('https://evil.example');
    await open.close();
  });
});

describe('who takes his time', () => {
  test('a body that trickles in is cut when its time is over, and others are served meanwhile', async () => {
    const hasty = await startMemoryEdge({ requestTimeoutMs: 300 });
    const port = Number(new URL(hasty.origin).port);
    const slow = connect(port, '127.0.0.1');
    const closed = new Promise<void>((resolve) => slow.once('close', () => resolve()));
    slow.on('error', () => {});
    slow.resume(); // the refusal is there to be read, or the end of it is not seen
    const head = `POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n`;
    slow.write(`${head}content-length: 100000\r\n\r\n`);
    const trickle = setInterval(() => slow.write(' '), 20);
    expect((await send(hasty, '{ __typename }')).status).toBe(200);
    await closed;
    clearInterval(trickle);
    expect(hasty.memory.calls).toEqual([]);
    await hasty.close();
  });

  test('sockets that come and go by the hundred leave nothing behind', async () => {
    const limits = { ...defaultLimits, socketsMax: 20 };
    const busy = await startMemoryEdge({ limits });
    const query = 'subscription { changes(keyspace: "demo", key: "silent") { __typename } }';
    const visit = async (manner: number): Promise<void> => {
      const socket = await (manner === 0 ? openSocket(busy) : connectSocket(busy));
      socket.send({ id: '1', type: 'subscribe', payload: { query } });
      if (manner === 2) await socket.next();
      if (manner === 2) await socket.close();
      else socket.socket.terminate();
    };
    const churn = async (): Promise<void> => {
      for (let turn = 0; turn < 30; turn++) await visit(turn % 3).catch(() => undefined);
    };
    await Promise.all(Array.from({ length: 10 }, churn));
    const left = async (): Promise<(number | undefined)[]> => [
      busy.memory.listeners(),
      (await busy.metrics.sockets.get()).values[0]?.value,
    ];
    for (let tries = 0; tries < 1_000 && (await left()).some((count) => count !== 0); tries++)
      await send(busy, '{ __typename }');
    expect(await left()).toEqual([0, 0]);
    // The limit has been given back, too: as many as may be open can be opened.
    const all = await Promise.all(Array.from({ length: 20 }, () => connectSocket(busy)));
    await Promise.all(all.map((socket) => socket.close()));
    await busy.close();
  });
});
