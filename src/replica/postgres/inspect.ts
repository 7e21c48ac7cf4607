import pg from 'pg';

/** What an operator sees of one replica, read from it directly. */
export type ReplicaReport =
  | {
      readonly state: 'up';
      readonly incarnation: string;
      /** Rows, tombstones included; an estimate of Postgres when there are many. */
      readonly cells: number;
      readonly elapsedMs: number;
    }
  | { readonly state: 'not migrated' | 'down' | 'silent'; readonly reason: string };

export interface InspectOptions {
  readonly timeoutMs: number;
  readonly monotonicMs: () => number;
}

/**
 * Reaches one replica and asks who it is and how much it holds. Never rejects: being down is an
 * answer.
 */
export async function inspect(url: string, options: InspectOptions): Promise<ReplicaReport> {
  const { timeoutMs, monotonicMs } = options;
  const client = new pg.Client({
    connectionString: url,
    application_name: 'quorate-status',
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
    statement_timeout: timeoutMs,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const startMs = monotonicMs();
    // Latency is one trip of a small statement: connecting is not what a request waits for.
    const { rows } = await client.query<{ incarnation: string }>('select incarnation from replica');
    const elapsedMs = monotonicMs() - startMs;
    const [identity] = rows;
    if (identity === undefined) return { state: 'not migrated', reason: 'it has no identity' };
    const cells = await client.query<{ cells: string }>(countCells);
    return {
      state: 'up',
      incarnation: identity.incarnation,
      cells: Number(cells.rows[0]?.cells ?? 0),
      elapsedMs,
    };
  } catch (error) {
    return refusal(error);
  } finally {
    void client.end().catch(() => undefined);
  }
}

/** Exact while that is cheap. */
const countCells = `
  select case when reltuples < 100000 then (select count(*) from cells) else reltuples::bigint end as cells
  from pg_class where oid = 'cells'::regclass`;

function refusal(error: unknown): ReplicaReport {
  const { code, message } = error as { code?: string; message: string };
  if (code === '42P01') return { state: 'not migrated', reason: 'it has no tables of Quorate' };
  if (/timeout/i.test(message)) return { state: 'silent', reason: message };
  return { state: 'down', reason: message === '' ? String(code) : message };
}
