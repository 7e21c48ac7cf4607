import type { Cell } from '../causality/cell.ts';
import {
  observe,
  probeSent,
  shouldProbe,
  unknownHealth,
  type ReplicaHealth,
  type ReplicaState,
} from '../placement/failure-detector.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Metrics } from '../runtime/metrics.ts';
import type { Hint, HintClaim, HintCount, HintName, NewHint } from './hint-store.ts';
import type { BucketDigest } from './buckets.ts';
import type {
  BucketRequest,
  GoneKey,
  GoneRequest,
  KeyDigestPage,
  KeyRequest,
  RepairClaim,
  RepairNote,
} from './digest-source.ts';
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
} from './replica.ts';

export interface GuardOptions {
  readonly clock: Clock;
  readonly metrics: Metrics;
}

/**
 * A replica behind a circuit breaker: what is known to be down is not asked, and every outcome
 * teaches the failure detector.
 *
 * While it is DOWN only `probe` reaches it, so that no user's request is spent on finding out
 * whether it is back.
 */
export class GuardedReplica implements Replica {
  readonly #inner: Replica;
  readonly #options: GuardOptions;
  #health: ReplicaHealth = unknownHealth;
  #lastReason = '';
  #answeredMs = -Infinity;

  constructor(inner: Replica, options: GuardOptions) {
    this.#inner = inner;
    this.#options = options;
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
  get state(): ReplicaState {
    return this.#health.state;
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
    return this.state === 'UP' ? '' : this.#lastReason;
  }

  ping(options: CallOptions): Promise<ReplicaIdentity> {
    return this.#guard('ping', () => this.#inner.ping(options));
  }
  read(ref: CellRef, options: CallOptions): Promise<StoredCell> {
    return this.#guard('read', () => this.#inner.read(ref, options));
  }
  swap(ref: CellRef, request: SwapRequest, options: CallOptions): Promise<SwapResult> {
    return this.#guard('swap', () => this.#inner.swap(ref, request, options));
  }
  keepNewest(
    ref: CellRef,
    next: { cell: Cell; stamp: string },
    options: CallOptions,
  ): Promise<KeepResult> {
    return this.#guard('keep_newest', () => this.#inner.keepNewest(ref, next, options));
  }
  prepare(ref: CellRef, ballot: number, options: CallOptions): Promise<PrepareResult> {
    return this.#guard('prepare', () => this.#inner.prepare(ref, ballot, options));
  }
  claimNumber(number: number, owner: string, options: CallOptions): Promise<string> {
    return this.#guard('claim_number', () => this.#inner.claimNumber(number, owner, options));
  }
  scan(request: ScanRequest, options: CallOptions): Promise<ScanPage> {
    return this.#guard('scan', () => this.#inner.scan(request, options));
  }
  deleteKeyspace(what: { tenant: string; keyspace: string }, options: CallOptions): Promise<void> {
    return this.#guard('delete_keyspace', () => this.#inner.deleteKeyspace(what, options));
  }
  putHint(hint: NewHint, options: CallOptions): Promise<void> {
    return this.#guard('put_hint', () => this.#inner.putHint(hint, options));
  }
  claimHints(claim: HintClaim, options: CallOptions): Promise<readonly Hint[]> {
    return this.#guard('claim_hints', () => this.#inner.claimHints(claim, options));
  }
  removeHints(hints: readonly HintName[], options: CallOptions): Promise<void> {
    return this.#guard('remove_hints', () => this.#inner.removeHints(hints, options));
  }
  countHints(options: CallOptions): Promise<readonly HintCount[]> {
    return this.#guard('count_hints', () => this.#inner.countHints(options));
  }
  hasHintFor(ref: CellRef, options: CallOptions): Promise<boolean> {
    return this.#guard('find_hints', () => this.#inner.hasHintFor(ref, options));
  }
  expireHints(limit: number, options: CallOptions): Promise<number> {
    return this.#guard('expire_hints', () => this.#inner.expireHints(limit, options));
  }
  bucketDigests(
    request: BucketRequest,
    options: CallOptions,
  ): Promise<ReadonlyMap<number, BucketDigest>> {
    return this.#guard('bucket_digests', () => this.#inner.bucketDigests(request, options));
  }
  keyDigests(request: KeyRequest, options: CallOptions): Promise<KeyDigestPage> {
    return this.#guard('key_digests', () => this.#inner.keyDigests(request, options));
  }
  fillTokens(limit: number, options: CallOptions): Promise<number> {
    return this.#guard('fill_tokens', () => this.#inner.fillTokens(limit, options));
  }
  goneKeys(request: GoneRequest, options: CallOptions): Promise<readonly GoneKey[]> {
    return this.#guard('gone_keys', () => this.#inner.goneKeys(request, options));
  }
  collect(ref: CellRef, expected: bigint, options: CallOptions): Promise<boolean> {
    return this.#guard('collect', () => this.#inner.collect(ref, expected, options));
  }
  claimRepair(request: RepairClaim, options: CallOptions): Promise<number | undefined> {
    return this.#guard('claim_repair', () => this.#inner.claimRepair(request, options));
  }
  noteRepair(note: RepairNote, options: CallOptions): Promise<boolean> {
    return this.#guard('note_repair', () => this.#inner.noteRepair(note, options));
  }
  close(): Promise<void> {
    return this.#inner.close();
  }

  /** Asks a replica that is DOWN, when it is time to, whether it is back. */
  async probe(timeoutMs: number): Promise<void> {
    const nowMs = this.#options.clock.monotonicMs();
    if (!shouldProbe(this.#health, nowMs)) return;
    this.#health = probeSent(this.#health, nowMs);
    await this.#watch('probe', () => this.#inner.ping({ deadlineMs: nowMs + timeoutMs })).catch(
      () => undefined,
    );
  }

  #guard<T>(call: string, act: () => Promise<T>): Promise<T> {
    if (this.state !== 'DOWN') return this.#watch(call, act);
    return Promise.reject(
      new ReplicaError('DOWN', `the replica is down: ${this.#lastReason}`, false),
    );
  }

  async #watch<T>(call: string, act: () => Promise<T>): Promise<T> {
    const { clock, metrics } = this.#options;
    const startedMs = clock.monotonicMs();
    try {
      const answer = await act();
      const atMs = clock.monotonicMs();
      this.#answeredMs = atMs;
      this.#health = observe(this.#health, { ok: true, atMs, latencyMs: atMs - startedMs });
      metrics.replicaSeconds.observe({ replica: this.id, call }, (atMs - startedMs) / 1000);
      return answer;
    } catch (error) {
      const fault = error instanceof ReplicaError ? error.fault : 'REFUSED';
      this.#lastReason = error instanceof Error ? error.message : String(error);
      this.#health = observe(this.#health, { ok: false, atMs: clock.monotonicMs(), fault });
      metrics.replicaFaults.inc({ replica: this.id, fault });
      throw error;
    }
  }
}
