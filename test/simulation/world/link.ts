import type { Cell } from '../../../src/causality/cell.ts';
import type { BucketDigest } from '../../../src/replica/buckets.ts';
import type {
  BucketRequest,
  GoneKey,
  GoneRequest,
  KeyDigestPage,
  KeyRequest,
  RepairClaim,
  RepairNote,
} from '../../../src/replica/digest-source.ts';
import {
  ReplicaError,
  type CallOptions,
  type CellRef,
  type KeepResult,
  type PrepareResult,
  type Replica,
  type ReplicaIdentity,
  type ScanPage,
  type ScanRequest,
  type StoredCell,
  type SwapRequest,
  type SwapResult,
} from '../../../src/replica/replica.ts';
import type {
  Hint,
  HintClaim,
  HintCount,
  HintRemoval,
  NewHint,
} from '../../../src/replica/hint-store.ts';
import type { Lane, Network } from './network.ts';
import type { Process } from './process.ts';
import type { Rounds } from './rounds.ts';
import type { Schedule } from './schedule.ts';
import type { Server } from './server.ts';
import type { Trace } from './trace.ts';

/** What a link works with. */
export interface LinkDeps {
  readonly schedule: Schedule;
  readonly network: Network;
  readonly trace: Trace;
  /** Told of every version that LAST_WRITE_WINS offers to a replica. */
  readonly offered: { key: string; cell: Cell }[];
  readonly rounds: Rounds;
}

interface Call<T> {
  readonly name: string;
  readonly key: string;
  readonly deadlineMs: number;
  /** Whether a lost answer leaves open what happened. */
  readonly writes: boolean;
  readonly lane?: Lane;
  readonly act: (replica: Replica, options: CallOptions) => Promise<T>;
}

/**
 * One process's connection to one replica, over a bad network: requests and replies are lost, late, overtaken and doubled.
 *
 * It behaves as the connection to a Postgres does: a refused connection is DOWN at once, silence is a TIMEOUT at the deadline, a
 * connection that breaks leaves open whether the statement was carried out, and the deadline travels inside the statement.
 */
export class Link implements Replica {
  readonly id: string;
  readonly zone: string | undefined;
  incarnation: string | undefined;
  readonly #deps: LinkDeps;
  readonly #process: Process;
  readonly #server: Server;
  #boot: number;

  constructor(deps: LinkDeps, process: Process, server: Server) {
    this.id = server.id;
    this.zone = server.replica.zone;
    this.#deps = deps;
    this.#process = process;
    this.#server = server;
    this.#boot = server.boot;
    if (server.state === 'UP') this.incarnation = server.replica.incarnation;
  }

  ping({ deadlineMs }: CallOptions): Promise<ReplicaIdentity> {
    const act = (replica: Replica, options: CallOptions) => replica.ping(options);
    return this.#send({ name: 'ping', key: '', deadlineMs, writes: false, act });
  }
  read(ref: CellRef, { deadlineMs }: CallOptions): Promise<StoredCell> {
    const act = (replica: Replica, options: CallOptions) => replica.read(ref, options);
    return this.#send({ name: 'read', key: ref.key, deadlineMs, writes: false, act });
  }
  swap(ref: CellRef, request: SwapRequest, { deadlineMs }: CallOptions): Promise<SwapResult> {
    const { rounds } = this.#deps;
    const act = async (replica: Replica, options: CallOptions): Promise<SwapResult> => {
      const result = await replica.swap(ref, request, options);
      if (result.status === 'swapped') rounds.stored(this.id, request.next);
      return result;
    };
    rounds.sent(request.next);
    const name = `swap to ${shownCell(request.next)}`;
    return this.#send({ name, key: ref.key, deadlineMs, writes: true, act });
  }
  keepNewest(
    ref: CellRef,
    next: { cell: Cell; stamp: string },
    { deadlineMs }: CallOptions,
  ): Promise<KeepResult> {
    this.#deps.offered.push({ key: ref.key, cell: next.cell });
    const act = (replica: Replica, options: CallOptions) => replica.keepNewest(ref, next, options);
    return this.#send({ name: 'keepNewest', key: ref.key, deadlineMs, writes: true, act });
  }
  async prepare(ref: CellRef, ballot: number, { deadlineMs }: CallOptions): Promise<PrepareResult> {
    const act = (replica: Replica, options: CallOptions) => replica.prepare(ref, ballot, options);
    const name = `prepare ${ballot}`;
    const result = await this.#send({ name, key: ref.key, deadlineMs, writes: true, act });
    if (result.promised) this.#deps.rounds.promised(ballot, result.stored.cell);
    return result;
  }
  claimNumber(number: number, owner: string, { deadlineMs }: CallOptions): Promise<string> {
    const act = (replica: Replica, options: CallOptions) =>
      replica.claimNumber(number, owner, options);
    return this.#send({ name: 'claimNumber', key: '', deadlineMs, writes: true, act });
  }
  scan(request: ScanRequest, { deadlineMs }: CallOptions): Promise<ScanPage> {
    const act = (replica: Replica, options: CallOptions) => replica.scan(request, options);
    return this.#send({ name: 'scan', key: request.from ?? '', deadlineMs, writes: false, act });
  }
  deleteKeyspace(
    what: { tenant: string; keyspace: string },
    { deadlineMs }: CallOptions,
  ): Promise<void> {
    const act = (replica: Replica, options: CallOptions) => replica.deleteKeyspace(what, options);
    return this.#send({ name: 'deleteKeyspace', key: '', deadlineMs, writes: true, act });
  }
  putHint(hint: NewHint, { deadlineMs }: CallOptions): Promise<void> {
    const act = (replica: Replica, options: CallOptions) => replica.putHint(hint, options);
    const name = `putHint for ${hint.target} of ${shownCell(hint.cell)}`;
    return this.#send({ name, key: hint.ref.key, deadlineMs, writes: true, lane: 'hints', act });
  }
  claimHints(claim: HintClaim, { deadlineMs }: CallOptions): Promise<readonly Hint[]> {
    const act = (replica: Replica, options: CallOptions) => replica.claimHints(claim, options);
    return this.#send({
      name: 'claimHints',
      key: '',
      deadlineMs,
      writes: true,
      lane: 'hints',
      act,
    });
  }
  removeHints(removal: HintRemoval, { deadlineMs }: CallOptions): Promise<void> {
    const act = (replica: Replica, options: CallOptions) => replica.removeHints(removal, options);
    return this.#send({
      name: 'removeHints',
      key: '',
      deadlineMs,
      writes: true,
      lane: 'hints',
      act,
    });
  }
  countHints({ deadlineMs }: CallOptions): Promise<readonly HintCount[]> {
    const act = (replica: Replica, options: CallOptions) => replica.countHints(options);
    return this.#send({
      name: 'countHints',
      key: '',
      deadlineMs,
      writes: false,
      lane: 'hints',
      act,
    });
  }
  hasHintFor(ref: CellRef, { deadlineMs }: CallOptions): Promise<boolean> {
    const act = (replica: Replica, options: CallOptions) => replica.hasHintFor(ref, options);
    return this.#send({
      name: 'hasHintFor',
      key: ref.key,
      deadlineMs,
      writes: false,
      lane: 'hints',
      act,
    });
  }
  expireHints(limit: number, { deadlineMs }: CallOptions): Promise<number> {
    const act = (replica: Replica, options: CallOptions) => replica.expireHints(limit, options);
    return this.#send({
      name: 'expireHints',
      key: '',
      deadlineMs,
      writes: true,
      lane: 'hints',
      act,
    });
  }
  bucketDigests(
    request: BucketRequest,
    { deadlineMs }: CallOptions,
  ): Promise<ReadonlyMap<number, BucketDigest>> {
    return this.#plain('bucketDigests', deadlineMs, (to, options) =>
      to.bucketDigests(request, options),
    );
  }
  keyDigests(request: KeyRequest, { deadlineMs }: CallOptions): Promise<KeyDigestPage> {
    return this.#plain('keyDigests', deadlineMs, (to, options) => to.keyDigests(request, options));
  }
  fillTokens(limit: number, { deadlineMs }: CallOptions): Promise<number> {
    return this.#plain('fillTokens', deadlineMs, (to, options) => to.fillTokens(limit, options));
  }
  goneKeys(request: GoneRequest, { deadlineMs }: CallOptions): Promise<readonly GoneKey[]> {
    return this.#plain('goneKeys', deadlineMs, (to, options) => to.goneKeys(request, options));
  }
  collect(ref: CellRef, expected: bigint, { deadlineMs }: CallOptions): Promise<boolean> {
    const act = (replica: Replica, options: CallOptions) => replica.collect(ref, expected, options);
    return this.#send({
      name: 'collect',
      key: ref.key,
      deadlineMs,
      writes: true,
      lane: 'hints',
      act,
    });
  }
  claimRepair(claim: RepairClaim, { deadlineMs }: CallOptions): Promise<number | undefined> {
    return this.#plain('claimRepair', deadlineMs, (to, options) => to.claimRepair(claim, options));
  }
  noteRepair(note: RepairNote, { deadlineMs }: CallOptions): Promise<boolean> {
    return this.#plain('noteRepair', deadlineMs, (to, options) => to.noteRepair(note, options));
  }
  async close(): Promise<void> {
    // Nothing is open.
  }

  /** Any other question to the server, over the same network. */
  ask<T>(name: string, deadlineMs: number, answer: () => T): Promise<T> {
    return this.#send({ name, key: '', deadlineMs, writes: false, act: async () => answer() });
  }

  /** A call that touches no cell. */
  #plain<T>(name: string, deadlineMs: number, act: Call<T>['act']): Promise<T> {
    return this.#send({ name, key: '', deadlineMs, writes: false, act });
  }

  #send<T>(call: Call<T>): Promise<T> {
    const { network, schedule } = this.#deps;
    return new Promise((resolve, reject) => {
      const { clock, name } = this.#process;
      let settled = false;
      const settle = (how: () => void): void => {
        if (settled || !this.#process.alive) return;
        settled = true;
        cancel();
        how();
      };
      const timeOut = new ReplicaError('TIMEOUT', 'no answer in time', call.writes);
      const cancel = clock.after(call.deadlineMs - clock.monotonicMs(), () =>
        settle(() => reject(timeOut)),
      );
      const boot = this.#boot;
      const delayMs = network.delay(name, this.id, call.lane);
      this.#note('→', call, delayMs === undefined ? 'lost' : '');
      if (delayMs === undefined) return;
      schedule.after(delayMs, () => this.#carryOut(call, { boot, resolve, reject, settle }));
      if (!network.duplicates(call.lane)) return;
      const again = network.delay(name, this.id, call.lane) ?? delayMs;
      schedule.after(delayMs + again, () => this.#carryOutUnnoticed(call, boot));
    });
  }

  #carryOut<T>(call: Call<T>, to: ReplyTo<T>): void {
    const server = this.#server;
    if (server.state === 'DOWN') return this.#answer(call, to, { refused: true });
    server.arrive(() => {
      // The connection that the request came over broke before it was read.
      if (server.boot !== to.boot) return this.#answer(call, to, { refused: true });
      const { boot } = server;
      const { incarnation } = server.replica;
      const done = (reply: () => void, what: string): void => {
        this.#note('·', call, what);
        this.#answer(call, to, { reply, boot, incarnation });
      };
      const work = (): void => {
        call.act(server.replica, this.#optionsAt(call)).then(
          (value) => done(() => to.resolve(value), shown(value)),
          (error: unknown) =>
            done(() => to.reject(error as Error), error instanceof Error ? error.message : ''),
        );
      };
      if (call.writes) server.transact(call.key, work, () => done(() => undefined, 'aborted'));
      else work();
    });
  }

  #carryOutUnnoticed(call: Call<unknown>, boot: number): void {
    const server = this.#server;
    if (server.state === 'DOWN' || server.boot !== boot) return;
    server.arrive(() => {
      if (server.boot !== boot) return;
      const work = (): void => {
        const acted = call.act(server.replica, this.#optionsAt(call));
        acted.then((value) => this.#note('=', call, shown(value))).catch(() => undefined);
      };
      if (call.writes) server.transact(call.key, work, () => undefined);
      else work();
    });
  }

  /** Deadlines are on the caller's clock; the replica compares with its own. */
  #optionsAt({ deadlineMs }: Call<unknown>): CallOptions {
    return { deadlineMs: deadlineMs - this.#process.originMs + this.#server.process.originMs };
  }

  #answer<T>(call: Call<T>, to: ReplyTo<T>, outcome: Outcome): void {
    const { network, schedule } = this.#deps;
    const delayMs = network.delay(this.id, this.#process.name, call.lane);
    if (delayMs === undefined) return this.#note('←', call, 'lost');
    schedule.after(delayMs, () => {
      if (!this.#process.alive) return;
      const server = this.#server;
      if ('refused' in outcome) {
        this.#reconnect();
        return to.settle(() => to.reject(new ReplicaError('DOWN', 'connection refused', false)));
      }
      if (server.boot !== outcome.boot) {
        // It crashed after it had carried the request out: the reply died with the connection.
        this.#reconnect();
        return to.settle(() => to.reject(new ReplicaError('DOWN', 'connection lost', call.writes)));
      }
      this.#boot = outcome.boot;
      this.incarnation = outcome.incarnation;
      to.settle(outcome.reply);
    });
  }

  /** The next call goes over a new connection, which learns who is there. */
  #reconnect(): void {
    this.#boot = this.#server.boot;
    if (this.#server.state !== 'DOWN') this.incarnation = this.#server.replica.incarnation;
  }

  #note(mark: string, call: Call<unknown>, what: string): void {
    const { trace, schedule } = this.#deps;
    trace.add(
      schedule.nowMs,
      `${this.#process.name} ${mark} ${this.id} ${call.name} ${call.key} ${what}`,
    );
  }
}

interface ReplyTo<T> {
  readonly boot: number;
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
  readonly settle: (how: () => void) => void;
}

type Outcome =
  | { readonly refused: true }
  | { readonly reply: () => void; readonly boot: number; readonly incarnation: string };

/** One word of an answer, for the trace. */
function shown(value: unknown): string {
  if (typeof value !== 'object' || value === null) return '';
  if ('status' in value) return String(value.status);
  if ('promised' in value && 'stored' in value) {
    const { promised, stored } = value as PrepareResult;
    return `${promised ? 'promised' : 'refused'} ${shownCell(stored.cell)}`;
  }
  if ('cell' in value) return shownCell((value as StoredCell).cell);
  return 'stored' in value ? `stored ${String(value.stored)}` : '';
}

/** The values of a cell, each with the end of its dot. */
function shownCell({ siblings }: Cell): string {
  const versions = siblings.map(({ dot, value }) => {
    const text = value === null ? 'deleted' : value.slice(0, 12);
    return `${text}@${dot.actor.slice(0, 4)}${String(dot.counter).slice(-8)}`;
  });
  return `[${versions.join(' ')}]`;
}
