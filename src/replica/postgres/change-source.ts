import pg from 'pg';
import type { Clock } from '../../runtime/clock.ts';
import type {
  ChangePage,
  ChangePosition,
  ChangeSession,
  ChangeSource,
  ChangesWanted,
  RecentAsked,
  RecentChanges,
} from '../change-source.ts';
import { ReplicaError } from '../replica.ts';
import { recentChanges } from './change-recent.ts';
import { changeIn, keyIn, placeOf, rangeColumns, singleColumns, text } from './change-rows.ts';
import * as sql from './change-statements.ts';
import { faultOf, type Row } from './connection.ts';
import type { Statement } from './statements.ts';
import { feedName, quietFeedName } from './wake-ups.ts';

/** Where the log is, and how long to wait for it. */
export interface PostgresChangeSourceOptions {
  readonly id: string;
  readonly url: string;
  readonly clock: Clock;
  /**
   * Covers TCP, TLS and the start-up message: a frozen postmaster accepts TCP and then says
   * nothing.
   */
  readonly connectMs: number;
  /** After it a session that does not answer is dropped. */
  readonly answerMs: number;
}

const pageRows = 1000;
const pageBytes = 4_000_000;
/**
 * Without sequential scans: the planner has no figures about a log that was just filled. And it plans once:
 * planning a poll anew, which it does where it takes the bits of a sieve into account, costs three times what
 * the poll itself does.
 */
const settings =
  '-c jit=off -c enable_seqscan=off -c plan_cache_mode=force_generic_plan -c statement_timeout=30000 -c lock_timeout=5000';

/**
 * The change log of one plain Postgres. Every session has a connection of its own: a slow reader
 * holds up nobody.
 */
export function postgresChangeSource(options: PostgresChangeSourceOptions): ChangeSource {
  return {
    id: options.id,
    async open(events) {
      const session = new PostgresChangeSession(options, events);
      await session.connect();
      if (events.onWake) await session.listen(true);
      return session;
    },
    async trim({ olderThanHours, stepRows }) {
      const session = new PostgresChangeSession(options, { onLost: () => undefined });
      try {
        await session.connect();
        return await session.trim(olderThanHours, stepRows);
      } finally {
        session.close();
      }
    },
  };
}

interface SocketLike {
  readonly writable: boolean;
  end(bytes: Buffer, done: () => void): void;
  destroy(): void;
}

type SessionEvents = Parameters<ChangeSource['open']>[0];

class PostgresChangeSession implements ChangeSession {
  readonly #client: pg.Client;
  readonly #options: PostgresChangeSourceOptions;
  #open = true;
  /** The end of what was asked last. */
  #asked: Promise<unknown> = Promise.resolve();

  constructor(options: PostgresChangeSourceOptions, { onWake, onLost }: SessionEvents) {
    this.#options = options;
    this.#client = new pg.Client({
      connectionString: options.url,
      connectionTimeoutMillis: options.connectMs,
      application_name: quietFeedName,
      options: settings,
      keepAlive: true,
    });
    const lose = (): void => {
      if (this.#open) onLost();
      this.#open = false;
    };
    this.#client.on('error', lose);
    this.#client.on('end', lose);
    if (onWake) this.#client.on('notification', onWake);
  }

  async connect(): Promise<void> {
    await this.#inTime(() => this.#client.connect(), this.#options.connectMs);
  }

  /**
   * LISTEN before the first read: a change that commits in between is in the read, one after it
   * wakes. The name is for those who write.
   */
  async listen(isWoken: boolean): Promise<void> {
    const listen = isWoken ? 'listen' : 'unlisten';
    const name = isWoken ? feedName : quietFeedName;
    const sql = `${listen} quorate_changes; set application_name = '${name}'`;
    await this.#inTime(() => this.#client.query(sql), this.#options.answerMs);
  }

  async head(): Promise<ChangePosition> {
    const [row] = await this.#run(sql.headOfChanges, []);
    return { incarnation: text(row?.[1]), seen: durableSnapshot(row) };
  }

  async since(ageMs: number): Promise<ChangePosition> {
    const [row] = await this.#run(sql.changesSince, [ageMs]);
    const first = row?.[4];
    const seen = typeof first === 'string' ? `${first}:${first}:` : durableSnapshot(row);
    return { incarnation: text(row?.[1]), seen };
  }

  async read(position: ChangePosition, what: ChangesWanted): Promise<ChangePage> {
    const rows = await this.#page(position, what);
    const [head] = rows;
    const [now, incarnation, trimmed] = [durableSnapshot(head), text(head?.[1]), text(head?.[2])];
    if (incarnation !== position.incarnation)
      return { kind: 'gap', reason: 'incarnation', position: { incarnation, seen: now } };
    if (BigInt(trimmed) > firstUnseen(position.seen))
      return { kind: 'gap', reason: 'trimmed', position: { incarnation, seen: now } };
    const until = position.window?.until ?? what.until ?? now;
    const found = Number(head?.[4] ?? 0);
    const logged = found > 0 ? rows.map((row) => row.slice(5)) : [];
    const more = found > logged.length || found >= pageRows;
    const last = logged.at(-1);
    const { wanted } = what;
    return {
      kind: 'page',
      // Before their cells are read: most of a busy log is nobody's.
      changes: (wanted ? logged.filter((row) => wanted(keyIn(row))) : logged).map((row) =>
        changeIn(row, position, until),
      ),
      more,
      position: more && last ? placeOf(last, position, until) : { incarnation, seen: until },
    };
  }

  recent(asked: readonly RecentAsked[]): Promise<readonly RecentChanges[]> {
    return recentChanges(asked, (statement, values) => this.#run(statement, values));
  }

  async trim(olderThanHours: number, stepRows: number): Promise<number> {
    // A plan for any number of steps takes a tenth of the log for one.
    await this.#run(sql.planAnew, []);
    const [locked] = await this.#run(sql.lockTrimming, []);
    if (locked?.[0] !== true) return 0;
    let total = 0;
    for (let gone = stepRows; gone >= stepRows; total += gone) {
      const [row] = await this.#run(sql.trimChanges, [olderThanHours, stepRows], 30_000);
      gone = Number(row?.[0]);
    }
    return total;
  }

  close(): void {
    this.#open = false;
    // The goodbye of the protocol, so that the server's log stays quiet; not `end()`, which waits
    // for an answer.
    const stream = this.#stream();
    if (stream.writable) stream.end(Buffer.from([0x58, 0, 0, 0, 4]), () => stream.destroy());
    else stream.destroy();
  }

  #stream(): SocketLike {
    return (this.#client as unknown as { connection: { stream: SocketLike } }).connection.stream;
  }

  #page(position: ChangePosition, what: ChangesWanted): Promise<readonly Row[]> {
    const keys = [...rangeColumns(what.ranges), ...singleColumns(what.singles)];
    const common = [...keys, pageRows, pageBytes];
    const { seen, window } = position;
    if (window) return this.#run(sql.nextPage, [...common, seen, window.until, window.seq]);
    const [, xmax = '', xip = ''] = seen.split(':');
    const unfinished = xip === '' ? [] : xip.split(',');
    if (what.until === undefined) return this.#run(sql.firstPage, [...common, xmax, unfinished]);
    return this.#run(sql.firstPageUntil, [...common, xmax, unfinished, what.until]);
  }

  /**
   * One statement at a time: many subscriptions share a session. The time of each begins when it is sent,
   * so that a server which answers all of them is not taken for a frozen one.
   */
  async #run(
    statement: Statement,
    values: readonly unknown[],
    limitMs = this.#options.answerMs,
  ): Promise<readonly Row[]> {
    const config: pg.QueryArrayConfig = { ...statement, rowMode: 'array', values: [...values] };
    const query = () => this.#client.query<unknown[]>(config);
    const answer = this.#asked.then(() => this.#inTime(query, limitMs));
    this.#asked = answer.catch(() => undefined);
    return (await answer).rows;
  }

  async #inTime<T>(work: () => Promise<T>, limitMs: number): Promise<T> {
    const late = { is: false };
    const cancel = this.#options.clock.after(limitMs, () => {
      late.is = true;
      this.#open = false;
      this.#stream().destroy(); // a frozen server reads no goodbye
    });
    try {
      return await work();
    } catch (error) {
      throw late.is
        ? new ReplicaError('TIMEOUT', `the change log did not answer in ${limitMs} ms`, false)
        : faultOf(error);
    } finally {
      cancel();
    }
  }
}

/**
 * The snapshot of a row that begins with snapshot, incarnation, trimmed, top; cut behind the last
 * transaction that has logged anything.
 *
 * It has the same log rows behind it, but does not claim transactions that logged nothing: those
 * need not be durable (one that only sent a NOTIFY is not flushed), and after a crash Postgres
 * gives their ids out again, to writes that a reader must not take for seen.
 */
function durableSnapshot(row: Row | undefined): string {
  const [, , xip = ''] = text(row?.[0]).split(':');
  const top = typeof row?.[3] === 'string' ? BigInt(row[3]) + 1n : firstTransaction;
  const trimmed = BigInt(text(row?.[2]));
  const xmax = top > trimmed ? top : trimmed;
  const running = xip.split(',').filter((xid) => xid !== '' && BigInt(xid) < xmax);
  return `${running[0] ?? xmax}:${xmax}:${running.join(',')}`;
}

/** Smaller ids are Postgres' own. */
const firstTransaction = 3n;

/** The smallest transaction id that may still hold undelivered rows. */
function firstUnseen(snapshot: string): bigint {
  return BigInt(snapshot.split(':')[0] ?? '0');
}
