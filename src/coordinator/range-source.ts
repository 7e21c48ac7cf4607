import { compareKeys } from '../placement/key-order.ts';
import {
  absentCell,
  NoRoom,
  ReplicaError,
  type CallOptions,
  type PageSum,
  type ScanPage,
  type ScanRequest,
  type SharedPages,
  type StoredCell,
} from '../replica/replica.ts';
import type { Clock } from '../runtime/clock.ts';
import { keyAfter, type KeyBounds } from './key-bounds.ts';
import type { Target } from './plan.ts';
import { roundedMs } from './scatter.ts';
import type { ReplicaOutcome, ReplicaStatus } from './receipt.ts';

/**
 * IDLE: never asked. ASKED: a page is under way, or what it sums up to. SUMMED: has told what its first
 * page sums up to, and no more; that is no answer yet. READY: has pages. FAILED: of no use for this
 * request any more.
 */
export type SourceState = 'IDLE' | 'ASKED' | 'SUMMED' | 'READY' | 'FAILED';

/** How a page is asked for. */
export interface PageTerms {
  readonly clock: Clock;
  readonly deadlineMs: number;
  readonly limit: number;
  readonly bytes: number;
  /** All up to there is decided. */
  readonly notBefore: string | undefined;
  /** Whether what it sums up to comes with it. */
  readonly summed?: boolean;
}

/** One replica's side of a range: the pages it has sent, and how far they reach. */
export class RangeSource {
  readonly target: Target;
  readonly #bounds: KeyBounds & { tenant: string; keyspace: string };
  readonly #reverse: boolean;
  readonly #shared: SharedPages;
  /** Cells by their keys; its latest page is not among them until somebody looks for one. */
  readonly #cells = new Map<string, StoredCell>();
  #latest: ScanPage['cells'] = [];
  #fault: ReplicaError | undefined;
  #elapsedMs = 0;
  state: SourceState = 'IDLE';
  /** The last key it has scanned past; undefined before its first page. */
  reached: string | undefined;
  exhausted = false;
  hasAnswered = false;
  /** What its first page sums up to, where it has told. */
  sum: PageSum | undefined;
  /** Its first page, with what that sums up to, where both were asked for. */
  firstPage: Required<ScanPage> | undefined;
  /** Whether it is asked for a page now, and not only for what one sums up to. */
  isSending = false;
  /** When its latest page was asked for. */
  askedMs = -Infinity;
  /** Resolves when the page that is under way has come or failed. */
  pending: Promise<void> | undefined;
  /** Of several questions only the answer to the latest is heard. */
  #asked = 0;

  constructor(
    target: Target,
    bounds: KeyBounds & { tenant: string; keyspace: string },
    what: { reverse: boolean; shared: SharedPages },
  ) {
    this.target = target;
    this.#bounds = bounds;
    this.#reverse = what.reverse;
    this.#shared = what.shared;
    const { votes, state, reason } = target.replica;
    if (!votes) {
      this.state = 'FAILED';
      this.#fault = new ReplicaError(state === 'DOWN' ? 'DOWN' : 'REFUSED', reason, false);
    }
  }

  get id(): string {
    return this.target.replica.id;
  }

  /** It was not asked, because as much was under way to it as may be. */
  get hadNoRoom(): boolean {
    return this.#fault instanceof NoRoom;
  }

  get isLive(): boolean {
    return this.target.replica.votes;
  }

  /** All that it has sent, in its order, as long as nobody has looked for one of its keys. */
  get untouched(): ScanPage['cells'] | undefined {
    return this.#cells.size === 0 ? this.#latest : undefined;
  }

  keys(): Iterable<string> {
    return this.#byKey().keys();
  }

  /** What it holds of a key that it has covered: nothing is an answer too. */
  stored(key: string): StoredCell {
    return this.#byKey().get(key) ?? absentCell;
  }

  drop(key: string): void {
    this.#byKey().delete(key);
  }

  dropAll(): void {
    this.#cells.clear();
    this.#latest = [];
  }

  hasCovered(key: string, reverse: boolean): boolean {
    if (this.exhausted) return true;
    if (this.reached === undefined) return false;
    const order = compareKeys(key, this.reached);
    return reverse ? order >= 0 : order <= 0;
  }

  /**
   * Asks for the next page, from where it is or from `notBefore`, whichever is further. Never rejects.
   */
  fetch(what: PageTerms): Promise<void> {
    const at = this.#further(this.reached, what.notBefore);
    this.isSending = true;
    const { replica } = this.target;
    return this.#ask(what, {
      call: (options) => replica.scan(this.#requestFrom(at, what), options),
      heard: (page) => {
        this.#byKey();
        if (at === undefined) this.#keepFirst(page);
        this.#takeOver(page, at);
      },
    });
  }

  /** Asks what the first page sums up to. Never rejects. */
  sumUp(what: PageTerms): Promise<void> {
    const { replica } = this.target;
    return this.#ask(what, {
      call: (options) => replica.sumUp(this.#requestFrom(undefined, what), options),
      heard: (sum) => {
        this.sum = sum;
        this.state = 'SUMMED';
      },
    });
  }

  /** Its own first page is this one, since both sum up to the same: it has answered with it. */
  adopt(page: ScanPage): void {
    this.#asked += 1;
    this.#keepFirst(page);
    this.#takeOver(page, undefined);
  }

  /** It has told what its first page sums up to, and that page is not here: later ones may be. */
  get hasOnlyTold(): boolean {
    return this.sum !== undefined && this.firstPage === undefined;
  }

  #requestFrom(at: string | undefined, what: PageTerms): ScanRequest {
    const { tenant, keyspace, from, to } = this.#bounds;
    const { limit, bytes, summed = false } = what;
    const bounds = this.#reverse
      ? { from, to: at ?? to }
      : { from: at === undefined ? from : keyAfter(at), to };
    const how = { reverse: this.#reverse, limit, bytes, summed, shared: this.#shared };
    return { tenant, keyspace, ...bounds, ...how };
  }

  #keepFirst({ cells, exhausted, sum }: ScanPage): void {
    this.sum = sum;
    this.firstPage = sum && { cells, exhausted, sum };
  }

  #takeOver({ cells, exhausted }: ScanPage, before: string | undefined): void {
    this.#latest = cells;
    this.reached = cells.at(-1)?.key ?? before;
    this.exhausted = exhausted;
    this.hasAnswered = true;
    this.state = 'READY';
  }

  #ask<T>(
    { clock, deadlineMs }: PageTerms,
    what: { call: (options: CallOptions) => Promise<T>; heard: (answer: T) => void },
  ): Promise<void> {
    const startedMs = clock.monotonicMs();
    this.askedMs = startedMs;
    this.state = 'ASKED';
    this.#asked += 1;
    const mine = this.#asked;
    this.pending = what
      .call({ deadlineMs })
      .then(
        (answer) => {
          if (mine === this.#asked) what.heard(answer);
        },
        (error: unknown) => {
          if (mine === this.#asked) this.#fail(error);
        },
      )
      .finally(() => {
        this.#elapsedMs += clock.monotonicMs() - startedMs;
        if (mine === this.#asked) this.pending = undefined;
      });
    return this.pending;
  }

  #fail(error: unknown): void {
    const isTold = error instanceof ReplicaError;
    this.#fault = isTold ? error : new ReplicaError('REFUSED', String(error), false);
    this.state = 'FAILED';
  }

  /**
   * Its line in a receipt. `unanswered` says what a page that has not come yet is called at this
   * moment.
   */
  outcome(unanswered: 'PENDING' | 'TIMEOUT', found?: 'REPAIRED' | 'STALE'): ReplicaOutcome {
    const { replica, role } = this.target;
    return {
      replica: replica.id,
      ...(replica.zone === undefined ? {} : { zone: replica.zone }),
      role: role === 'primary' ? 'PRIMARY' : 'FALLBACK',
      status: found ?? this.#status(unanswered),
      ...(this.#elapsedMs > 0 ? { elapsedMs: roundedMs(this.#elapsedMs) } : {}),
      ...(this.#fault ? { reason: this.#fault.message } : {}),
    };
  }

  #byKey(): Map<string, StoredCell> {
    for (const { key, stored } of this.#latest) this.#cells.set(key, stored);
    this.#latest = [];
    return this.#cells;
  }

  #status(unanswered: 'PENDING' | 'TIMEOUT'): ReplicaStatus {
    if (this.state === 'FAILED') return this.#fault?.fault ?? 'REFUSED';
    if (this.state === 'IDLE') return 'NOT_ASKED';
    return this.hasAnswered && !this.hasOnlyTold ? 'OK' : unanswered;
  }

  #further(a: string | undefined, b: string | undefined): string | undefined {
    if (a === undefined || b === undefined) return a ?? b;
    const order = compareKeys(a, b);
    return (this.#reverse ? order < 0 : order > 0) ? a : b;
  }
}
