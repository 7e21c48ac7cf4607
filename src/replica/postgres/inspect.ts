import pg from 'pg';

/** What an operator sees of one replica, read from it directly. */
export type ReplicaReport =
  | {
      readonly state: 'UP' | 'REPAIRING';
      readonly incarnation: string;
      readonly reason?: string;
      /** No gateway has used it yet. */
      readonly isNew: boolean;
      /** Writes that it keeps for others. */
      readonly hints: readonly HintsKept[];
      /** Of a few small statements in a row. */
      readonly p50Ms: number;
      readonly p99Ms: number;
    }
  | { readonly state: 'DOWN'; readonly reason: string };

/** What one replica keeps for another. */
export interface HintsKept {
  readonly target: string;
  readonly hints: number;
  /** The age of the oldest. */
  readonly oldestMs: number;
}

export interface InspectOptions {
  readonly timeoutMs: number;
  readonly monotonicMs: () => number;
}

const trips = 20;

/**
 * Reaches one replica and asks who it is, what it keeps for others and how fast it answers. Never
 * rejects: being down is an answer.
 */
export async function inspect(url: string, options: InspectOptions): Promise<ReplicaReport> {
  const { timeoutMs } = options;
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
    const { rows } = await client.query<{ incarnation: string; state: string | null }>(whoIsThere);
    const [identity] = rows;
    if (identity === undefined) return { state: 'DOWN', reason: 'not migrated: no identity' };
    const hints = await client.query<{ target: string; hints: number; age: number }>(keptHints);
    return {
      ...(identity.state === 'repairing'
        ? { state: 'REPAIRING', reason: 'it is being brought up to date' }
        : { state: 'UP' }),
      isNew: identity.state === 'new',
      incarnation: identity.incarnation,
      hints: hints.rows.map(({ age, ...kept }) => ({ ...kept, oldestMs: age })),
      ...(await measure(client, options)),
    };
  } catch (error) {
    return { state: 'DOWN', reason: refusal(error) };
  } finally {
    void client.end().catch(() => undefined);
  }
}

/** Read as a whole row, so that a database of an older version tells what it has. */
const whoIsThere = `select incarnation, to_jsonb(replica) ->> 'state' as state from replica`;

const keptHints = `
  select target, count(*)::float8 as hints,
    extract(epoch from clock_timestamp() - min(created_at))::float8 * 1000 as age
  from hints where expires_at > clock_timestamp() group by target`;

/** Trips on an open connection: connecting is not what a request waits for. */
async function measure(
  client: pg.Client,
  { monotonicMs }: InspectOptions,
): Promise<{ p50Ms: number; p99Ms: number }> {
  const taken: number[] = [];
  for (let trip = 0; trip < trips; trip += 1) {
    const startMs = monotonicMs();
    await client.query('select incarnation from replica');
    taken.push(monotonicMs() - startMs);
  }
  taken.sort((a, b) => a - b);
  return { p50Ms: taken[trips >> 1] ?? 0, p99Ms: taken.at(-1) ?? 0 };
}

function refusal(error: unknown): string {
  const { code, message } = error as { code?: string; message: string };
  if (code === '42P01') return 'not migrated: it lacks tables of this version';
  if (/timeout/i.test(message)) return `no answer in time (${message})`;
  return message === '' ? String(code) : message;
}
