import type { Cell } from '../../causality/cell.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Log } from '../../runtime/log.ts';
import type { Metrics } from '../../runtime/metrics.ts';
import type { BucketDigest } from '../buckets.ts';
import type {
  BucketRequest,
  CollectOptions,
  GoneKey,
  GoneRequest,
  KeyDigestPage,
  KeyRequest,
  RepairClaim,
  RepairNote,
} from '../digest-source.ts';
import {
  ReplicaError,
  type CallOptions,
  type CellRef,
  type KeepResult,
  type PageSum,
  type PrepareResult,
  type ReadOptions,
  type Replica,
  type ScanPage,
  type ScanRequest,
  type StoredCell,
  type SwapRequest,
  type SwapResult,
} from '../replica.ts';
import type { ReplicaIdentity } from '../register.ts';
import { Batcher } from './batcher.ts';
import { alone } from './call-kind.ts';
import { callKinds, firstOf, pingKind, readKind } from './calls.ts';
import type { Hint, HintClaim, HintRemoval, NewHint } from '../hint-store.ts';
import { connect, faultOf, type Connection } from './connection.ts';
import { hintKinds } from './hint-calls.ts';
import { deleteKeyspaceHints } from './hint-statements.ts';
import * as digestCalls from './digest-calls.ts';
import { historyKind } from './history-calls.ts';
import { OnceMigrated } from './once-migrated.ts';
import { PostgresRegister } from './postgres-register.ts';
import { scanKind, sumKind } from './scan-calls.ts';
import { claimNumber, deleteKeyspaceRows } from './statements.ts';
import { WakeUps } from './wake-ups.ts';

export interface PostgresReplicaOptions {
  readonly id: string;
  readonly zone: string | undefined;
  readonly url: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly connectMs: number;
  readonly readConnections: number;
  readonly writeConnections: number;
  /** What a tenant may take in one turn, beside others; left out, each as much as any other. */
  readonly weightOf?: (tenant: string) => number;
  /** Brings the database to this program's schema; runs before the first connection. */
  readonly migrate: () => Promise<void>;
}

/**
 * NOTIFYs to one replica are at least this far apart: a feed needs to be woken, not told how often.
 */

/** One plain Postgres, seen as a replica. */
export class PostgresReplica implements Replica {
  readonly id: string;
  readonly zone: string | undefined;
  readonly #options: PostgresReplicaOptions;
  readonly #kinds: ReturnType<typeof callKinds>;
  readonly #hintKinds: ReturnType<typeof hintKinds>;
  readonly #collectKind: ReturnType<typeof digestCalls.collectKind>;
  readonly register: PostgresRegister;
  readonly #reads: Batcher;
  readonly #writes: Batcher;
  readonly #migration: OnceMigrated;
  /** Who it was found to be when the data path was last connected. */
  #incarnation: string | undefined;
  readonly #wakeUps: WakeUps;

  constructor(options: PostgresReplicaOptions) {
    this.id = options.id;
    this.zone = options.zone;
    this.#options = options;
    this.#migration = new OnceMigrated(options.migrate);
    this.#kinds = callKinds(options.clock);
    this.#hintKinds = hintKinds(options.clock);
    this.#collectKind = digestCalls.collectKind(options.clock);
    this.register = new PostgresRegister({
      ...options,
      prepare: (anew) => this.#migration.done(anew),
    });
    this.#wakeUps = new WakeUps(options.clock, (wake) =>
      this.#reads.call(wake, undefined, options.clock.monotonicMs() + 1000),
    );
    this.#reads = this.#lane('read', options.readConnections);
    this.#writes = this.#lane('write', options.writeConnections);
  }

  get incarnation(): string | undefined {
    return this.#incarnation;
  }

  /** Over the data path: that is what must be open. */
  async ping(options: CallOptions): Promise<ReplicaIdentity> {
    await this.#reads.call(pingKind, undefined, options.deadlineMs);
    return this.register.look(options);
  }

  read(ref: CellRef, options: ReadOptions): Promise<StoredCell> {
    return this.readMany([ref], options).then(firstOf);
  }

  /** Who does not ask briefly is answered with whole cells. */
  readMany: Replica['readMany'] = (refs, options) =>
    this.#read(refs, options, false) as Promise<readonly StoredCell[]>;

  readBriefly: Replica['readBriefly'] = (refs, options) => this.#read(refs, options, true);

  async swap(ref: CellRef, request: SwapRequest, options: CallOptions): Promise<SwapResult> {
    const { deadlineMs } = options;
    const call = { ref, request, next: request.next, stamp: request.stamp ?? '', deadlineMs };
    try {
      return await this.#writes.call(this.#kinds.swap, call, deadlineMs);
    } catch (error) {
      // Perhaps it is another incarnation since, and the connection has lived through it: the next
      // dot must be minted in its new name.
      const mayBeAnother =
        request.mintedBy !== undefined &&
        error instanceof ReplicaError &&
        error.fault === 'REFUSED';
      // The first ping finds that the connection is not what it was, the second one opens another.
      if (mayBeAnother)
        await this.ping(options)
          .catch(() => this.ping(options))
          .catch(() => undefined);
      throw error;
    }
  }

  keepNewest(
    ref: CellRef,
    next: { cell: Cell; stamp: string },
    { deadlineMs }: CallOptions,
  ): Promise<KeepResult> {
    const call = { ref, next: next.cell, stamp: next.stamp, deadlineMs };
    return this.#writes.call(this.#kinds.keepNewest, call, deadlineMs);
  }

  prepare(ref: CellRef, ballot: number, { deadlineMs }: CallOptions): Promise<PrepareResult> {
    return this.#writes.call(this.#kinds.prepare, { ref, ballot, deadlineMs }, deadlineMs);
  }

  claimNumber(number: number, owner: string, { deadlineMs }: CallOptions): Promise<string> {
    const kind = alone({
      name: 'claim_number',
      statement: claimNumber,
      writes: true,
      values: [number, owner],
      reply: ([row]) => String(row?.[0]),
    });
    return this.#writes.call(kind, undefined, deadlineMs);
  }

  scan(request: ScanRequest, { deadlineMs }: CallOptions): Promise<ScanPage> {
    return this.#reads.call(scanKind(request), request, deadlineMs);
  }

  sumUp(request: ScanRequest, { deadlineMs }: CallOptions): Promise<PageSum> {
    return this.#reads.call(sumKind(request), request, deadlineMs);
  }

  bucketDigests(
    request: BucketRequest,
    { deadlineMs }: CallOptions,
  ): Promise<ReadonlyMap<number, BucketDigest>> {
    return this.#reads.call(digestCalls.bucketsKind(request), undefined, deadlineMs);
  }

  keyDigests(request: KeyRequest, { deadlineMs }: CallOptions): Promise<KeyDigestPage> {
    return this.#reads.call(digestCalls.keysKind(request), undefined, deadlineMs);
  }

  async fillTokens(limit: number, { deadlineMs }: CallOptions): Promise<number> {
    const found = digestCalls.withoutTokenKind(limit);
    const columns = await this.#reads.call(found, undefined, deadlineMs);
    if (columns[0]?.length === 0) return 0;
    return this.#writes.call(digestCalls.fillKind(columns), undefined, deadlineMs);
  }

  goneKeys(request: GoneRequest, { deadlineMs }: CallOptions): Promise<readonly GoneKey[]> {
    return this.#reads.call(digestCalls.goneKind(request), undefined, deadlineMs);
  }

  collect(ref: CellRef, expected: bigint, options: CollectOptions): Promise<boolean> {
    const { deadlineMs, isHandedOver } = options;
    const call = { ref, expected, deadlineMs, isHandedOver: isHandedOver === true };
    return this.#writes.call(this.#collectKind, call, deadlineMs);
  }

  claimRepair(claim: RepairClaim, { deadlineMs }: CallOptions): Promise<number | undefined> {
    return this.#writes.call(digestCalls.claimKind(claim), undefined, deadlineMs);
  }

  noteRepair(note: RepairNote, { deadlineMs }: CallOptions): Promise<boolean> {
    return this.#writes.call(digestCalls.noteKind(note), undefined, deadlineMs);
  }

  async deleteKeyspace(
    what: { tenant: string; keyspace: string },
    { deadlineMs }: CallOptions,
  ): Promise<void> {
    const connection = await this.#dedicated('write');
    const cancel = this.#options.clock.after(deadlineMs - this.#options.clock.monotonicMs(), () =>
      connection.destroy(),
    );
    try {
      for (const step of [deleteKeyspaceHints, deleteKeyspaceRows]) {
        for (let gone = 1; gone > 0;) {
          const rows = await connection.run(step, [what.tenant, what.keyspace, 1000]);
          gone = Number(rows[0]?.[0]);
        }
      }
    } catch (error) {
      throw faultOf(error, true);
    } finally {
      cancel();
      await connection.close().catch(() => undefined);
    }
  }

  putHint(what: NewHint, { deadlineMs }: CallOptions): Promise<void> {
    return this.#writes.call(this.#hintKinds.put, { what, deadlineMs }, deadlineMs);
  }

  claimHints(what: HintClaim, { deadlineMs }: CallOptions): Promise<readonly Hint[]> {
    return this.#writes.call(this.#hintKinds.claim, { what, deadlineMs }, deadlineMs);
  }

  removeHints(removal: HintRemoval, { deadlineMs }: CallOptions): Promise<void> {
    return this.#writes.call(this.#hintKinds.remove, { what: removal, deadlineMs }, deadlineMs);
  }

  countHints: Replica['countHints'] = ({ deadlineMs }) =>
    this.#reads.call(this.#hintKinds.count, undefined, deadlineMs);

  hasHintFor: Replica['hasHintFor'] = (ref, { deadlineMs }) =>
    this.#reads.call(this.#hintKinds.find, ref, deadlineMs);

  expireHints: Replica['expireHints'] = (limit, { deadlineMs }) =>
    this.#writes.call(this.#hintKinds.expire, limit, deadlineMs);

  history: Replica['history'] = (ref, what, { deadlineMs }) =>
    this.#reads.call(historyKind(), { ref, what }, deadlineMs);

  async close(): Promise<void> {
    this.#wakeUps.stop();
    await Promise.all([this.#reads.close(), this.#writes.close(), this.register.close()]);
  }

  #lane(lane: 'read' | 'write', connections: number): Batcher {
    const { id, clock, metrics, url, connectMs, weightOf } = this.#options;
    return new Batcher({
      replica: id,
      clock,
      metrics,
      connections,
      batchMax: 256,
      queueMax: 20_000,
      weightOf,
      connect: { url, clock, connectMs, lane },
      prepare: (anew) => this.#migration.done(anew),
      onConnected: (connection) => this.#connected(connection),
      onCommitted: (xid, connection) => this.register.committed(xid, connection),
      onWritten: () => this.#wakeUps.written(),
    });
  }

  #read(refs: readonly CellRef[], { deadlineMs, shared }: ReadOptions, briefly: boolean) {
    return this.#reads.call(readKind, { refs, shared, briefly }, deadlineMs);
  }

  async #dedicated(lane: 'read' | 'write'): Promise<Connection> {
    const { url, clock, connectMs } = this.#options;
    return connect({ url, clock, connectMs, lane, onLost: () => undefined });
  }

  async #connected(connection: Connection): Promise<void> {
    const { incarnation: now } = await this.register.connected(connection);
    const before = this.#incarnation;
    this.#incarnation = now;
    if (before === undefined || before === now) return;
    this.#options.log.warn(
      { replica: this.id, before, now },
      'the replica is another incarnation than it was',
    );
  }
}
