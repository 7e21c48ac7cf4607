import { emptyCell } from '../causality/cell.ts';
import { compareKeys } from '../placement/key-order.ts';
import {
  NoRoom,
  ReplicaError,
  type ScanPage,
  type SharedPages,
  type StoredCell,
} from '../replica/replica.ts';
import type { Clock } from '../runtime/clock.ts';
import { keyAfter, type KeyBounds } from './key-bounds.ts';
import type { Target } from './plan.ts';
import { roundedMs } from './scatter.ts';
import type { ReplicaOutcome, ReplicaStatus } from './receipt.ts';

/**
 * IDLE: never asked. ASKED: a page is under way. READY: has pages. FAILED: of no use for this
 * request any more.
 */
export type SourceState = 'IDLE' | 'ASKED' | 'READY' | 'FAILED';

const absent: StoredCell = { cell: emptyCell, digest: 0n, promised: 0 };

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
  /** When its latest page was asked for. */
  askedMs = -Infinity;
  /** Resolves when the page that is under way has come or failed. */
  pending: Promise<void> | undefined;

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
    return this.#byKey().get(key) ?? absent;
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
   * Asks for the next page, from where it is or from `notBefore` (all up to there is decided),
   * whichever is further. Never rejects.
   */
  fetch(what: {
    clock: Clock;
    deadlineMs: number;
    limit: number;
    bytes: number;
    notBefore: string | undefined;
  }): Promise<void> {
    const { clock, deadlineMs, limit, bytes } = what;
    const startedMs = clock.monotonicMs();
    this.askedMs = startedMs;
    const at = this.#further(this.reached, what.notBefore);
    this.state = 'ASKED';
    const { tenant, keyspace, from, to } = this.#bounds;
    const bounds = this.#reverse
      ? { from, to: at ?? to }
      : { from: at === undefined ? from : keyAfter(at), to };
    const how = { reverse: this.#reverse, limit, bytes, shared: this.#shared };
    this.pending = this.target.replica
      .scan({ tenant, keyspace, ...bounds, ...how }, { deadlineMs })
      .then(
        ({ cells, exhausted }) => {
          this.#byKey();
          this.#latest = cells;
          this.reached = cells.at(-1)?.key ?? at ?? this.reached;
          this.exhausted = exhausted;
          this.hasAnswered = true;
          this.state = 'READY';
        },
        (error: unknown) => {
          this.#fault =
            error instanceof ReplicaError
              ? error
              : new ReplicaError('REFUSED', String(error), false);
          this.state = 'FAILED';
        },
      )
      .finally(() => {
        this.#elapsedMs += clock.monotonicMs() - startedMs;
        this.pending = undefined;
      });
    return this.pending;
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
    return this.hasAnswered ? 'OK' : unanswered;
  }

  #further(a: string | undefined, b: string | undefined): string | undefined {
    if (a === undefined || b === undefined) return a ?? b;
    const order = compareKeys(a, b);
    return (this.#reverse ? order < 0 : order > 0) ? a : b;
  }
}
