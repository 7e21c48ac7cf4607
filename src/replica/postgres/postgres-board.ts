import type { Clock } from '../../runtime/clock.ts';
import type { Metrics } from '../../runtime/metrics.ts';
import type { CallOptions } from '../cell-ref.ts';
import type {
  BoardNote,
  BoardRequest,
  SizePage,
  SizeRequest,
  TenantBoard,
} from '../tenant-board.ts';
import { Batcher } from './batcher.ts';
import { exchangeNotes, tenantSizes } from './board-statements.ts';
import { alone } from './call-kind.ts';

export interface PostgresBoardOptions {
  readonly id: string;
  readonly url: string;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly connectMs: number;
}

/** The board of a plain Postgres, over one connection of its own. */
export function postgresBoard(options: PostgresBoardOptions): TenantBoard {
  const { id, url, clock, metrics, connectMs } = options;
  const lane = new Batcher({
    replica: id,
    clock,
    metrics,
    connections: 1,
    batchMax: 1,
    queueMax: 1_000,
    connect: { url, clock, connectMs, lane: 'register' },
    // The data path brings the database to its schema; until then there is no board.
    prepare: () => Promise.resolve(),
    onConnected: () => Promise.resolve(),
    onWritten: () => undefined,
  });
  return {
    exchange: (request, { deadlineMs }: CallOptions) =>
      lane.call(exchangeKind(request), undefined, deadlineMs),
    sizes: (request, { deadlineMs }: CallOptions) =>
      lane.call(sizesKind(request), undefined, deadlineMs),
    close: () => lane.close(),
  };
}

function exchangeKind({ gateway, tells, about, withinMs }: BoardRequest) {
  return alone({
    name: 'exchange_notes',
    statement: exchangeNotes,
    writes: true,
    values: [
      gateway,
      tells.map(({ tenant }) => tenant),
      tells.map(({ told }) => told),
      about,
      withinMs,
    ],
    reply: (rows): readonly BoardNote[] =>
      rows.map(([tenant, from, told, ageMs]) => ({
        tenant: String(tenant),
        gateway: String(from),
        told: String(told),
        ageMs: Number(ageMs),
      })),
  });
}

function sizesKind({ tenant, after, limit }: SizeRequest) {
  return alone({
    name: 'tenant_sizes',
    statement: tenantSizes,
    values: [tenant, after?.keyspace ?? '', after?.key ?? '', limit],
    reply: (rows): SizePage => {
      const found = rows.map(([keyspace, keys, bytes, last, looked]) => ({
        size: { keyspace: String(keyspace), keys: Number(keys), bytes: Number(bytes) },
        key: String(last),
        looked: Number(looked),
      }));
      const looked = found.reduce((sum, one) => sum + one.looked, 0);
      const end = found.at(-1);
      const last =
        end && looked >= limit ? { keyspace: end.size.keyspace, key: end.key } : undefined;
      return { sizes: found.map(({ size }) => size), last };
    },
  });
}
