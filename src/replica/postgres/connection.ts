import pg from 'pg';
import type { Clock } from '../../runtime/clock.ts';
import { ReplicaError } from '../replica.ts';
import type { ReplicaIdentity } from '../register.ts';
import { identify, identifyWithoutServer } from './identity-statements.ts';
import { identityOf } from './identity-rows.ts';
import { arrayText } from './array-text.ts';
import { endWhenAbandoned, type Statement } from './statements.ts';

/** One session with a replica's Postgres, opened, identified and ready for statements. */
export interface Connection {
  /** Who was there when it was opened, or has become since, as far as this gateway had to do with it. */
  readonly identity: ReplicaIdentity;
  isNow(identity: ReplicaIdentity): void;
  /** How far the replica's clock is ahead of ours, in ms. */
  readonly clockOffsetMs: number;
  /** Learns from an answer what time it is there: either clock may have been set since. */
  observeClock(serverMs: number): void;
  run(statement: Statement, values: readonly unknown[]): Promise<readonly Row[]>;
  /** Drops the socket at once: for a server that does not answer any more. */
  destroy(): void;
  close(): Promise<void>;
}

export type Row = readonly unknown[];

export interface ConnectOptions {
  readonly url: string;
  readonly clock: Clock;
  /**
   * Covers TCP, TLS and the start-up message: a frozen postmaster accepts TCP and then says
   * nothing.
   */
  readonly connectMs: number;
  /** `write` connections force nested loops, so that rows are locked in the order of the input. */
  readonly lane: 'read' | 'write' | 'register';
  readonly onLost: (reason: string) => void;
}

const clockStepMs = 100;

/**
 * `enable_seqscan=off`: a plan made while the table was small is kept as it grows, and one page is read
 * faster as a whole than by an index.
 */
const settings = {
  read: '-c statement_timeout=30000 -c jit=off -c plan_cache_mode=force_generic_plan -c enable_seqscan=off',
  // Whatever the server's default is: an acknowledgement is a replica that holds the state durably.
  write:
    '-c synchronous_commit=on -c statement_timeout=30000 -c lock_timeout=5000 -c jit=off -c enable_hashjoin=off -c enable_mergejoin=off -c plan_cache_mode=force_generic_plan -c enable_seqscan=off',
  // Reads every row of another replica now and then; the caller's deadline ends that.
  register: '-c synchronous_commit=on -c statement_timeout=0 -c lock_timeout=5000 -c jit=off',
} as const;

/** Opens a connection. Rejects with a `ReplicaError` (`DOWN` or `REFUSED`), nothing written. */
export async function connect(options: ConnectOptions): Promise<Connection> {
  const client = new pg.Client({
    connectionString: options.url,
    connectionTimeoutMillis: options.connectMs,
    application_name: 'quorate',
    options: settings[options.lane],
    keepAlive: true,
  });
  // While it is being opened, the rejection tells: the caller has no connection yet that it could lose.
  let isOpen = false;
  const lose = (reason: string): void => {
    if (!isOpen) return;
    isOpen = false;
    options.onLost(reason);
  };
  client.on('error', (error) => lose(describe(error)));
  client.on('end', () => lose('the connection was closed'));
  try {
    await client.connect();
    const sentMs = options.clock.nowMs();
    const row = await deadline(client, options, identified(client));
    const identity = identityOf(row, (sentMs + options.clock.nowMs()) / 2);
    await deadline(client, options, askToEndWhenAbandoned(client));
    isOpen = true;
    return wrap(client, options, identity);
  } catch (error) {
    destroy(client);
    throw faultOf(error);
  }
}

/** Servers on systems that cannot tell refuse it; there `statement_timeout` is what is left. */
async function askToEndWhenAbandoned(client: pg.Client): Promise<void> {
  try {
    await query(client, endWhenAbandoned, []);
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error;
  }
}

/** It has no tables of ours: it is a new database, where there may have been another one before. */
export class NotMigrated extends ReplicaError {}

/** A role that may not ask for the system identifier is told the rest. */
async function identified(client: pg.Client): Promise<Row | undefined> {
  const [row] = await query(client, identify, []).catch((error: unknown) => {
    const code = error instanceof pg.DatabaseError ? error.code : undefined;
    if (code === '42501') return query(client, identifyWithoutServer, []); // insufficient privilege
    if (code !== '42P01' && code !== '42703') throw error; // undefined table, or column
    throw new NotMigrated('REFUSED', 'it has no tables of Quorate', false);
  });
  return row;
}

/**
 * What a failed statement means. Only a failure that Postgres itself reports is known to have
 * written nothing.
 */
export function faultOf(error: unknown, sent = false): ReplicaError {
  if (error instanceof ReplicaError) return error;
  const code = error instanceof pg.DatabaseError ? error.code : undefined;
  if (code === undefined) return new ReplicaError('DOWN', describe(error), sent);
  // The server is starting up, or has no connection left: it has not looked at the statement.
  if (code === '57P03' || code === '53300') return new ReplicaError('DOWN', describe(error), false);
  // The server is going away: the session may have been ended between its commit and its reply.
  if (code.startsWith('57P')) return new ReplicaError('DOWN', describe(error), sent);
  if (code === '57014' || code === '55P03')
    return new ReplicaError('TIMEOUT', describe(error), false);
  return new ReplicaError('REFUSED', describe(error), false);
}

/**
 * Aborted by Postgres to resolve a deadlock or a serialisation failure: nothing was written, and
 * sending it again is safe.
 */
export function isRetryable(error: unknown): boolean {
  return error instanceof pg.DatabaseError && (error.code === '40P01' || error.code === '40001');
}

function wrap(
  client: pg.Client,
  { clock, connectMs }: ConnectOptions,
  found: ReplicaIdentity,
): Connection {
  let { clockOffsetMs } = found;
  let identity = found;
  return {
    get identity() {
      return identity;
    },
    isNow(now) {
      identity = now;
    },
    get clockOffsetMs() {
      return clockOffsetMs;
    },
    observeClock(serverMs) {
      const nowMs = serverMs - clock.nowMs();
      // Half a round trip is noise; a step of either clock is not.
      if (Math.abs(nowMs - clockOffsetMs) > clockStepMs) clockOffsetMs = nowMs;
    },
    run: (statement, values) => query(client, statement, values),
    destroy: () => destroy(client),
    async close() {
      // A frozen server never says goodbye.
      const cancel = clock.after(connectMs, () => destroy(client));
      await client.end().finally(cancel);
    },
  };
}

/**
 * Named, so that Postgres parses and plans each text once a connection; rows as arrays, so that no
 * object is built a row.
 */
async function query(
  client: pg.Client,
  statement: Statement,
  values: readonly unknown[],
): Promise<readonly Row[]> {
  const written = values.map((value) => (Array.isArray(value) ? arrayText(value) : value));
  const config: pg.QueryArrayConfig = { ...statement, rowMode: 'array', values: written };
  const { rows } = await client.query<unknown[]>(config);
  return rows;
}

/** `identify` must also answer within the connection's deadline. */
async function deadline<T>(
  client: pg.Client,
  options: ConnectOptions,
  query: Promise<T>,
): Promise<T> {
  const cancel = options.clock.after(options.connectMs, () => destroy(client));
  return query.finally(cancel);
}

function destroy(client: pg.Client): void {
  const { stream } = (client as unknown as { connection: { stream: { destroy(): void } } })
    .connection;
  stream.destroy();
}

/** A reason fit for a receipt: never a connection string, never a parameter. */
function describe(error: unknown): string {
  if (error instanceof AggregateError) return describe(error.errors[0]);
  if (error instanceof pg.DatabaseError)
    return `Postgres said: ${error.message} (${error.code ?? '?'})`;
  // Not by `instanceof`: what Node makes itself is of another realm where code runs in its own.
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  if (typeof code === 'string') return `connection failed (${code})`;
  return typeof message === 'string' ? message : 'unknown failure';
}
