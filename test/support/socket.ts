import { WebSocket } from 'ws';
import type { Edge } from './edge.ts';

/** A message of graphql-transport-ws. */
export interface Message {
  readonly type: string;
  readonly id?: string;
  readonly payload?: unknown;
}

/** A socket spoken by hand, so that a test can say what a client library would not. */
export interface RawSocket {
  readonly socket: WebSocket;
  send(message: Message | string): void;
  /** The next message that has not been taken yet; rejects when the socket closes first. */
  next(): Promise<Message & { readonly text: string }>;
  /** The code with which the socket was closed. */
  readonly closed: Promise<number>;
  close(): Promise<number>;
}

interface Options {
  readonly protocol?: string;
  readonly headers?: Record<string, string>;
}

/** Opens a socket and does not initialise it. */
export async function openSocket(
  edge: Edge,
  { protocol = 'graphql-transport-ws', headers = {} }: Options = {},
): Promise<RawSocket> {
  const socket = new WebSocket(edge.socketUrl, protocol, { headers });
  const arrived: string[] = [];
  let wake = (): void => {};
  let isClosed = false;
  const closed = new Promise<number>((resolve) => {
    socket.once('close', (code) => {
      isClosed = true;
      wake();
      resolve(code);
    });
  });
  socket.on('message', (data: Buffer) => {
    arrived.push(data.toString());
    wake();
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  socket.on('error', () => {});
  return {
    socket,
    closed,
    send: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    async next() {
      while (arrived.length === 0 && !isClosed)
        await new Promise<void>((resolve) => (wake = resolve));
      const text = arrived.shift();
      if (text === undefined) throw new Error('the socket closed before a message came');
      return { ...(JSON.parse(text) as Message), text };
    },
    close() {
      socket.close();
      return closed;
    },
  };
}

/** Opens a socket and initialises it. */
export async function connectSocket(
  edge: Edge,
  payload?: object,
  options: Options = {},
): Promise<RawSocket> {
  const opened = await openSocket(edge, options);
  opened.send({ type: 'connection_init', ...(payload && { payload }) });
  const acknowledged = await opened.next();
  if (acknowledged.type !== 'connection_ack')
    throw new Error(`expected connection_ack, got ${acknowledged.text}`);
  return opened;
}

/** Waits until `condition` holds, and fails after twenty seconds. */
export async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 2_000; tries++) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('what was waited for did not come about within 20 s');
}
