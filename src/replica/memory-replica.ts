import { ballotOf, emptyCell, type Cell } from '../causality/cell.ts';
import { digestOf } from '../causality/cell-codec.ts';
import type { Clock } from '../runtime/clock.ts';
import { floored, mayAdvance, mayPromise } from '../paxos/acceptor.ts';
import type { Hint, HintClaim, HintCount, HintRemoval, NewHint } from './hint-store.ts';
import { MemoryHints } from './memory-hints.ts';
import type { BucketDigest } from './buckets.ts';
import type {
  BucketRequest,
  CollectOptions,
  GoneKey,
  GoneRequest,
  KeyDigestPage,
  KeyRequest,
  RepairClaim,
  RepairNote,
} from './digest-source.ts';
import { refName } from './cell-ref.ts';
import { memoryBuckets, memoryGone, memoryKeys, MemoryLedger } from './memory-digests.ts';
import { MemoryRegister } from './memory-register.ts';
import {
  briefly,
  changesOf,
  rowsInside,
  keepingOutcomes,
  pageOf,
  stored,
  sumOf,
  type MemoryChange,
  type MemoryCopy,
  type MemoryRow,
} from './memory-rows.ts';
import type { ReplicaIdentity } from './register.ts';
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
} from './replica.ts';
import { loggedVersions, type HistoryRequest, type LoggedWrites } from './write-history.ts';

export interface MemoryReplicaOptions {
  readonly id: string;
  readonly zone?: string;
  readonly incarnation: string;
  readonly clock: Clock;
  /** From where on a cell is large; `largeCellBytes` when it is left out. */
  readonly largeBytes?: number;
  /** An empty database that is no member of any cluster; a full member when it is left out. */
  readonly isNew?: boolean;
}

/**
 * The replica contract in a Map: what the contract means, without SQL. For the simulator, and as
 * the reference of the contract suite; no user's data is ever in one.
 */
export class MemoryReplica implements Replica {
  readonly id: string;
  readonly zone: string | undefined;
  readonly register: MemoryRegister;
  readonly changes: MemoryChange[] = [];
  readonly #options: MemoryReplicaOptions;
  readonly #rows = new Map<string, MemoryRow>();
  readonly #hints: MemoryHints;
  #ledger = new MemoryLedger();

  constructor(options: MemoryReplicaOptions) {
    this.id = options.id;
    this.zone = options.zone;
    this.#options = options;
    this.#hints = new MemoryHints(options.clock);
    this.register = new MemoryRegister(options);
    this.register.greatestBallot = async () =>
      Math.max(
        0,
        ...[...this.#rows.values()].map((row) => Math.max(row.promised, ballotOf(row.cell))),
      );
  }

  get incarnation(): string {
    return this.register.incarnation;
  }

  async ping(): Promise<ReplicaIdentity> {
    return this.register.look();
  }

  async read(ref: CellRef): Promise<StoredCell> {
    return stored(this.#rows.get(refName(ref)));
  }

  /** By `read`: what overrides that one is met here, too. */
  readMany(refs: readonly CellRef[]): Promise<readonly StoredCell[]> {
    return Promise.all(refs.map((ref) => this.read(ref)));
  }
  async readBriefly(refs: readonly CellRef[]): Promise<readonly BriefCell[]> {
    return (await this.readMany(refs)).map((one) => briefly(one, this.#options.largeBytes));
  }

  async swap(ref: CellRef, request: SwapRequest, options: CallOptions): Promise<SwapResult> {
    this.#refuseLate(options);
    const only = request.mintedBy ?? request.acceptedBy;
    if (only !== undefined && only !== this.incarnation) {
      throw new ReplicaError('REFUSED', 'the replica is another incarnation than it was', false);
    }
    const row = this.#rows.get(refName(ref));
    const current = stored(row);
    const { mintedBy, emptied = 0 } = request;
    const isOther = mintedBy !== undefined && emptied !== (current.emptied ?? 0);
    if (current.digest !== request.expected || isOther) return { status: 'mismatch', current };
    // The floor is for votes: what repair carries is no vote.
    const floor = request.acceptedBy === undefined ? 0 : this.register.promiseFloor;
    const promised = floored(current.promised, floor);
    if (!this.mayTake({ ...current, promised }, request))
      return { status: 'promised', promised, current };
    this.#store({
      ref,
      cell: request.next,
      stamp: request.stamp ?? '',
      promised: Math.max(row?.promised ?? 0, ballotOf(request.next), request.promises ?? 0),
    });
    return { status: 'swapped' };
  }

  async keepNewest(
    ref: CellRef,
    next: { cell: Cell; stamp: string },
    options: CallOptions,
  ): Promise<KeepResult> {
    this.#refuseLate(options);
    const row = this.#rows.get(refName(ref));
    if (row && row.stamp >= next.stamp) return { stored: false };
    const cell = keepingOutcomes(row, next.cell);
    this.#store({ ref, cell, stamp: next.stamp, promised: row?.promised ?? 0 });
    return { stored: true };
  }

  async prepare(ref: CellRef, ballot: number, options: CallOptions): Promise<PrepareResult> {
    this.#refuseLate(options);
    const row = this.#rows.get(refName(ref)) ?? { ref, cell: emptyCell, stamp: '', promised: 0 };
    const { promiseFloor } = this.register;
    const at = { promised: row.promised, current: ballotOf(row.cell) };
    if (ballot <= promiseFloor || !mayPromise(at, ballot))
      return {
        promised: false,
        stored: stored({ ...row, promised: floored(row.promised, promiseFloor) }),
      };
    const raised = { ...row, promised: ballot };
    this.#rows.set(refName(ref), raised);
    this.register.committed();
    return { promised: true, stored: stored(raised) };
  }

  async claimNumber(number: number, owner: string, options: CallOptions): Promise<string> {
    this.#refuseLate(options);
    return this.register.claim(number, owner);
  }

  async scan(request: ScanRequest): Promise<ScanPage> {
    return pageOf(rowsInside(this.#rows.values(), request), request);
  }
  async sumUp(request: ScanRequest): Promise<PageSum> {
    return sumOf(pageOf(rowsInside(this.#rows.values(), request), request));
  }

  async deleteKeyspace(what: { tenant: string; keyspace: string }): Promise<void> {
    for (const [name, { ref }] of this.#rows) {
      if (ref.tenant === what.tenant && ref.keyspace === what.keyspace) this.#rows.delete(name);
    }
    this.#hints.removeKeyspace(what);
  }

  async putHint(hint: NewHint, options: CallOptions): Promise<void> {
    this.#refuseLate(options);
    this.#hints.put(hint);
  }
  async claimHints(claim: HintClaim, options: CallOptions): Promise<readonly Hint[]> {
    this.#refuseLate(options);
    return this.#hints.claim(claim);
  }
  async removeHints(removal: HintRemoval, options: CallOptions): Promise<void> {
    this.#refuseLate(options);
    this.#hints.remove(removal);
  }
  async countHints(): Promise<readonly HintCount[]> {
    return this.#hints.counts();
  }
  async hasHintFor(ref: CellRef): Promise<boolean> {
    return this.#hints.has(ref);
  }
  async expireHints(limit: number): Promise<number> {
    return this.#hints.expire(limit);
  }

  async bucketDigests(request: BucketRequest): Promise<ReadonlyMap<number, BucketDigest>> {
    return memoryBuckets(this.#rows.values(), request);
  }
  async keyDigests(request: KeyRequest): Promise<KeyDigestPage> {
    return memoryKeys(this.#rows.values(), request);
  }
  async fillTokens(): Promise<number> {
    return 0;
  }
  async goneKeys(request: GoneRequest): Promise<readonly GoneKey[]> {
    return memoryGone(this.#rows.values(), request);
  }

  async collect(ref: CellRef, expected: bigint, options: CollectOptions): Promise<boolean> {
    this.#refuseLate(options);
    const row = this.#rows.get(refName(ref));
    if (!row || digestOf(row.cell) !== expected) return false;
    const promised = Math.max(row.promised, ballotOf(row.cell));
    const emptied = (row.emptied ?? 0) + (options.isHandedOver ? 1 : 0);
    if (promised === 0 && emptied === 0) this.#rows.delete(refName(ref));
    else this.#rows.set(refName(ref), { ref, cell: emptyCell, stamp: '', promised, emptied });
    return true;
  }

  async claimRepair(claim: RepairClaim, options: CallOptions): Promise<number | undefined> {
    this.#refuseLate(options);
    return this.#ledger.claim(claim, this.#options.clock.monotonicMs());
  }

  async noteRepair(note: RepairNote, options: CallOptions): Promise<boolean> {
    this.#refuseLate(options);
    return this.#ledger.note(note, this.#options.clock.monotonicMs());
  }
  async history(ref: CellRef, what: HistoryRequest): Promise<LoggedWrites> {
    const versions = loggedVersions(changesOf(this.changes, ref), what);
    return { incarnation: this.incarnation, complete: true, versions };
  }
  async close(): Promise<void> {
    // Nothing is open.
  }

  /** Everything in it, by `tenant/keyspace/key`, for the checkers of the simulator. */
  snapshot(): ReadonlyMap<string, StoredCell> {
    return new Map([...this.#rows].map(([name, row]) => [name, stored(row)]));
  }

  /** What it keeps for others, for the checkers of the simulator. */
  get keptHints(): readonly HintCount[] {
    return this.#hints.counts();
  }

  /** Loses all, as a replaced disk would, and comes back as another incarnation. */
  wipe(incarnation: string): void {
    this.#load({ rows: new Map(), changes: [] }, incarnation);
  }

  /** All that is on its disk now. */
  save(): MemoryCopy {
    const changes = [...this.changes];
    return { rows: new Map(this.#rows), changes, register: this.register.save() };
  }

  /** An older copy of its disk in the place of the present one. */
  restore(copy: MemoryCopy): void {
    this.#load(copy, copy.register.incarnation);
  }

  #load(copy: Omit<MemoryCopy, 'register'> & Partial<MemoryCopy>, incarnation: string): void {
    this.#rows.clear();
    for (const [name, row] of copy.rows) this.#rows.set(name, row);
    this.changes.splice(0, Infinity, ...copy.changes);
    this.register.load(copy.register, incarnation);
    this.#hints.clear();
    this.#ledger = new MemoryLedger();
  }

  /** Rule A; the simulator has a replica without it. */
  protected mayTake({ promised, cell }: StoredCell, { next }: SwapRequest): boolean {
    return mayAdvance({ promised, current: ballotOf(cell) }, ballotOf(next));
  }

  #store(row: MemoryRow): void {
    const { emptied = 0 } = this.#rows.get(refName(row.ref)) ?? {};
    this.#rows.set(refName(row.ref), { ...row, emptied });
    this.changes.push({ ref: row.ref, cell: row.cell });
    this.register.committed();
  }

  #refuseLate({ deadlineMs }: CallOptions): void {
    if (this.#options.clock.monotonicMs() < deadlineMs) return;
    throw new ReplicaError(
      'REFUSED',
      'the statement reached the replica after its deadline',
      false,
    );
  }
}
