import { createGatewayServer, type GatewayParts } from '../../src/gateway/http.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { createMetrics } from '../../src/runtime/metrics.ts';
import { noTracing } from '../../src/runtime/tracing.ts';
import { systemRandom } from '../../src/runtime/random.ts';
import { Admission } from '../../src/quotas/admission.ts';
import { limitStore } from '../../src/quotas/limited-store.ts';
import { StoredSizes } from '../../src/quotas/stored-sizes.ts';
import { UsageReport } from '../../src/quotas/usage.ts';
import { createAuthenticator } from '../../src/tenancy/authenticate.ts';
import { memoryAudit, memoryTenants } from './memory-records.ts';
import { createMemoryStore, type MemoryStore } from './memory-store.ts';

/** The limits of the configuration's defaults. */
export const defaultLimits: GatewayParts['limits'] = {
  bodyBytes: 1_048_576,
  documentBytes: 65_536,
  tokens: 1_000,
  depth: 15,
  cost: 5_000,
  socketsMax: 10_000,
  subscriptionsPerSocket: 100,
};

/** A gateway to talk to: real HTTP and WebSocket, over whatever store. */
export interface Edge {
  /** `http://127.0.0.1:port` */
  readonly origin: string;
  /** The GraphQL endpoint. */
  readonly url: string;
  /** The same for sockets. */
  readonly socketUrl: string;
  close(): Promise<void>;
}

export interface MemoryEdge extends Edge {
  readonly memory: MemoryStore;
  readonly metrics: GatewayParts['metrics'];
  readonly admission: Admission;
  drain(): Promise<void>;
}

/** The real edge over a store in memory. */
export async function startMemoryEdge(
  changes: Partial<GatewayParts> = {},
  wanted = 0,
): Promise<MemoryEdge> {
  const memory = createMemoryStore();
  const metrics = createMetrics();
  const tenants = changes.tenants ?? memoryTenants(memory.store);
  const quotaOf = (tenant: string) => tenants.tenants.quotaOf(tenant);
  const admission = new Admission({ clock: systemClock, quotaOf });
  const { store } = memory;
  const sizes = new StoredSizes({ clock: systemClock, log: silentLog, store, boards: [] });
  const server = createGatewayServer({
    store: limitStore({ store, admission, sizes }),
    usage: new UsageReport({ clock: systemClock, admission, exchange: undefined, sizes, store }),
    changes: memory.feed,
    authenticator: createAuthenticator({
      clock: systemClock,
      apiKeys: [],
      anonymousTenant: 'demo',
      directory: tenants,
    }),
    tenants,
    audit: memoryAudit(),
    admission,
    log: silentLog,
    metrics,
    tracing: noTracing,
    clock: systemClock,
    random: systemRandom,
    limits: defaultLimits,
    ready: () => true,
    mode: 'dev',
    fastLane: process.env['QUORATE_FAST_LANE'] !== 'off',
    ...changes,
  });
  const port = await server.listen(wanted, '127.0.0.1');
  return {
    memory,
    metrics,
    admission,
    ...addresses(port),
    drain: () => server.drain(),
    close: () => server.drain(),
  };
}

/** Where a gateway on this port of this machine is found. */
export function addresses(port: number): Pick<Edge, 'origin' | 'url' | 'socketUrl'> {
  const origin = `http://127.0.0.1:${port}`;
  return { origin, url: `${origin}/graphql`, socketUrl: `ws://127.0.0.1:${port}/graphql` };
}

export interface GraphqlError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions: Readonly<Record<string, unknown>> & { readonly code: string };
}
export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  /** The body, letter by letter. */
  readonly text: string;
  readonly data: Record<string, never> | null | undefined;
  readonly errors: readonly GraphqlError[] | undefined;
  /** The code of the first error. */
  readonly code: string | undefined;
}

/** Sends one operation by POST. `variables` may be JSON text, sent as it is. */
export async function send(
  edge: Edge,
  query: string,
  { variables, headers }: { variables?: string | object; headers?: Record<string, string> } = {},
): Promise<Reply> {
  const text = typeof variables === 'string' ? variables : JSON.stringify(variables ?? {});
  const body = `{"query":${JSON.stringify(query)},"variables":${text}}`;
  return sendBody(edge, body, headers);
}

/** Sends a body as it is. */
export async function sendBody(
  edge: Edge,
  body: string | Buffer,
  headers: Record<string, string> = {},
): Promise<Reply> {
  const response = await fetch(edge.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json',
      ...headers,
    },
    body: body as string,
  });
  return replyOf(response);
}

/** Reads a reply. */
export async function replyOf(response: Response): Promise<Reply> {
  const text = await response.text();
  const parsed = text.startsWith('{')
    ? (JSON.parse(text) as Pick<Reply, 'data' | 'errors'>)
    : { data: undefined, errors: undefined };
  return {
    status: response.status,
    headers: response.headers,
    text,
    data: parsed.data,
    errors: parsed.errors,
    code: parsed.errors?.[0]?.extensions.code,
  };
}
