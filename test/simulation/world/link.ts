import type { Cell } from '../../../src/causality/cell.ts';
import type { BucketDigest } from '../../../src/replica/buckets.ts';
import type {
  BucketRequest,
  CollectOptions,
  GoneKey,
  GoneRequest,
  KeyDigestPage,
  KeyRequest,
  RepairClaim,
  RepairNote,
} from '../../../src/replica/digest-source.ts';
import {
  ReplicaError,
  type BriefCell,
  type CallOptions,
  type CellRef,
  type KeepResult,
  type PageSum,
  type PrepareResult,
  type Replica,
  type ScanPage,
  type ScanRequest,
  type StoredCell,
  type SwapRequest,
  type SwapResult,
} from '../../../src/replica/replica.ts';
import type { ReplicaIdentity } from '../../../src/replica/register.ts';
import type { HistoryRequest, LoggedWrites } from '../../../src/replica/write-history.ts';
import type {
  Hint,
  HintClaim,
  HintCount,
  HintRemoval,
  NewHint,
} from '../../../src/replica/hint-store.ts';
import type { Process } from './process.ts';
import { LinkRegister } from './link-register.ts';
import type { Server } from './server.ts';
import { shownCell, Wire, type Call, type Heard, type LinkDeps } from './wire.ts';

const connectMs = 400;

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
  readonly register: LinkRegister;
  readonly #deps: LinkDeps;
  readonly #process: Process;
  readonly #wire: Wire;
  /** Of which connection it is known who is there. */
  #examinedBoot: number | undefined;
  #examination: Promise<void> | undefined;
  /** Who gave the last answer. */
  #answering: string | undefined;

  constructor(deps: LinkDeps, process: Process, server: Server) {
    this.id = server.id;
    this.zone = server.replica.zone;
    this.#deps = deps;
    this.#process = process;
    if (server.state === 'UP') this.incarnation = server.replica.incarnation;
    this.register = new LinkRegister(deps, process, server);
    this.#wire = new Wire(deps, { process, server }, (heard, wrote) =>
      this.#heardFrom(heard, wrote),
    );
  }

  ping({ deadlineMs }: CallOptions): Promise<ReplicaIdentity> {
    const act = (replica: Replica, options: CallOptions) => replica.ping(options);
    return this.#send({ name: 'ping', key: '', deadlineMs, writes: false, act });
  }
  read(ref: CellRef, { deadlineMs }: CallOptions): Promise<StoredCell> {
    const act = (replica: Replica, options: CallOptions) => replica.read(ref, options);
    return this.#send({ name: 'read', key: ref.key, deadlineMs, writes: false, act });
  }
  readMany(refs: readonly CellRef[], { deadlineMs }: CallOptions): Promise<readonly StoredCell[]> {
    const act = (replica: Replica, options: CallOptions) => replica.readMany(refs, options);
    const key = refs.map((ref) => ref.key).join(' ');
    return this.#send({ name: 'readMany', key, deadlineMs, writes: false, act });
  }
  readBriefly(
    refs: readonly CellRef[],
    { deadlineMs }: CallOptions,
  ): Promise<readonly BriefCell[]> {
    const act = (replica: Replica, options: CallOptions) => replica.readBriefly(refs, options);
    const key = refs.map((ref) => ref.key).join(' ');
    return this.#send({ name: 'readBriefly', key, deadlineMs, writes: false, act });
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
  sumUp(request: ScanRequest, { deadlineMs }: CallOptions): Promise<PageSum> {
    return this.#plain('sumUp', deadlineMs, (to, options) => to.sumUp(request, options));
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
  history(ref: CellRef, what: HistoryRequest, { deadlineMs }: CallOptions): Promise<LoggedWrites> {
    const act = (replica: Replica, options: CallOptions) => replica.history(ref, what, options);
    return this.#send({ name: 'history', key: ref.key, deadlineMs, writes: false, act });
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
  collect(ref: CellRef, expected: bigint, options: CollectOptions): Promise<boolean> {
    const { deadlineMs } = options;
    const act = (replica: Replica, inTime: CallOptions) =>
      replica.collect(ref, expected, { ...options, ...inTime });
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

  /** Nothing is sent over a connection before it is known who is there. */
  async #send<T>(call: Call<T>): Promise<T> {
    if (this.register.examine && this.#examinedBoot !== this.#wire.boot) await this.#connect(call);
    const asked = this.incarnation;
    const answer = await this.#wire.send(call);
    // Not what is written, unless it is a vote: that may be taken by whoever is there.
    const isVote = !call.writes || call.name.startsWith('prepare');
    if (!this.register.examine || !isVote || this.#answering === asked) return answer;
    throw new ReplicaError(
      'REFUSED',
      'the replica is another incarnation than it was',
      call.writes,
    );
  }

  #heardFrom({ incarnation, xid }: Heard, wrote: boolean): void {
    this.#answering = incarnation;
    if (!this.register.examine) this.incarnation = incarnation;
    else if (incarnation !== this.incarnation) this.#examinedBoot = undefined;
    if (wrote) this.register.acknowledged(incarnation, xid);
  }

  async #connect({ deadlineMs }: Call<unknown>): Promise<void> {
    this.#examination ??= this.#examine().finally(() => (this.#examination = undefined));
    const { clock } = this.#process;
    let cancel = (): void => undefined;
    const late = new Promise<never>((_, reject) => {
      const timeOut = new ReplicaError('TIMEOUT', 'no connection became free in time', false);
      cancel = clock.after(deadlineMs - clock.monotonicMs(), () => reject(timeOut));
    });
    await Promise.race([this.#examination, late]).finally(() => cancel());
  }

  async #examine(): Promise<void> {
    const nowMs = this.#process.clock.monotonicMs();
    const found = await this.register.look({ deadlineMs: nowMs + connectMs });
    const now = await this.register.examine?.(found, nowMs + 2 * connectMs);
    this.#wire.boot = Number(found.boot);
    this.#examinedBoot = this.#wire.boot;
    this.incarnation = now?.incarnation;
  }
}
