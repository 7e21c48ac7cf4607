import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { handleProtocols, makeServer } from 'graphql-ws';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import { StoreError } from '../errors.ts';
import { operationOf, type Engine, type OperationArguments } from '../graphql/engine.ts';
import type { Services } from '../graphql/request-context.ts';
import { leavingSession } from '../graphql/sessions.ts';
import type { Authenticator } from '../tenancy/authenticate.ts';
import { countArriving } from './arriving.ts';
import type { CredentialWatch } from './credential-watch.ts';
import { isOriginAllowed } from './origins.ts';
import { createOutbox } from './outbox.ts';
import {
  connectionAuthorization,
  idInUse,
  prepareOperation,
  tooManyOperations,
  withQuery,
  type Connection,
} from './websocket-operation.ts';

/** What one gateway lets its sockets do. */
export interface SocketLimits {
  readonly bodyBytes: number;
  readonly socketsMax: number;
  readonly subscriptionsPerSocket: number;
}

interface Deps {
  readonly engine: Engine;
  readonly services: Services;
  readonly authenticator: Authenticator;
  readonly watch: CredentialWatch;
  readonly limits: SocketLimits;
  readonly origins: readonly string[];
}

export interface SocketServer {
  /**
   * Closes every socket with 1012 (service restart), so that clients go on elsewhere: at once, or when
   * the queries and mutations that it was sent are answered. Resolves when all are gone.
   */
  drain(): Promise<void>;
  /** Cuts those that are left. */
  cut(): void;
}

const initTimeoutMs = 3_000;
const heartbeatMs = 30_000;
const drainGraceMs = 1_000;
const closingMs = 1_000;
/** What may wait for a socket that does not read, before it is cut. */
const unsentBytesMax = 16 * 1_048_576;

/**
 * GraphQL over WebSocket: `graphql-transport-ws` at `/graphql`, as graphql-ws has it, on our own
 * adapter.
 */
export function attachWebSockets(server: Server, deps: Deps): SocketServer {
  const { services, limits, origins } = deps;
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: limits.bodyBytes,
    perMessageDeflate: false, // a small frame must not unpack to a large one
    handleProtocols: (offered) => handleProtocols(offered),
  });
  const protocol = createProtocol(deps);
  let isDraining = false;

  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    stream.on('error', () => stream.destroy());
    if (pathOf(request) !== '/graphql') return refuseUpgrade(stream, '404 Not Found');
    if (!isOriginAllowed(request, origins)) return refuseUpgrade(stream, '403 Forbidden');
    if (isDraining || sockets.clients.size >= limits.socketsMax) {
      return refuseUpgrade(stream, '503 Service Unavailable');
    }
    sockets.handleUpgrade(request, stream, head, (socket) =>
      adopt(socket, { request, stream, protocol, deps }),
    );
  });
  const stopHeartbeat = startHeartbeat(sockets, services);

  return {
    async drain() {
      isDraining = true;
      stopHeartbeat();
      await Promise.all([...sockets.clients].map((socket) => leave(socket, services.clock)));
    },
    cut: () => sockets.clients.forEach((socket) => socket.terminate()),
  };
}

/** Says goodbye to one socket, and cuts it when its client does not say goodbye too. */
async function leave(socket: WebSocket, clock: Services['clock']): Promise<void> {
  const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const running = connections.get(socket)?.running ?? new Set();
  // Answers go out in the turn in which they are there.
  while (running.size > 0 && socket.readyState === socket.OPEN) {
    await Promise.race([gone, Promise.allSettled(running)]);
    await new Promise<void>((resolve) => clock.endOfTurn(resolve));
  }
  socket.close(1012, 'Service restart');
  const cut = clock.after(drainGraceMs, () => socket.terminate());
  await gone;
  cut();
}

const connections = new WeakMap<WebSocket, Connection>();

type Protocol = ReturnType<typeof createProtocol>;

function createProtocol(deps: Deps) {
  const { engine, services, limits } = deps;
  const askers = new WeakMap<object, { readonly open: Connection; readonly id: string }>();
  return makeServer<Record<string, unknown>, Connection>({
    schema: engine.schema,
    connectionInitWaitTimeout: initTimeoutMs,
    onConnect: ({ connectionParams, extra }) => admit(extra, connectionParams, deps),
    onSubscribe(connection, id, payload) {
      // Errors go back as an `error` message of this operation. Left to the library, one of them
      // would end the socket.
      if (Object.keys(connection.subscriptions).length > limits.subscriptionsPerSocket) {
        return [engine.publicError(tooManyOperations(limits.subscriptionsPerSocket))];
      }
      const { extra: open } = connection;
      try {
        if (open.beginning.has(id)) throw idInUse();
        const prepared = prepareOperation(connection, payload, { engine, services });
        if (!Array.isArray(prepared)) open.beginning.add(id);
        askers.set(prepared, { open, id });
        return prepared;
      } catch (error) {
        return [engine.publicError(error)];
      }
    },
    execute: async (args) => {
      const operation = operationOf(args as OperationArguments);
      const running = engine.execute(operation);
      const { open, id = '' } = askers.get(args) ?? {};
      open?.running.add(running);
      const result = await running.finally(() => {
        open?.running.delete(running);
        open?.beginning.delete(id);
      });
      // A socket has no headers for it.
      const { extension: session } = leavingSession(operation.context);
      return session === undefined
        ? result
        : { ...result, extensions: { ...result.extensions, session } };
    },
    subscribe: (args) => {
      const { open, id = '' } = askers.get(args) ?? {};
      const begun = engine.subscribe(operationOf(args as OperationArguments));
      return begun.finally(() => open?.beginning.delete(id)) as never;
    },
    onNext: (...[{ extra }, , , , result]) => extra.outbox.wrap(result) as never,
    onError: (_connection, _id, _payload, errors) =>
      errors.map((error) => engine.publicError(error).toJSON()),
  });
}

/**
 * Whether `connection_init` brought a credential; from then on the socket lives as long as it. False
 * closes with 4403, by protocol.
 */
async function admit(
  extra: Connection,
  params: Readonly<Record<string, unknown>> | undefined,
  { authenticator, watch, services }: Deps,
): Promise<boolean> {
  try {
    const authorization = connectionAuthorization(params, extra.request);
    const principal = await authenticator.authenticate(authorization);
    extra.onClosed(await services.admission.open(principal.tenant, 'sockets'));
    extra.principal = principal;
    const unwatch = watch.add(principal, (error) => {
      // From here on what still arrives is nobody's.
      extra.principal = undefined;
      dismiss(extra, error);
    });
    extra.onClosed(unwatch);
    return true;
  } catch (error) {
    if (error instanceof StoreError) dismiss(extra, error);
    else services.log.error({ err: error }, 'authentication failed');
    return false;
  }
}

/** 4403 is final; 1013 says that another attempt may do. */
function dismiss({ close }: Connection, { code }: StoreError): void {
  if (code === 'UNAUTHENTICATED') close(4403, 'Forbidden');
  else close(1013, 'Try again later');
}

interface Arrival {
  readonly request: IncomingMessage;
  readonly stream: Duplex;
  readonly protocol: Protocol;
  readonly deps: Deps;
}

function adopt(socket: WebSocket, { request, stream, protocol, deps }: Arrival) {
  const { log, metrics, clock } = deps.services;
  const outbox = createOutbox();
  const extra: Connection = {
    request,
    outbox,
    principal: undefined,
    message: '',
    close: (code, reason) => {
      socket.close(code, reason);
      // The other end has no say in it.
      clock.after(closingMs, () => socket.terminate());
    },
    // It may have closed while somebody was still finding out who it is.
    onClosed: (task) =>
      socket.readyState === socket.CLOSED ? task() : void socket.once('close', task),
    running: new Set(),
    beginning: new Set(),
  };
  connections.set(socket, extra);
  countArriving(socket, stream, { connection: extra, engine: deps.engine });
  metrics.sockets.inc();
  socket.on('error', (error) => log.debug({ err: error }, 'socket error'));
  const closed = protocol.opened(
    {
      protocol: socket.protocol,
      send: (text) => sendText(socket, outbox.unwrap(text)),
      close: (code, reason) => socket.close(code, reason),
      onMessage: (handle) =>
        socket.on('message', (data: RawData) => {
          if (socket.bufferedAmount > unsentBytesMax) return socket.terminate();
          const text = textOf(data);
          // Read in `onSubscribe`, which is called before `handle` returns.
          extra.message = text;
          handle(withQuery(text)).catch((error: unknown) => {
            log.debug({ err: error }, 'socket message refused');
            socket.close(4400, 'Invalid message received');
          });
        }),
    },
    extra,
  );
  socket.once('close', (code, reason) => {
    metrics.sockets.dec();
    closed(code, String(reason)).catch((error: unknown) =>
      log.error({ err: error }, 'socket end failed'),
    );
  });
}

function textOf(data: RawData): string {
  return (Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as Buffer)).toString();
}

async function sendText(socket: WebSocket, text: string): Promise<void> {
  if (socket.readyState !== socket.OPEN) return;
  // Resolved when the socket has taken it: the next event of a subscription waits until then, in
  // its own bounded queue.
  await new Promise<void>((resolve) => socket.send(text, () => resolve()));
}

function refuseUpgrade(stream: Duplex, status: string): void {
  stream.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

function pathOf(request: IncomingMessage): string | undefined {
  return request.url?.split('?')[0];
}

/**
 * Cuts sockets whose other end is gone without a word: one that has not answered the last ping by
 * the next one.
 */
function startHeartbeat(sockets: WebSocketServer, { clock }: Services): () => void {
  const waiting = new WeakSet<WebSocket>();
  let stop: () => void = () => {};
  const beat = (): void => {
    for (const socket of sockets.clients) {
      if (waiting.has(socket)) {
        socket.terminate();
        continue;
      }
      waiting.add(socket);
      socket.once('pong', () => waiting.delete(socket));
      socket.ping();
    }
    stop = clock.after(heartbeatMs, beat);
  };
  stop = clock.after(heartbeatMs, beat);
  return () => stop();
}
