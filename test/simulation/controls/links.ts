import { ballotOf, shown, type Cell, type Dependency } from '../../../src/causality/cell.ts';
import { refName } from '../../../src/replica/cell-ref.ts';
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
import type { HistoryRequest, LoggedWrites } from '../../../src/replica/write-history.ts';
import type {
  Hint,
  HintClaim,
  HintCount,
  HintRemoval,
  NewHint,
} from '../../../src/replica/hint-store.ts';
import type { Register, ReplicaIdentity } from '../../../src/replica/register.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import { isRepair } from './replicas.ts';

/** A link that passes everything on: what a broken one starts from. */
export class PassingLink implements Replica {
  protected readonly inner: Replica;

  constructor(inner: Replica) {
    this.inner = inner;
  }
  get id(): string {
    return this.inner.id;
  }
  get zone(): string | undefined {
    return this.inner.zone;
  }
  get incarnation(): string | undefined {
    return this.inner.incarnation;
  }
  get register(): Register {
    return this.inner.register;
  }
  ping(options: CallOptions): Promise<ReplicaIdentity> {
    return this.inner.ping(options);
  }
  read(ref: CellRef, options: CallOptions): Promise<StoredCell> {
    return this.inner.read(ref, options);
  }
  /** Key by key, so that a link that is broken for one key is for many, too. */
  readMany(refs: readonly CellRef[], options: CallOptions): Promise<readonly StoredCell[]> {
    return Promise.all(refs.map((ref) => this.read(ref, options)));
  }
  async readBriefly(refs: readonly CellRef[], options: CallOptions): Promise<readonly BriefCell[]> {
    const whole = await this.readMany(refs, options);
    return whole.map(({ cell, ...state }) => (state.digest === 0n ? { cell, ...state } : state));
  }
  swap(ref: CellRef, request: SwapRequest, options: CallOptions): Promise<SwapResult> {
    return this.inner.swap(ref, request, options);
  }
  keepNewest(
    ref: CellRef,
    next: { cell: Cell; stamp: string },
    options: CallOptions,
  ): Promise<KeepResult> {
    return this.inner.keepNewest(ref, next, options);
  }
  prepare(ref: CellRef, ballot: number, options: CallOptions): Promise<PrepareResult> {
    return this.inner.prepare(ref, ballot, options);
  }
  claimNumber(number: number, owner: string, options: CallOptions): Promise<string> {
    return this.inner.claimNumber(number, owner, options);
  }
  scan(request: ScanRequest, options: CallOptions): Promise<ScanPage> {
    return this.inner.scan(request, options);
  }
  sumUp(request: ScanRequest, options: CallOptions): Promise<PageSum> {
    return this.inner.sumUp(request, options);
  }
  putHint(hint: NewHint, options: CallOptions): Promise<void> {
    return this.inner.putHint(hint, options);
  }
  claimHints(claim: HintClaim, options: CallOptions): Promise<readonly Hint[]> {
    return this.inner.claimHints(claim, options);
  }
  removeHints(removal: HintRemoval, options: CallOptions): Promise<void> {
    return this.inner.removeHints(removal, options);
  }
  countHints(options: CallOptions): Promise<readonly HintCount[]> {
    return this.inner.countHints(options);
  }
  history(ref: CellRef, what: HistoryRequest, options: CallOptions): Promise<LoggedWrites> {
    return this.inner.history(ref, what, options);
  }
  hasHintFor(ref: CellRef, options: CallOptions): Promise<boolean> {
    return this.inner.hasHintFor(ref, options);
  }
  expireHints(limit: number, options: CallOptions): Promise<number> {
    return this.inner.expireHints(limit, options);
  }
  bucketDigests(
    request: BucketRequest,
    options: CallOptions,
  ): Promise<ReadonlyMap<number, BucketDigest>> {
    return this.inner.bucketDigests(request, options);
  }
  keyDigests(request: KeyRequest, options: CallOptions): Promise<KeyDigestPage> {
    return this.inner.keyDigests(request, options);
  }
  fillTokens(limit: number, options: CallOptions): Promise<number> {
    return this.inner.fillTokens(limit, options);
  }
  goneKeys(request: GoneRequest, options: CallOptions): Promise<readonly GoneKey[]> {
    return this.inner.goneKeys(request, options);
  }
  collect(ref: CellRef, expected: bigint, options: CollectOptions): Promise<boolean> {
    return this.inner.collect(ref, expected, options);
  }
  claimRepair(claim: RepairClaim, options: CallOptions): Promise<number | undefined> {
    return this.inner.claimRepair(claim, options);
  }
  noteRepair(note: RepairNote, options: CallOptions): Promise<boolean> {
    return this.inner.noteRepair(note, options);
  }
  deleteKeyspace(what: { tenant: string; keyspace: string }, options: CallOptions): Promise<void> {
    return this.inner.deleteKeyspace(what, options);
  }
  close(): Promise<void> {
    return this.inner.close();
  }
}

/** Overwrites whatever is there with what it was given, instead of joining the two. */
export class OverwritingLink extends PassingLink {
  override async swap(
    ref: CellRef,
    request: SwapRequest,
    options: CallOptions,
  ): Promise<SwapResult> {
    const { digest } = await this.inner.read(ref, options);
    return this.inner.swap(ref, { ...request, expected: digest }, options);
  }
}

/** Consensus cells overwrite whatever is there; others are joined. */
export class OverwritingAccepts extends OverwritingLink {
  override swap(ref: CellRef, request: SwapRequest, options: CallOptions): Promise<SwapResult> {
    const isConsensus = ballotOf(request.next) > 0 && request.mintedBy === undefined;
    return isConsensus ? super.swap(ref, request, options) : this.inner.swap(ref, request, options);
  }
}

/** What is stored does not say which consensus versions its writer had seen: only their dots of that time count. */
export class ForgettingLink extends PassingLink {
  override swap(ref: CellRef, request: SwapRequest, options: CallOptions): Promise<SwapResult> {
    const siblings = request.next.siblings.map(({ replaces: _, ...version }) => version);
    return this.inner.swap(ref, { ...request, next: { ...request.next, siblings } }, options);
  }
}

/** What a proposal has read leaves the cell at once, and not when the proposal is known to be chosen. */
export class HastyAccepts extends PassingLink {
  override swap(ref: CellRef, request: SwapRequest, options: CallOptions): Promise<SwapResult> {
    const next = { ...request.next, siblings: shown(request.next) };
    return this.inner.swap(ref, { ...request, next }, options);
  }
}

/** Mints dots in the gateway's own name, at every replica. */
export class GatewayNamedLink extends PassingLink {
  readonly #name: string;

  constructor(inner: Replica, name: string) {
    super(inner);
    this.#name = name;
  }
  override get incarnation(): string {
    return this.#name;
  }
  override swap(
    ref: CellRef,
    { mintedBy: _, acceptedBy: __, ...request }: SwapRequest,
    options: CallOptions,
  ): Promise<SwapResult> {
    return this.inner.swap(ref, request, options);
  }
}

/** Forgets whose key it is: all tenants share one. */
export class OneTenantLink extends PassingLink {
  override read(ref: CellRef, options: CallOptions): Promise<StoredCell> {
    return this.inner.read(shared(ref), options);
  }
  override swap(ref: CellRef, request: SwapRequest, options: CallOptions): Promise<SwapResult> {
    return this.inner.swap(shared(ref), request, options);
  }
}

function shared(ref: CellRef): CellRef {
  return ref.tenant.startsWith('$') ? ref : { ...ref, tenant: 't' };
}

/** Takes silence for a refusal: a mint that was not answered is said to have certainly not happened. */
export class ConfidentLink extends PassingLink {
  override swap(ref: CellRef, request: SwapRequest, options: CallOptions): Promise<SwapResult> {
    return this.inner.swap(ref, request, options).catch((error: unknown) => {
      if (!(error instanceof ReplicaError) || request.mintedBy === undefined) throw error;
      throw new ReplicaError(error.fault, error.message, false);
    });
  }
}

/** Keeps a hint for a replica that does not answer, and calls that an acknowledgement. */
export class HintingLink extends PassingLink {
  readonly #clock: Clock;

  constructor(inner: Replica, clock: Clock) {
    super(inner);
    this.#clock = clock;
  }
  override swap(ref: CellRef, request: SwapRequest, options: CallOptions): Promise<SwapResult> {
    const isForward = request.mintedBy === undefined && ref.tenant !== '$system';
    const answer = this.inner.swap(ref, request, options);
    if (!isForward) return answer;
    const patience = this.#clock.sleep(60).then((): SwapResult => ({ status: 'swapped' }));
    return Promise.race([answer.catch(() => patience), patience]);
  }
}

/** Answers "nothing there" when it could not ask. */
export class AbsentLink extends PassingLink {
  override read(ref: CellRef, options: CallOptions): Promise<StoredCell> {
    const absent: StoredCell = {
      cell: { siblings: [], context: new Map() },
      digest: 0n,
      promised: 0,
    };
    return this.inner.read(ref, options).catch((error: unknown) => {
      if (ref.tenant === '$system') throw error;
      return absent;
    });
  }
}

/** Stores versions without all of what they depend on. */
export class TruncatingLink extends PassingLink {
  readonly #keep: number;

  constructor(inner: Replica, keep: number) {
    super(inner);
    this.#keep = keep;
  }
  override swap(ref: CellRef, request: SwapRequest, options: CallOptions): Promise<SwapResult> {
    const cut = (all: readonly Dependency[]): readonly Dependency[] => all.slice(0, this.#keep);
    const siblings = request.next.siblings.map(({ dependencies, ...rest }) =>
      dependencies ? { ...rest, dependencies: cut(dependencies) } : rest,
    );
    return this.inner.swap(ref, { ...request, next: { ...request.next, siblings } }, options);
  }
}

/** Lets deleted keys count towards a page, and takes them out afterwards. */
export class ShortPageLink extends PassingLink {
  override async scan(request: ScanRequest, options: CallOptions): Promise<ScanPage> {
    const page = await this.inner.scan(request, options);
    const cells = page.cells.filter(({ stored }) =>
      stored.cell.siblings.some(({ value }) => value !== null),
    );
    const isShort = page.cells.length === request.limit && cells.length < request.limit;
    return { cells, exhausted: page.exhausted || isShort };
  }
}

/** Says of every cell that it holds what was last read whole of it, wherever that was. */
export class EchoingLink extends PassingLink {
  readonly #whole: Map<string, bigint>;

  constructor(link: Replica, whole: Map<string, bigint>) {
    super(link);
    this.#whole = whole;
  }
  override async readMany(refs: readonly CellRef[], options: CallOptions) {
    const cells = await super.readMany(refs, options);
    cells.forEach(({ digest }, at) => this.#whole.set(refName(refs[at]!), digest));
    return cells;
  }
  override async readBriefly(refs: readonly CellRef[], options: CallOptions) {
    const answers = await this.inner.readMany(refs, options);
    return answers.map(({ cell, digest, ...more }, at) =>
      digest === 0n
        ? { cell, digest, ...more }
        : { digest: this.#whole.get(refName(refs[at]!)) ?? digest, ...more },
    );
  }
}

/** Sums up every page to the same: the one page that was sent is taken for everybody's. */
export class SilentSumsLink extends PassingLink {
  override async scan(request: ScanRequest, options: CallOptions): Promise<ScanPage> {
    const { sum, ...page } = await this.inner.scan(request, options);
    return sum ? { ...page, sum: { ...sum, sum: '' } } : page;
  }
  override async sumUp(request: ScanRequest, options: CallOptions): Promise<PageSum> {
    return { ...(await this.inner.sumUp(request, options)), sum: '' };
  }
}

/** Takes a page that ended by its bytes for the last one. */
export class LastPageLink extends PassingLink {
  override async scan(request: ScanRequest, options: CallOptions): Promise<ScanPage> {
    const { cells } = await this.inner.scan(request, options);
    return { cells, exhausted: cells.length < request.limit };
  }
}

/** Tells a replica without rule A which swaps are repairs: those whose ballot is not this process's own. */
export class RepairMarkingLink extends PassingLink {
  readonly #own: Set<number>;

  constructor(inner: Replica, own: Set<number>) {
    super(inner);
    this.#own = own;
  }
  override prepare(ref: CellRef, ballot: number, options: CallOptions): Promise<PrepareResult> {
    this.#own.add(ballot);
    return this.inner.prepare(ref, ballot, options);
  }
  override swap(ref: CellRef, request: SwapRequest, options: CallOptions): Promise<SwapResult> {
    const isAccept = this.#own.has(ballotOf(request.next));
    const marked = isAccept ? request : { ...request, [isRepair]: true };
    return this.inner.swap(ref, marked, options);
  }
}

/** Forgets every deletion there is before it tells what it holds. */
export class CollectingLink extends PassingLink {
  override async bucketDigests(
    request: BucketRequest,
    options: CallOptions,
  ): Promise<ReadonlyMap<number, BucketDigest>> {
    const { tenant, keyspace } = request;
    const all = { tenant, keyspace, beforeMs: Infinity, limit: 100 };
    for (const { key } of await this.inner.goneKeys(all, options)) {
      const ref = { tenant, keyspace, key };
      const { digest } = await this.inner.read(ref, options);
      await this.inner.collect(ref, digest, options);
    }
    return super.bucketDigests(request, options);
  }
}
