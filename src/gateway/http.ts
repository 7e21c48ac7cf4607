import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Store } from '../consistency/store.ts';
import { StoreError } from '../errors.ts';
import type { Feed } from '../feed/feed.ts';
import type { DocumentPolicy } from '../graphql/document-admission.ts';
import type { DocumentLimits } from '../graphql/documents.ts';
import { createEngine, type Engine } from '../graphql/engine.ts';
import { tracedEngine } from '../graphql/traced-engine.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';
import type { Tracing } from '../runtime/tracing.ts';
import type { Random } from '../runtime/random.ts';
import type { Admission } from '../quotas/admission.ts';
import type { UsageReport } from '../quotas/usage.ts';
import type { TenantAdministration } from '../tenancy/administration.ts';
import type { Authenticator } from '../tenancy/authenticate.ts';
import { checkContentType, readBody } from './body.ts';
import { createCredentialWatch } from './credential-watch.ts';
import { gatewayResponses } from './gateway-response.ts';
import { createGraphiql, type Graphiql } from './graphiql.ts';
import type { GraphqlHandler } from './graphql-http.ts';
import { createHealth } from './health.ts';
import { inLanes } from './lanes.ts';
import { OpenAnswers } from './open-answers.ts';
import { refuse, refuseRequest } from './refusals.ts';
import { attachWebSockets, type SocketLimits } from './websocket.ts';

/** All that the edge stands on. */
export interface GatewayParts {
  readonly store: Store;
  readonly changes: Feed;
  readonly tenants: TenantAdministration;
  readonly admission: Admission;
  readonly usage: UsageReport;
  readonly authenticator: Authenticator;
  readonly audit: AuditLog;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly tracing: Tracing;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: DocumentLimits & SocketLimits & { readonly operationsPerRequest?: number };
  /** What `/metrics` says, where this is one of several processes behind a port. Default: its own. */
  readonly metricsText?: (() => Promise<string | undefined>) | undefined;
  /** Whether a majority of the replicas has been reached. */
  readonly ready: () => boolean | Promise<boolean>;
  /**
   * For how long a gateway that drains still takes sockets, so that load balancers see that it is not
   * ready. Default: not at all.
   */
  readonly notReadyMs?: number | undefined;
  /**
   * `dev`: a request without a credential is somebody, and introspection shows everything. `serve`:
   * it shows what the caller's role may use.
   */
  readonly mode: 'dev' | 'serve';
  /**
   * Pages of other origins that may use the gateway, over HTTP and WebSocket; `*`: all. Default:
   * none.
   */
  readonly corsOrigins?: readonly string[] | undefined;
  /** Which documents are run; default: all, and none by its hash. */
  readonly documents?: DocumentPolicy | undefined;
  /** Whether all clients come by HTTPS, which something in front of it speaks. Default: no. */
  readonly httpsOnly?: boolean | undefined;
  /** How long a request may take to arrive. Default: 30 s. */
  readonly requestTimeoutMs?: number | undefined;
  /**
   * False: every request goes the long way and documents are not compiled. Default: true. For whoever
   * looks for the cause of a difference; there should be none.
   */
  readonly fastLane?: boolean | undefined;
}

export interface GatewayServer {
  /** Resolves to the port (0 asks for a free one); rejects with one clear sentence. */
  listen(port: number, host: string): Promise<number>;
  /**
   * In this order: is not ready, takes no new sockets, ends subscriptions so that clients go on
   * elsewhere (1012), finishes requests. Resolves when all of them are answered and gone.
   */
  drain(): Promise<void>;
  /** Cuts what is left, answered or not. */
  cut(): void;
}

const headersTimeoutMs = 10_000;
const defaultRequestTimeoutMs = 30_000;

/**
 * The edge of one gateway: GraphQL over HTTP, server-sent events and WebSocket, GraphiQL, health
 * and metrics on one port.
 */
export function createGatewayServer(parts: GatewayParts): GatewayServer {
  const { log, clock, authenticator, limits } = parts;
  const origins = parts.corsOrigins ?? [];
  const engine = openEngine(parts);
  const watch = createCredentialWatch(parts);
  let isDraining = false;
  const answers = new OpenAnswers();
  const { operationsPerRequest = 1 } = limits;
  const handed = { engine, services: parts, watch, corsOrigins: origins, operationsPerRequest };
  const route = createRouter({
    graphql: inLanes(parts.fastLane ?? true, handed),
    graphiql: createGraphiql(parts.mode),
    health: createHealth({ ...parts, isDraining: () => isDraining }),
    authenticator,
    engine,
    bodyBytes: limits.bodyBytes,
  });
  const server = createServer(
    {
      ...arrivalLimits(parts.requestTimeoutMs ?? defaultRequestTimeoutMs),
      ServerResponse: gatewayResponses({ httpsOnly: parts.httpsOnly ?? false }),
    },
    (request, response) => {
      answers.add(response);
      if (isDraining) answers.closeAfter(response);
      route(request, response).catch((error: unknown) => {
        if (!(error instanceof StoreError)) log.error({ err: error }, 'request failed');
        refuse(response, engine.publicError(error).toJSON(), 500);
      });
    },
  );
  const sockets = attachWebSockets(server, {
    engine,
    services: parts,
    authenticator,
    watch,
    limits,
    origins,
  });

  return {
    listen: (port, host) => listen(server, port, host),
    async drain() {
      isDraining = true;
      if (server.listening) await clock.sleep(parts.notReadyMs ?? 0);
      watch.stop();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      answers.closeAll();
      server.closeIdleConnections();
      await sockets.drain();
      await engine.endSubscriptions();
      await closed;
    },
    cut() {
      sockets.cut();
      server.closeAllConnections();
    },
  };
}

function openEngine(parts: GatewayParts): Engine {
  const introspection = parts.mode === 'dev' ? 'everything' : 'by role';
  const policy = parts.documents ?? { trusted: 'off' };
  const compiled = parts.fastLane ?? true;
  return tracedEngine(createEngine(parts, parts.limits, { introspection, policy, compiled }));
}

/** Who sends a byte now and then is cut all the same: Node looks only now and then, so often. */
function arrivalLimits(requestTimeoutMs: number): ServerOptions {
  return {
    headersTimeout: Math.min(headersTimeoutMs, requestTimeoutMs),
    requestTimeout: requestTimeoutMs,
    connectionsCheckingInterval: Math.min(5_000, requestTimeoutMs),
  };
}

interface Routes {
  readonly graphql: GraphqlHandler;
  readonly graphiql: Graphiql;
  readonly health: ReturnType<typeof createHealth>;
  readonly authenticator: Authenticator;
  readonly engine: Pick<Engine, 'knock'>;
  readonly bodyBytes: number;
}

function createRouter({ engine, graphql, graphiql, health, authenticator, bodyBytes }: Routes) {
  return (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [path = '/'] = (request.url ?? '/').split('?', 1);
    const isPost = path === '/graphql' && request.method === 'POST';
    return isPost ? serveGraphql(request, response) : serveOther(path, request, response);
  };

  async function serveOther(
    path: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    if (path === '/' && request.method === 'GET') {
      response.writeHead(302, { location: '/graphql' }).end();
      return;
    }
    if (await health(path, request, response)) return;
    if (await graphiql.serveAsset(path, request, response)) return;
    if (path !== '/graphql') {
      response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end('Not found\n');
      return;
    }
    if (await graphiql.servePage(request, response)) return;
    await serveGraphql(request, response);
  }

  async function serveGraphql(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let isReading = false;
    try {
      // A preflight carries no credential, and other methods are answered by what they are.
      const isOperation = request.method === 'POST' || request.method === 'GET';
      const { authorization } = request.headers;
      const principal = isOperation
        ? (authenticator.known(authorization) ?? (await authenticator.authenticate(authorization)))
        : { tenant: '', role: 'READER' as const };
      if (response.closed) return; // gone meanwhile: nothing would end what is begun for it
      const hold = isOperation ? engine.knock(principal) : undefined;
      if (hold) response.on('close', () => hold.release());
      let body: string | undefined;
      if (request.method === 'POST' && hold) {
        checkContentType(request);
        isReading = true;
        body = await readBody(request, bodyBytes, hold);
        isReading = false;
        // A body may take its time, and the credential end meanwhile.
        if (!authenticator.stands(principal)) await authenticator.recheck(principal);
      }
      await graphql(request, response, { principal, body, hold });
    } catch (error) {
      // What is left of a body is not worth reading.
      if (isReading && !response.headersSent) response.setHeader('connection', 'close');
      // It was gone before it had wholly come: nobody is left to tell, and nothing is wrong here.
      if (error === request.errored) return;
      refuseRequest(response, error);
    }
  }
}

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void =>
      reject(new Error(explain(error, port, host), { cause: error }));
    server.once('error', failed);
    server.listen(port, host, () => {
      server.off('error', failed);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function explain({ code, message }: NodeJS.ErrnoException, port: number, host: string): string {
  switch (code) {
    case 'EADDRINUSE':
      return `Cannot listen on port ${port}: another program is using it. Choose another with --port or PORT.`;
    case 'EACCES':
      return `Cannot listen on port ${port}: this user may not. Choose one above 1023 with --port or PORT.`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `Cannot listen on ${host}: this machine has no such address.`;
    default:
      return `Cannot listen on ${host}:${port}: ${message}`;
  }
}
