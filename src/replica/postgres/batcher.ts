import type { Cancel } from '../../runtime/clock.ts';
import { NeverSent, ReplicaError } from '../replica.ts';
import {
  connect,
  faultOf,
  isRetryable,
  type Connection,
  type Row,
  NotMigrated,
} from './connection.ts';
import { FairQueue } from './fair-queue.ts';
import type { BatcherOptions } from './batcher-options.ts';
import {
  committedIn,
  fail,
  failAlone,
  flowOf,
  observeClock,
  refuseAnother,
  oneOf,
  settle,
  waitingFor,
  type CallKind,
  type Pending,
} from './call-kind.ts';
import { freeSlot, isLockedIn, occupy, underWayIn, vacate, type Slot } from './slot.ts';
import { mayLeave } from './under-way.ts';

const watchEveryMs = 20;
const reopenAfterMs = 100;

/**
 * Group commit in the gateway: the calls of one turn of the event loop become one statement, one
 * batch is in flight a connection, and the next one gathers meanwhile. No timer decides when a
 * batch leaves, so an idle system adds no delay and a busy one makes larger batches. The connections
 * are used one after the other as more gathers (`mayLeave`).
 *
 * Invariant: every call settles by its deadline (± one watch interval), whatever the server does.
 */
export class Batcher {
  readonly #options: BatcherOptions;
  readonly #slots: Slot[];
  readonly #queue: FairQueue<Pending>;
  #turnPlanned = false;
  #watch: Cancel | undefined;
  #closed = false;
  #notBeforeMs = 0;
  /** When it was last looked what may leave: one time for all that wait. */
  #nowMs = 0;
  #lastFault: ReplicaError | undefined;

  constructor(options: BatcherOptions) {
    this.#options = options;
    this.#queue = new FairQueue({
      weightOf: options.weightOf ?? (() => 1),
      max: options.queueMax,
      mayRepeatKeys: ({ kind }) => kind.mayRepeatKeys === true,
      mustWait: (pending) => isLockedIn(this.#slots, pending, this.#nowMs),
      oneOf,
    });
    this.#slots = Array.from({ length: options.connections }, freeSlot);
  }

  call<Call, Reply>(kind: CallKind<Call, Reply>, call: Call, deadlineMs: number): Promise<Reply> {
    if (this.#closed)
      return Promise.reject(new ReplicaError('DOWN', 'this gateway is shutting down', false));
    const key = kind.keyOf(call);
    const flow = flowOf(key);
    if (this.#queue.isFull(flow)) {
      const reason = 'as many calls are waiting for this replica as may';
      return Promise.reject(new ReplicaError('REFUSED', reason, false));
    }
    return new Promise<Reply>((resolve, reject) => {
      const pending: Pending = {
        kind: kind as unknown as CallKind<unknown, unknown>,
        call,
        key,
        flow,
        size: kind.sizeOf?.(call) ?? 1,
        rows: kind.rowsOf?.(call) ?? 1,
        deadlineMs,
        resolve: resolve as (reply: unknown) => void,
        reject,
        others: [],
        settled: false,
      };
      this.#queue.push(pending);
      // What lets it go is the end of the call that locks its row; it does not change what others may.
      if (isLockedIn(this.#slots, pending, this.#options.clock.monotonicMs())) this.#startWatch();
      else this.#pumpAtEndOfTurn();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#watch?.();
    for (const pending of this.#queue.drain())
      fail(pending, new ReplicaError('DOWN', 'this gateway is shutting down', false));
    const open = this.#slots.flatMap(({ connection }) => (connection ? [connection] : []));
    await Promise.allSettled(open.map((connection) => connection.close()));
  }

  #pumpAtEndOfTurn(): void {
    if (this.#turnPlanned) return;
    this.#turnPlanned = true;
    this.#options.clock.endOfTurn(() => {
      this.#turnPlanned = false;
      this.#pump();
    });
    this.#startWatch();
  }

  #pump(): void {
    this.#nowMs = this.#options.clock.monotonicMs();
    for (const slot of this.#slots) {
      if (slot.batch) continue;
      const kind = this.#queue.nextKind(this.#leaves);
      if (!kind || !this.#mayLeave(kind)) return;
      if (slot.connection) void this.#send(slot, slot.connection, this.#cut(kind));
      else void this.#open(slot);
    }
  }

  /** When it must not, an answer lets it go, the next call, or the watch. */
  #mayLeave(kind: Pending['kind']): boolean {
    const underWay = underWayIn(this.#slots);
    if (underWay.length === 0) return true;
    const batchMax = this.#most(kind);
    const waiting = { calls: this.#queue.ready(batchMax), batchMax, gathers: kind.alone !== true };
    return mayLeave(underWay, waiting, this.#nowMs);
  }

  /**
   * The next batch: calls of one kind, sorted by key, tenants by turns. No key is written twice in it:
   * where one call can stand for all of a key, that one is sent. Expired calls leave, unsent.
   */
  #cut(kind: Pending['kind']): readonly Pending[] {
    const batch = this.#queue.cut(this.#most(kind), this.#leaves, kind);
    return batch.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** Whether nobody waits for it any more: it goes unsent. */
  readonly #leaves = (pending: Pending): boolean => {
    if (pending.settled) return true;
    if (pending.deadlineMs > this.#nowMs) return false;
    fail(pending, new NeverSent());
    return true;
  };

  /** Calls of this kind in one statement, at most. */
  #most({ most = Infinity }: Pending['kind']): number {
    return Math.min(this.#options.batchMax, most);
  }

  async #send(slot: Slot, connection: Connection, batch: readonly Pending[]): Promise<void> {
    const [first] = batch;
    if (!first) return;
    const { kind } = first;
    const { clock, metrics, replica } = this.#options;
    occupy(slot, batch, clock.monotonicMs());
    try {
      const size = batch.reduce((sum, { rows }) => sum + rows, 0);
      metrics.batchSize.observe({ replica, call: kind.name }, size);
      const rows = await this.#runAgainOnDeadlock(connection, kind, batch);
      observeClock(kind, rows, connection);
      refuseAnother(kind, rows, connection);
      const xid = committedIn(kind, rows);
      if (xid !== undefined) this.#options.onCommitted?.(xid, connection);
      const replies = kind.replies(
        rows,
        batch.map(({ call }) => call),
      );
      batch.forEach((pending, index) => {
        const reply = replies[index];
        if (reply instanceof ReplicaError) fail(pending, reply);
        else settle(pending, reply);
      });
      if (kind.writes) this.#options.onWritten();
    } catch (error) {
      const fault = faultOf(error, kind.writes);
      if (fault.fault === 'DOWN') this.#lastFault = fault;
      for (const pending of batch) fail(pending, fault);
    } finally {
      vacate(slot);
      this.#pump();
    }
  }

  async #runAgainOnDeadlock(
    connection: Connection,
    kind: Pending['kind'],
    batch: readonly Pending[],
  ): Promise<readonly Row[]> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await connection.run(
          kind.statement,
          kind.values(
            batch.map(({ call }) => call),
            connection,
          ),
        );
      } catch (error) {
        if (!isRetryable(error) || attempt === 3) throw error;
      }
    }
  }

  async #open(slot: Slot): Promise<void> {
    const nowMs = this.#options.clock.monotonicMs();
    if (slot.opening || this.#closed) return;
    // A server that refused a moment ago is not asked again for every call; those who would wait
    // for it learn why at once.
    if (nowMs < this.#notBeforeMs) {
      if (this.#lastFault) this.#refuseWaiting(this.#lastFault);
      return;
    }
    slot.opening = true;
    try {
      await this.#options.prepare(this.#lastFault instanceof NotMigrated);
      const gone = { reason: '' };
      const connection: Connection = await connect({
        ...this.#options.connect,
        onLost: (reason) => {
          gone.reason = reason;
          if (slot.connection === connection) slot.connection = undefined;
        },
      });
      await this.#options.onConnected(connection).catch((error: unknown) => {
        connection.destroy();
        throw error;
      });
      if (gone.reason !== '') throw new ReplicaError('DOWN', gone.reason, false);
      if (this.#hasClosed()) {
        connection.destroy();
        return;
      }
      slot.connection = connection;
      this.#lastFault = undefined;
    } catch (error) {
      this.#lastFault = faultOf(error);
      this.#notBeforeMs = this.#options.clock.monotonicMs() + reopenAfterMs;
      this.#refuseWaiting(this.#lastFault);
    } finally {
      slot.opening = false;
      this.#pump();
    }
  }

  /** Asked again after a wait: it may have been closed meanwhile. */
  #hasClosed(): boolean {
    return this.#closed;
  }

  /** When no connection is left, those who wait learn at once why, instead of at their deadline. */
  #refuseWaiting(fault: ReplicaError): void {
    if (this.#slots.some(({ connection }) => connection)) return;
    for (const pending of this.#queue.drain()) fail(pending, fault);
  }

  #startWatch(): void {
    if (this.#watch || this.#closed) return;
    this.#watch = this.#options.clock.after(watchEveryMs, () => {
      this.#watch = undefined;
      this.#expire();
      const busy = this.#queue.size > 0 || this.#slots.some(({ batch }) => batch);
      if (busy) this.#startWatch();
    });
  }

  /**
   * Lets go of calls whose deadline has passed, and of connections on which nobody waits any more.
   */
  #expire(): void {
    const nowMs = this.#options.clock.monotonicMs();
    const late = (pending: Pending): boolean => !pending.settled && pending.deadlineMs <= nowMs;
    for (const pending of this.#queue) {
      if (!late(pending)) continue;
      fail(pending, this.#lastFault ?? new NeverSent());
    }
    this.#queue.sweep();
    for (const slot of this.#slots) {
      if (!slot.batch) continue;
      for (const pending of slot.batch.flatMap(waitingFor).filter(late)) {
        failAlone(pending, new ReplicaError('TIMEOUT', 'no answer in time', pending.kind.writes));
      }
      if (slot.batch.flatMap(waitingFor).every(({ settled }) => settled)) {
        slot.connection?.destroy();
        slot.connection = undefined;
      }
    }
    if (this.#queue.size > 0) this.#pump();
  }
}
