import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import type { Running, Template } from './harness/contender.ts';
import { keyAt, secretAt } from './harness/load.ts';
import { usageOf } from './harness/machine.ts';
import { product } from './harness/product.ts';
import { median } from './harness/table.ts';

/**
 * The same reads over HTTP and over WebSocket, in turn, from the same client: 64 connections that each
 * ask again when they are answered. The client is of JavaScript and takes most of a core, so what
 * is compared is the gateway's own processor time for a request.
 *
 * Usage: node bench/sockets.ts [rounds] [seconds]
 */
const [rounds = 5, seconds = 4] = process.argv.slice(2).map(Number);
const connections = 64;
const keys = 2_000;

type Ask = (key: string) => Promise<string>;
const directory = mkdtempSync(join(tmpdir(), 'quorate-sockets-'));
const running = await product().start({ directory, keys });
try {
  const ways = { HTTP: await overHttp(running), WebSocket: await overSockets(running) };
  const found: Record<string, number[]> = { HTTP: [], WebSocket: [] };
  for (let round = 0; round <= rounds; round += 1)
    for (const [name, asks] of Object.entries(ways)) {
      const { perSecond, ownUs } = await measured(asks);
      const mark = round === 0 ? 'warm' : `${round}/${rounds}`;
      console.log(`${mark}  ${name}  ${Math.round(perSecond)}/s  ${Math.round(ownUs)} µs`);
      if (round > 0) found[name]?.push(ownUs);
    }
  for (const [name, own] of Object.entries(found))
    console.log(`${name}: the gateway takes ${Math.round(median(own))} µs for a get`);
} finally {
  await running.stop();
  rmSync(directory, { recursive: true, force: true });
  process.exit(); // the sockets of the client are open still
}

async function measured(asks: readonly Ask[]): Promise<{ perSecond: number; ownUs: number }> {
  const [gateway = 0] = running.pids();
  const before = usageOf([gateway]).cpuMs;
  const untilMs = performance.now() + seconds * 1_000;
  let served = 0;
  const client = async (ask: Ask): Promise<void> => {
    while (performance.now() < untilMs) {
      const key = keyAt(Math.floor(Math.random() * keys));
      const text = await ask(key);
      if (!text.includes(`"value":"${key}`)) throw new Error(`a wrong answer: ${text}`);
      served += 1;
    }
  };
  await Promise.all(asks.map(client));
  const spentMs = usageOf([gateway]).cpuMs - before;
  return { perSecond: served / seconds, ownUs: (spentMs * 1_000) / served };
}

/** What `wrk` fills in for each request: here one tenant asks. */
function headersOf({ headers = {} }: Template): Record<string, string> {
  const filled = Object.entries(headers).map(([name, value]) => [
    name,
    value.replace('{{secret}}', secretAt(0)),
  ]);
  return Object.fromEntries(filled) as Record<string, string>;
}

function bodyOf({ body }: Template, key: string): string {
  return body.replace('{{key}}', key);
}

async function overHttp({ origin, operations }: Running): Promise<readonly Ask[]> {
  const get = operations.get as Template;
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const headers = { ...headersOf(get), 'content-type': 'application/json' };
  const ask: Ask = (key) =>
    new Promise((resolve, reject) => {
      const sent = request(origin + get.path, { method: 'POST', agent, headers }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => resolve(text));
      });
      sent.on('error', reject);
      sent.end(bodyOf(get, key));
    });
  return Array.from({ length: connections }, () => ask);
}

async function overSockets({ origin, operations }: Running): Promise<readonly Ask[]> {
  const get = operations.get as Template;
  return Promise.all(Array.from({ length: connections }, () => openSocket(origin, get)));
}

/** One connection of graphql-transport-ws, one operation at a time. */
async function openSocket(origin: string, get: Template): Promise<Ask> {
  const url = `${origin.replace('http', 'ws')}${get.path}`;
  const socket = new WebSocket(url, 'graphql-transport-ws');
  let waiting: ((text: string) => void) | undefined;
  let nth = 0;
  const acknowledged = new Promise<void>((resolve, reject) => {
    socket.on('error', reject);
    socket.on('close', (code) => reject(new Error(`the socket was closed with ${code}`)));
    socket.on('open', () =>
      socket.send(JSON.stringify({ type: 'connection_init', payload: headersOf(get) })),
    );
    socket.on('message', (data: Buffer) => {
      const text = data.toString();
      if (text.includes('"connection_ack"')) resolve();
      // `complete` follows each answer; the next operation has another id and need not wait for it.
      else if (!text.includes('"type":"complete"')) waiting?.(text);
    });
  });
  await acknowledged;
  return (key) =>
    new Promise((resolve) => {
      waiting = resolve;
      socket.send(`{"id":"${(nth += 1)}","type":"subscribe","payload":${bodyOf(get, key)}}`);
    });
}
