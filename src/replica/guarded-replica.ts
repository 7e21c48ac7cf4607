import type { Cell } from '../causality/cell.ts';
import {
  observe,
  probeSent,
  shouldProbe,
  unknownHealth,
  type ReplicaHealth,
  type ReplicaHealthState,
  type ReplicaState,
} from '../placement/failure-detector.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Metrics } from '../runtime/metrics.ts';
import type { Tracing } from '../runtime/tracing.ts';
import type { CallRecord, CallSort } from './call-record.ts';
import type { NewHint } from './hint-store.ts';
import type { Register, ReplicaIdentity, ReplicaStanding } from './register.ts';
import {
  NeverSent,
  NoRoom,
  ReplicaError,
  type CallOptions,
  type CellRef,
  type KeepResult,
  type PrepareResult,
  type Replica,
  type ScanPage,
  type ScanRequest,
  type SwapRequest,
  type SwapResult,
} from './replica.ts';
import { ScanWeights } from './scan-weights.ts';
import { tracedCall } from './traced-call.ts';
import { Traffic, reading, writing, type Load, type OpenLimits } from './traffic.ts';

const repairing = 'it is being brought up to date, and has no vote until then';

export interface GuardOptions {
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** Left out: no spans. */
  readonly tracing?: Tracing;
  /** What may be under way to the replica at a time; left out, `openLimits`. */
  readonly limits?: OpenLimits;
}

/**
 * A replica behind a circuit breaker: what is known to be down is not asked, and every outcome
 * teaches the failure detector.
 *
 * While it is DOWN only `probe` reaches it, so that no user's request is spent on finding out
 * whether it is back. What may be under way to it at a time is bounded: a replica that freezes under
 * load must not fill this gateway's memory until its calls time out.
 */
export class GuardedReplica implements Replica {
  readonly #inner: Replica;
  readonly #options: GuardOptions;
  #health: ReplicaHealth = unknownHealth;
  #standing: ReplicaStanding = 'admitted';
  #mayMint = true;
  #lastReason = '';
  #answeredMs = -Infinity;
  readonly #traffic: Traffic;
  readonly #scans = new ScanWeights();

  constructor(inner: Replica, options: GuardOptions) {
    this.#inner = inner;
    this.#options = options;
    this.#traffic = new Traffic(options.limits);
  }

  get id(): string {
    return this.#inner.id;
  }
  get zone(): string | undefined {
    return this.#inner.zone;
  }
  get incarnation(): string | undefined {
    return this.#inner.incarnation;
  }
  get register(): Register {
    return this.#inner.register;
  }
  get state(): ReplicaState {
    const { state } = this.#health;
    return state === 'DOWN' || this.#standing === 'admitted' ? state : 'REPAIRING';
  }
  /** Whether it can be reached, and nothing else. */
  get healthState(): ReplicaHealthState {
    return this.#health.state;
  }
  /**
   * THE VOTE RULE: whether its answers count, to a read at any level, to a promise, to a proposer
   * number, to a comparison. It is kept here: `read`, `scan`, `sumUp`, `prepare`, `claimNumber` and digests are
   * refused before and after they are sent, unless they are asked `forRepair`. Others look at `votes`
   * only to know beforehand.
   */
  get votes(): boolean {
    return this.#standing === 'admitted' && this.state !== 'DOWN';
  }
  /** What its database was found to be; told by whoever examines it. */
  stand({ standing, cause }: Pick<ReplicaIdentity, 'standing' | 'cause'>): void {
    this.#standing = standing;
    // What an older copy holds may have been deleted and collected since: minting sends it round.
    this.#mayMint = standing === 'admitted' || cause === 'empty';
  }
  /** Moving average of answered calls, in ms; undefined before the first. */
  get latencyMs(): number | undefined {
    return this.#health.latencyMs;
  }
  /** Whether it has answered anything of late: it is neither frozen nor cut off, or was not then. */
  hasAnsweredWithin(ms: number): boolean {
    return this.#options.clock.monotonicMs() - this.#answeredMs <= ms;
  }
  /** Why it is not UP; '' when it is. */
  get reason(): string {
    if (this.state === 'REPAIRING') return repairing;
    return this.state === 'UP' ? '' : this.#lastReason;
  }

  /** How long its calls of this sort take, and whether it is slow at them. */
  pace(sort: CallSort): CallRecord {
    return this.#traffic.pace(sort);
  }
  /** Whether as much is under way to it as may be, or of one tenant: more is refused at once. */
  get isFull(): boolean {
    return this.#traffic.isFull;
  }
  isFullFor(tenant: string): boolean {
    return this.#traffic.isFullFor(tenant);
  }

  ping(options: CallOptions): Promise<ReplicaIdentity> {
    return this.#guard('ping', () => this.#inner.ping(options));
  }
  read: Replica['read'] = (ref, options) => {
    const act = () => this.#inner.read(ref, options);
    return this.#vote(options, () => this.#measure('read', reading([ref]), act));
  };
  readMany: Replica['readMany'] = (refs, options) => {
    const act = () => this.#inner.readMany(refs, options);
    return this.#vote(options, () => this.#measure('read_many', reading(refs), act));
  };
  readBriefly: Replica['readBriefly'] = (refs, options) => {
    const act = () => this.#inner.readBriefly(refs, options);
    const call = refs.length === 1 ? 'read' : 'read_many';
    return this.#vote(options, () => this.#measure(call, reading(refs), act));
  };
  swap(ref: CellRef, request: SwapRequest, options: CallOptions): Promise<SwapResult> {
    if (request.mintedBy !== undefined && !this.#mayMint)
      return Promise.reject(new ReplicaError('REFUSED', repairing, false));
    const act = () => this.#inner.swap(ref, request, options);
    return this.#measure('swap', writing(ref, request.next), act);
  }
  keepNewest(
    ref: CellRef,
    next: { cell: Cell; stamp: string },
    options: CallOptions,
  ): Promise<KeepResult> {
    const act = () => this.#inner.keepNewest(ref, next, options);
    return this.#measure('keep_newest', writing(ref, next.cell), act);
  }
  prepare(ref: CellRef, ballot: number, options: CallOptions): Promise<PrepareResult> {
    const act = () => this.#inner.prepare(ref, ballot, options);
    return this.#vote(options, () => this.#measure('prepare', writing(ref), act));
  }
  claimNumber: Replica['claimNumber'] = (number, owner, options) =>
    this.#vote(options, () =>
      this.#guard('claim_number', () => this.#inner.claimNumber(number, owner, options)),
    );
  scan(request: ScanRequest, options: CallOptions): Promise<ScanPage> {
    const { tenant } = request;
    const load = { sort: 'scan', tenant, chars: this.#scans.expected(request) } as const;
    const act = async () =>
      this.#scans.learn(request, await this.#inner.scan(this.#scans.foretold(request), options));
    return this.#vote(options, () => this.#measure('scan', load, act));
  }
  sumUp: Replica['sumUp'] = (request, options) => {
    const act = () => this.#inner.sumUp(request, options);
    return this.#vote(options, () =>
      this.#measure('sum_up', { sort: 'sum', tenant: request.tenant }, act),
    );
  };
  deleteKeyspace: Replica['deleteKeyspace'] = (what, options) =>
    this.#guard('delete_keyspace', () => this.#inner.deleteKeyspace(what, options));
  putHint(hint: NewHint, options: CallOptions): Promise<void> {
    const act = () => this.#inner.putHint(hint, options);
    return this.#measure('put_hint', writing(hint.ref, hint.cell), act);
  }
  claimHints: Replica['claimHints'] = (claim, options) =>
    this.#guard('claim_hints', () => this.#inner.claimHints(claim, options));
  removeHints: Replica['removeHints'] = (removal, options) =>
    this.#guard('remove_hints', () => this.#inner.removeHints(removal, options));
  countHints: Replica['countHints'] = (options) =>
    this.#guard('count_hints', () => this.#inner.countHints(options));
  hasHintFor: Replica['hasHintFor'] = (ref, options) =>
    this.#guard('find_hints', () => this.#inner.hasHintFor(ref, options));
  expireHints: Replica['expireHints'] = (limit, options) =>
    this.#guard('expire_hints', () => this.#inner.expireHints(limit, options));
  bucketDigests: Replica['bucketDigests'] = (request, options) =>
    this.#vote(options, () =>
      this.#guard('bucket_digests', () => this.#inner.bucketDigests(request, options)),
    );
  keyDigests: Replica['keyDigests'] = (request, options) =>
    this.#vote(options, () =>
      this.#guard('key_digests', () => this.#inner.keyDigests(request, options)),
    );
  fillTokens: Replica['fillTokens'] = (limit, options) =>
    this.#guard('fill_tokens', () => this.#inner.fillTokens(limit, options));
  goneKeys: Replica['goneKeys'] = (request, options) =>
    this.#guard('gone_keys', () => this.#inner.goneKeys(request, options));
  collect: Replica['collect'] = (ref, expected, options) =>
    this.#guard('collect', () => this.#inner.collect(ref, expected, options));
  claimRepair: Replica['claimRepair'] = (request, options) =>
    this.#guard('claim_repair', () => this.#inner.claimRepair(request, options));
  noteRepair: Replica['noteRepair'] = (note, options) =>
    this.#guard('note_repair', () => this.#inner.noteRepair(note, options));
  history: Replica['history'] = (ref, what, options) =>
    this.#guard('history', () => this.#inner.history(ref, what, options));

  close(): Promise<void> {
    return this.#inner.close();
  }

  /** Asks a replica that is DOWN, when it is time to, whether it is back. */
  async probe(timeoutMs: number): Promise<void> {
    const nowMs = this.#options.clock.monotonicMs();
    if (!shouldProbe(this.#health, nowMs)) return;
    this.#health = probeSent(this.#health, nowMs);
    const ping = () => this.#inner.ping({ deadlineMs: nowMs + timeoutMs });
    await this.#watch('probe', ping).catch(() => undefined);
  }

  /** It may have lost its vote while it was asked. Not an outcome that the detector learns from. */
  #vote<T>({ forRepair }: CallOptions, ask: () => Promise<T>): Promise<T> {
    if (forRepair || this.state === 'DOWN') return ask();
    if (!this.votes) return Promise.reject(new ReplicaError('REFUSED', repairing, false));
    return ask().then((answer) => {
      if (this.#standing !== 'admitted') throw new ReplicaError('REFUSED', repairing, false);
      return answer;
    });
  }

  #guard<T>(call: string, act: () => Promise<T>): Promise<T> {
    return this.#shut() ?? this.#watch(call, act);
  }

  /** A call of the data path: timed with those of its sort, and counted against the limits. */
  #measure<T>(call: string, load: Load, act: () => Promise<T>): Promise<T> {
    const refused = this.#shut() ?? this.#full(load.tenant);
    return refused ?? this.#watch(call, act, load);
  }

  #shut(): Promise<never> | undefined {
    if (this.#health.state !== 'DOWN') return undefined;
    const reason = `the replica is down: ${this.#lastReason}`;
    return Promise.reject(new ReplicaError('DOWN', reason, false));
  }

  /** Of our own making: it tells nothing about the replica, and its detector does not hear of it. */
  #full(tenant: string): Promise<never> | undefined {
    if (!this.isFullFor(tenant)) return undefined;
    this.#options.metrics.replicaFaults.inc({ replica: this.id, fault: 'LIMIT' });
    return Promise.reject(new NoRoom());
  }

  #watch<T>(call: string, act: () => Promise<T>, load?: Load): Promise<T> {
    const { tracing } = this.#options;
    if (!tracing?.isOn) return this.#observed(call, act, load);
    return tracedCall(tracing, { replica: this, call }, () => this.#observed(call, act, load));
  }

  async #observed<T>(call: string, act: () => Promise<T>, load?: Load): Promise<T> {
    const { clock, metrics } = this.#options;
    const startedMs = clock.monotonicMs();
    if (load) this.#traffic.began(load, startedMs);
    try {
      const answer = await act();
      const atMs = clock.monotonicMs();
      if (load) this.#traffic.answered(load, { atMs, latencyMs: atMs - startedMs });
      this.#answeredMs = atMs;
      if (this.state === 'DOWN') this.#traffic.startAnew();
      this.#health = observe(this.#health, { ok: true, atMs, latencyMs: atMs - startedMs });
      metrics.replicaSeconds.observe({ replica: this.id, call }, (atMs - startedMs) / 1000);
      return answer;
    } catch (error) {
      const fault = error instanceof ReplicaError ? error.fault : 'REFUSED';
      const atMs = clock.monotonicMs();
      if (load) this.#traffic.failed(load, { error, atMs, latencyMs: atMs - startedMs });
      metrics.replicaFaults.inc({ replica: this.id, fault });
      const hasAnswered = this.#answeredMs >= startedMs;
      // The queue is ours, and the replica has answered others meanwhile: it is not to blame.
      if (error instanceof NeverSent && hasAnswered) throw error;
      this.#lastReason = error instanceof Error ? error.message : String(error);
      const isLate = fault === 'TIMEOUT' && hasAnswered;
      this.#health = observe(this.#health, { ok: false, atMs, fault: isLate ? 'LATE' : fault });
      throw error;
    }
  }
}
