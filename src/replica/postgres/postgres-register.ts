import type { Clock } from '../../runtime/clock.ts';
import type { Metrics } from '../../runtime/metrics.ts';
import type {
  Founding,
  ProposerNumber,
  Register,
  ReplicaIdentity,
  Standing,
  Witness,
} from '../register.ts';
import type { CallOptions } from '../replica.ts';
import { Batcher } from './batcher.ts';
import type { Connection, Row } from './connection.ts';
import { identityOf, witnessOf } from './identity-rows.ts';
import * as sql from './identity-statements.ts';
import type { Statement } from './statements.ts';

export interface PostgresRegisterOptions {
  readonly id: string;
  readonly url: string;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly connectMs: number;
  readonly prepare: (anew: boolean) => Promise<void>;
}

/** The register role of a plain Postgres, over one connection of its own. */
export class PostgresRegister implements Register {
  examine: Register['examine'];
  readonly #options: PostgresRegisterOptions;
  readonly #lane: Batcher;
  #latest: ReplicaIdentity | undefined;
  #committed: { incarnation: string; xid: bigint } | undefined;
  #mayAskServer = true;

  constructor(options: PostgresRegisterOptions) {
    const { id, url, clock, metrics, connectMs, prepare } = options;
    this.#options = options;
    this.#lane = new Batcher({
      replica: id,
      clock,
      metrics,
      connections: 1,
      batchMax: 1,
      queueMax: 1_000,
      connect: { url, clock, connectMs, lane: 'register' },
      prepare,
      onConnected: async ({ identity }) => this.#found(identity),
      onWritten: () => undefined,
    });
  }

  get latest(): ReplicaIdentity | undefined {
    return this.#latest;
  }

  get watermark(): bigint {
    const { incarnation, xid } = this.#committed ?? { incarnation: '', xid: 0n };
    return incarnation === this.#latest?.incarnation ? xid : 0n;
  }

  /** A connection of the data path has been opened: nothing goes over it before it was examined. */
  async connected(connection: Connection): Promise<ReplicaIdentity> {
    const { identity } = connection;
    this.#found(identity);
    const { clock, connectMs } = this.#options;
    const now = await this.examine?.(identity, clock.monotonicMs() + connectMs);
    if (now) connection.isNow(now);
    return connection.identity;
  }

  committed(xid: bigint, { identity: { incarnation } }: Connection): void {
    const before = this.#committed;
    if (before?.incarnation === incarnation && before.xid >= xid) return;
    this.#committed = { incarnation, xid };
  }

  async look({ deadlineMs }: CallOptions): Promise<ReplicaIdentity> {
    const { clock } = this.#options;
    const sentMs = clock.nowMs();
    const statement = this.#mayAskServer ? sql.identify : sql.identifyWithoutServer;
    const [row] = await this.#run({ statement, writes: false }, [], deadlineMs);
    const identity = identityOf(row, (sentMs + clock.nowMs()) / 2);
    this.#found(identity);
    return identity;
  }

  async become(change: Standing, { deadlineMs }: CallOptions): Promise<boolean> {
    const { from, to, incarnation, cluster, name, place, cause, fence, promiseFloor } = change;
    const rows = await this.#run(
      { statement: sql.becomeStanding, writes: true },
      [
        from.incarnation,
        from.standing,
        incarnation ?? null,
        to,
        cluster,
        name,
        place.server,
        place.timeline,
        cause,
        fence,
        promiseFloor,
      ],
      deadlineMs,
    );
    return rows.length > 0;
  }

  async beat(incarnation: string, { deadlineMs }: CallOptions): Promise<number | undefined> {
    const what = { statement: sql.beatFence, writes: true };
    const [row] = await this.#run(what, [incarnation], deadlineMs);
    return row === undefined ? undefined : Number(row[0]);
  }

  async witnesses({ deadlineMs }: CallOptions): Promise<readonly Witness[]> {
    const what = { statement: sql.readWitnesses, writes: false };
    return (await this.#run(what, [], deadlineMs)).map(witnessOf);
  }

  async remember(witnesses: readonly Witness[], { deadlineMs }: CallOptions): Promise<void> {
    const column = <K extends keyof Witness>(name: K) => witnesses.map((witness) => witness[name]);
    const values = [
      column('replica'),
      column('incarnation'),
      column('fence'),
      column('xid').map(String),
      column('server'),
      column('timeline'),
    ];
    await this.#run({ statement: sql.rememberWitnesses, writes: true }, values, deadlineMs);
  }

  async promiseFounding(ballot: string, { deadlineMs }: CallOptions): Promise<Founding> {
    const what = { statement: sql.promiseFounding, writes: true };
    const [row = []] = await this.#run(what, [ballot], deadlineMs);
    const [promised, accepted, cluster] = row;
    return {
      promised: promised === true,
      accepted: String(accepted),
      cluster: typeof cluster === 'string' ? cluster : undefined,
    };
  }

  async acceptFounding(
    { ballot, cluster }: { ballot: string; cluster: string },
    { deadlineMs }: CallOptions,
  ): Promise<boolean> {
    const what = { statement: sql.acceptFounding, writes: true };
    return (await this.#run(what, [ballot, cluster], deadlineMs)).length > 0;
  }

  async lease(
    { owner, forMs }: { owner: string; forMs: number },
    { deadlineMs }: CallOptions,
  ): Promise<boolean> {
    const what = { statement: sql.leaseRepair, writes: true };
    return (await this.#run(what, [owner, forMs], deadlineMs)).length > 0;
  }

  async greatestBallot({ deadlineMs }: CallOptions): Promise<number> {
    const [row] = await this.#run({ statement: sql.greatestBallot, writes: false }, [], deadlineMs);
    return Number(row?.[0]);
  }

  async proposerNumbers({ deadlineMs }: CallOptions): Promise<readonly ProposerNumber[]> {
    const rows = await this.#run({ statement: sql.readNumbers, writes: false }, [], deadlineMs);
    return rows.map(([number, owner, seenAtMs]) => {
      return { number: Number(number), owner: String(owner), seenAtMs: Number(seenAtMs) };
    });
  }

  async learnNumbers(
    numbers: readonly ProposerNumber[],
    { deadlineMs }: CallOptions,
  ): Promise<void> {
    const values = [
      numbers.map(({ number }) => number),
      numbers.map(({ owner }) => owner),
      numbers.map(({ seenAtMs }) => seenAtMs),
    ];
    await this.#run({ statement: sql.learnNumbers, writes: true }, values, deadlineMs);
  }

  close(): Promise<void> {
    return this.#lane.close();
  }

  #found(identity: ReplicaIdentity): void {
    this.#latest = identity;
    this.#mayAskServer = identity.place.server !== '';
  }

  #run(
    { statement, writes }: { statement: Statement; writes: boolean },
    values: readonly unknown[],
    deadlineMs: number,
  ): Promise<readonly Row[]> {
    const kind = {
      name: statement.name,
      statement,
      writes,
      keyOf: () => '',
      values: () => values,
      replies: (rows: readonly Row[]) => [rows],
    };
    return this.#lane.call(kind, undefined, deadlineMs);
  }
}
