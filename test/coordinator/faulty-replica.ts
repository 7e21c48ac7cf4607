import type { Cell } from '../../src/causality/cell.ts';
import { MemoryReplica } from '../../src/replica/memory-replica.ts';
import type { BucketDigest } from '../../src/replica/buckets.ts';
import type {
  BucketRequest,
  CollectOptions,
  GoneKey,
  GoneRequest,
  KeyDigestPage,
  KeyRequest,
  RepairClaim,
  RepairNote,
} from '../../src/replica/digest-source.ts';
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
} from '../../src/replica/replica.ts';
import type { HistoryRequest, LoggedWrites } from '../../src/replica/write-history.ts';
import type {
  Hint,
  HintClaim,
  HintCount,
  HintRemoval,
  NewHint,
} from '../../src/replica/hint-store.ts';
import type { Register, ReplicaIdentity } from '../../src/replica/register.ts';
import type { HandClock } from './hand-clock.ts';

export type CallName =
  | 'ping'
  | 'read'
  | 'swap'
  | 'keepNewest'
  | 'prepare'
  | 'scan'
  | 'sum'
  | 'delete'
  | 'claim'
  | 'hint'
  | 'hints'
  | 'digests'
  | 'gone'
  | 'collect'
  | 'ledger'
  | 'history';

/**
 * What becomes of one call.
 *
 * - `down`: refused at the door, nothing sent.
 * - `refuse`: there, and says no.
 * - `frozen`: never answered; the statement stays with the server and runs when it thaws.
 * - `lost-reply`: carried out, and never answered.
 * - `cut`: carried out, and the connection breaks before the reply.
 * - `{ afterMs }`: carried out and answered so much later, if its caller still waits.
 */
export type Fate =
  'down' | 'refuse' | 'frozen' | 'lost-reply' | 'cut' | { readonly afterMs: number } | undefined;

/** One call that reached the wrapper. */
export interface SeenCall {
  readonly call: CallName;
  readonly key: string | undefined;
  readonly atMs: number;
}

/** A memory replica behind a door that a test opens and shuts, which keeps the contract: every call settles by its deadline. */
export class FaultyReplica implements Replica {
  readonly inner: MemoryReplica;
  readonly seen: SeenCall[] = [];
  /** Decides the fate of each call. */
  fate: (call: CallName, key: string | undefined) => Fate = () => undefined;
  readonly #clock: HandClock;
  #frozen: (() => void)[] = [];

  constructor(options: { id: string; zone?: string; clock: HandClock }) {
    this.#clock = options.clock;
    this.inner = new MemoryReplica({ ...options, incarnation: `incarnation-of-${options.id}` });
  }

  get id(): string {
    return this.inner.id;
  }
  get zone(): string | undefined {
    return this.inner.zone;
  }
  get incarnation(): string {
    return this.inner.incarnation;
  }
  get register(): Register {
    return this.inner.register;
  }

  /** Every call meets the same fate from now on; `undefined` heals. */
  all(fate: Fate): void {
    this.fate = () => fate;
  }

  /** Calls of this kind meet this fate, the others none. */
  only(call: CallName, fate: Fate): void {
    this.fate = (name) => (name === call ? fate : undefined);
  }

  /** Runs, now, all that was sent to it while it was frozen: a zombie's statements. */
  thaw(): void {
    this.all(undefined);
    for (const run of this.#frozen.splice(0)) run();
  }

  calls(call: CallName): readonly SeenCall[] {
    return this.seen.filter((seen) => seen.call === call);
  }

  ping(options: CallOptions): Promise<ReplicaIdentity> {
    return this.#act('ping', undefined, options, () => this.inner.ping());
  }
  read(ref: CellRef, options: CallOptions): Promise<StoredCell> {
    return this.#act('read', ref.key, options, () => this.inner.read(ref));
  }
  /** Each of the keys meets a fate, and is seen, by itself. */
  readMany(refs: readonly CellRef[], options: CallOptions): Promise<readonly StoredCell[]> {
    return Promise.all(refs.map((ref) => this.read(ref, options)));
  }
  /** Read briefly is read; a fate of `read` is met. */
  readBriefly(refs: readonly CellRef[], options: CallOptions): Promise<readonly BriefCell[]> {
    const act = (ref: CellRef) => () => this.inner.readBriefly([ref]).then(([one]) => one!);
    return Promise.all(refs.map((ref) => this.#act('read', ref.key, options, act(ref))));
  }
  swap(ref: CellRef, request: SwapRequest, options: CallOptions): Promise<SwapResult> {
    return this.#act('swap', ref.key, options, () => this.inner.swap(ref, request, options));
  }
  keepNewest(
    ref: CellRef,
    next: { cell: Cell; stamp: string },
    options: CallOptions,
  ): Promise<KeepResult> {
    return this.#act('keepNewest', ref.key, options, () =>
      this.inner.keepNewest(ref, next, options),
    );
  }
  prepare(ref: CellRef, ballot: number, options: CallOptions): Promise<PrepareResult> {
    return this.#act('prepare', ref.key, options, () => this.inner.prepare(ref, ballot, options));
  }
  claimNumber(number: number, owner: string, options: CallOptions): Promise<string> {
    return this.#act('claim', undefined, options, () =>
      this.inner.claimNumber(number, owner, options),
    );
  }
  scan(request: ScanRequest, options: CallOptions): Promise<ScanPage> {
    return this.#act('scan', undefined, options, () => this.inner.scan(request));
  }
  sumUp(request: ScanRequest, options: CallOptions): Promise<PageSum> {
    return this.#act('sum', undefined, options, () => this.inner.sumUp(request));
  }
  deleteKeyspace(what: { tenant: string; keyspace: string }, options: CallOptions): Promise<void> {
    return this.#act('delete', undefined, options, () => this.inner.deleteKeyspace(what));
  }
  putHint(hint: NewHint, options: CallOptions): Promise<void> {
    return this.#act('hint', hint.ref.key, options, () => this.inner.putHint(hint, options));
  }
  claimHints(claim: HintClaim, options: CallOptions): Promise<readonly Hint[]> {
    return this.#act('hints', undefined, options, () => this.inner.claimHints(claim, options));
  }
  removeHints(removal: HintRemoval, options: CallOptions): Promise<void> {
    return this.#act('hints', undefined, options, () => this.inner.removeHints(removal, options));
  }
  countHints(options: CallOptions): Promise<readonly HintCount[]> {
    return this.#act('hints', undefined, options, () => this.inner.countHints());
  }
  history(ref: CellRef, what: HistoryRequest, options: CallOptions): Promise<LoggedWrites> {
    return this.#act('history', ref.key, options, () => this.inner.history(ref, what));
  }
  hasHintFor(ref: CellRef, options: CallOptions): Promise<boolean> {
    return this.#act('hints', ref.key, options, () => this.inner.hasHintFor(ref));
  }
  expireHints(limit: number, options: CallOptions): Promise<number> {
    return this.#act('hints', undefined, options, () => this.inner.expireHints(limit));
  }
  bucketDigests(
    request: BucketRequest,
    options: CallOptions,
  ): Promise<ReadonlyMap<number, BucketDigest>> {
    return this.#act('digests', undefined, options, () => this.inner.bucketDigests(request));
  }
  keyDigests(request: KeyRequest, options: CallOptions): Promise<KeyDigestPage> {
    return this.#act('digests', undefined, options, () => this.inner.keyDigests(request));
  }
  fillTokens(_limit: number, options: CallOptions): Promise<number> {
    return this.#act('digests', undefined, options, () => this.inner.fillTokens());
  }
  goneKeys(request: GoneRequest, options: CallOptions): Promise<readonly GoneKey[]> {
    return this.#act('gone', undefined, options, () => this.inner.goneKeys(request));
  }
  collect(ref: CellRef, expected: bigint, options: CollectOptions): Promise<boolean> {
    return this.#act('collect', ref.key, options, () => this.inner.collect(ref, expected, options));
  }
  claimRepair(claim: RepairClaim, options: CallOptions): Promise<number | undefined> {
    return this.#act('ledger', undefined, options, () => this.inner.claimRepair(claim, options));
  }
  noteRepair(note: RepairNote, options: CallOptions): Promise<boolean> {
    return this.#act('ledger', undefined, options, () => this.inner.noteRepair(note, options));
  }
  close(): Promise<void> {
    return this.inner.close();
  }

  #act<T>(
    call: CallName,
    key: string | undefined,
    options: CallOptions,
    run: () => Promise<T>,
  ): Promise<T> {
    this.seen.push({ call, key, atMs: this.#clock.monotonicMs() });
    const fate = this.fate(call, key);
    const writes = !['read', 'scan', 'sum', 'ping', 'digests', 'gone'].includes(call);
    if (fate === undefined) return run();
    if (fate === 'down')
      return Promise.reject(new ReplicaError('DOWN', 'connection refused', false));
    if (fate === 'refuse') return Promise.reject(new ReplicaError('REFUSED', 'disk full', false));
    if (fate === 'cut') {
      return run().then(() => Promise.reject(new ReplicaError('DOWN', 'connection reset', writes)));
    }
    return new Promise((resolve, reject) => {
      const leftMs = options.deadlineMs - this.#clock.monotonicMs();
      this.#clock.after(leftMs, () =>
        reject(new ReplicaError('TIMEOUT', 'no answer in time', writes)),
      );
      if (fate === 'frozen') this.#frozen.push(() => void run().catch(() => undefined));
      else if (fate === 'lost-reply') void run().catch(() => undefined);
      else this.#clock.after(fate.afterMs, () => void run().then(resolve, reject));
    });
  }
}
