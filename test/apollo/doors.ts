import { createServer as createHttpServer, request as httpRequest } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** The way from one gateway to one database; while it is held, nothing gets through it. */
export interface HeldDoor {
  readonly port: number;
  hold(): void;
  /** Lets new connections through again; those that were held are cut. */
  release(): void;
  close(): Promise<void>;
}

/** Stands before a database, so that one gateway loses sight of it while others do not. */
export async function startDoor(to: { host: string; port: number }): Promise<HeldDoor> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let isHeld = false;
  const server = createServer((from) => {
    const onward = connect(to.port, to.host);
    const pair = [from, onward] as const;
    pairs.add(pair);
    for (const [one, other] of [pair, [onward, from] as const]) {
      one.on('data', (chunk) => {
        // Dropped and not kept: what would arrive late is not the lag that is meant here.
        if (!isHeld) other.write(chunk);
      });
      one.on('error', () => undefined);
      one.on('close', () => {
        pairs.delete(pair);
        other.destroy();
      });
    }
  });
  const cut = (): void => {
    for (const [one, other] of pairs) {
      one.destroy();
      other.destroy();
    }
  };
  return {
    port: await listening(server),
    hold: () => void (isHeld = true),
    release() {
      isHeld = false;
      cut();
    },
    async close() {
      cut();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** What a load balancer does that knows nothing of sessions: each request to the next gateway. */
export interface RoundRobin {
  readonly origin: string;
  readonly url: string;
  readonly socketUrl: string;
  /** Which gateway got each operation over HTTP, and each socket, so far: 0 or 1. */
  readonly served: number[];
  readonly sockets: number[];
  /** Breaks every socket, as a proxy that restarts does. */
  cutSockets(): void;
  /** Lets the next operation through to its gateway, and drops the answer. */
  loseNextAnswer(): void;
  close(): Promise<void>;
}

/** Only POST counts: a page asks for other things, a favicon for one, and they must not change whose turn it is. */
export async function startRoundRobin(ports: readonly number[]): Promise<RoundRobin> {
  const served: number[] = [];
  const sockets: number[] = [];
  const open = new Set<Socket>();
  let losesNext = false;
  const next = (log: number[]): number => {
    const turn = log.length % ports.length;
    log.push(turn);
    return ports[turn]!;
  };
  const server = createHttpServer((request: IncomingMessage, response: ServerResponse) => {
    const port = request.method === 'POST' ? next(served) : ports[0]!;
    const isLost = losesNext && request.method === 'POST';
    if (isLost) losesNext = false;
    const { method, headers, url: path } = request;
    const onward = httpRequest({ host: '127.0.0.1', port, method, path, headers }, (answer) => {
      if (isLost) {
        answer.resume().once('end', () => response.destroy());
        return;
      }
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    const onward = connect(next(sockets), '127.0.0.1', () => {
      const lines = request.rawHeaders.flatMap((name, at) =>
        at % 2 === 0 ? [`${name}: ${request.rawHeaders[at + 1] ?? ''}`] : [],
      );
      onward.write(`GET ${request.url ?? '/'} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
      onward.write(head);
      onward.pipe(socket);
      socket.pipe(onward);
    });
    open.add(socket);
    for (const one of [socket, onward]) {
      one.on('error', () => undefined);
      one.on('close', () => {
        socket.destroy();
        onward.destroy();
        open.delete(socket);
      });
    }
  });
  const port = await listening(server);
  const cutSockets = (): void => open.forEach((socket) => socket.destroy());
  return {
    origin: `http://127.0.0.1:${port}`,
    url: `http://127.0.0.1:${port}/graphql`,
    socketUrl: `ws://127.0.0.1:${port}/graphql`,
    served,
    sockets,
    cutSockets,
    loseNextAnswer: () => void (losesNext = true),
    async close() {
      cutSockets();
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

function listening(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}
