import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { Running } from './harness/contender.ts';
import { secretAt } from './harness/load.ts';

/** As many as one socket may have. */
const perSocket = 100;
/** Sockets that subscribe at the same time. */
const atOnce = 10;

/**
 * Subscriptions to keys that nobody writes, from `first` to `first + count`, a hundred a socket; resolves
 * when each has said that it is live.
 */
export async function subscribe(
  running: Running,
  { first, count }: { first: number; count: number },
): Promise<readonly WebSocket[]> {
  const sockets: WebSocket[] = [];
  const starts = Array.from({ length: Math.ceil(count / perSocket) }, (_, nth) => nth * perSocket);
  const left = starts.values();
  const openInTurn = async (): Promise<void> => {
    for (const start of left) {
      const length = Math.min(perSocket, count - start);
      sockets.push(await openOne(running, { first: first + start, length }));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, openInTurn));
  return sockets;
}

async function openOne(
  running: Running,
  { first, length }: { first: number; length: number },
): Promise<WebSocket> {
  const url = `${running.origin.replace('http', 'ws')}/graphql`;
  const socket = new WebSocket(url, 'graphql-transport-ws');
  await once(socket, 'open');
  const payload = { authorization: `Bearer ${secretAt(0)}` };
  socket.send(JSON.stringify({ type: 'connection_init', payload }));
  await once(socket, 'message');
  const live = new Promise<void>((resolve, reject) => {
    const waiting = new Set(Array.from({ length }, (_, nth) => String(first + nth)));
    socket.on('close', () => reject(new Error('the gateway has closed a socket')));
    socket.on('message', (data: Buffer) => {
      const { id = '', type } = JSON.parse(data.toString()) as { id?: string; type: string };
      if (type === 'error') reject(new Error(`no subscription: ${data.toString()}`));
      // The bookmark that says it is live.
      if (type === 'next' && waiting.delete(id) && waiting.size === 0) resolve();
    });
  });
  for (let nth = first; nth < first + length; nth += 1) {
    const query = `subscription { changes(keyspace: "newest", key: "quiet${nth}") { __typename } }`;
    socket.send(JSON.stringify({ id: String(nth), type: 'subscribe', payload: { query } }));
  }
  await live;
  return socket;
}
