import { ballotTimeUs } from '../causality/ballot.ts';
import { encodeCell } from '../causality/cell-codec.ts';
import { refName } from '../replica/cell-ref.ts';
import type { StoredCell } from '../replica/replica.ts';
import type { Clock } from '../runtime/clock.ts';
import { keptForMs } from '../paxos/acceptor.ts';
import type { PlacedKey } from './plan.ts';

/**
 * A promise of the proposer's next ballot that a majority gave with an accept, and what those hold
 * who gave it: all the same, and chosen.
 */
export interface KeptPromise {
  readonly ballot: number;
  readonly stored: Pick<StoredCell, 'cell' | 'digest'>;
  /** The incarnations that promised, by replica; those that answer late are added. */
  readonly by: ReadonlyMap<string, string>;
}

interface Entry {
  /** Undefined where another proposer was met. */
  readonly promise: KeptPromise | undefined;
  readonly targets: number;
  readonly chars: number;
  readonly atMs: number;
}

const bounds = { keys: 16_384, chars: 16_000_000 } as const;
/** For so long after another proposer was met nothing is kept: it would be lost to that one. */
const shyMs = 1_000;

/**
 * What a gateway remembers of keys that it alone has written of late: the next write of such a key
 * needs no prepare (docs/decisions/0032). Bounded in time, in keys and in characters; what was kept
 * longest goes first, and costs a round trip.
 */
export class KeptPromises {
  readonly #clock: Clock;
  readonly #once: boolean;
  readonly #entries = new Map<string, Entry>();
  #chars = 0;

  /** `once` is off in a negative control only: what was kept first is used again and again. */
  constructor({ clock, once }: { clock: Clock; once: boolean }) {
    this.#clock = clock;
    this.#once = once;
  }

  /**
   * The promise of the key, for one proposal: it is gone afterwards. Undefined when there is none, it
   * is too old, or no majority of those that vote now gave it.
   */
  take(key: PlacedKey): KeptPromise | undefined {
    const name = refName(key.ref);
    const entry = this.#entries.get(name);
    if (!entry?.promise) return undefined;
    if (this.#once) this.#forget(name);
    const { promise, atMs, targets } = entry;
    const issuedMs = ballotTimeUs(promise.ballot) / 1_000;
    const ageMs = Math.max(this.#clock.monotonicMs() - atMs, this.#clock.nowMs() - issuedMs);
    if (ageMs > keptForMs || targets !== key.targets.length) return undefined;
    const counted = key.targets.filter(
      ({ replica }) => replica.votes && promise.by.get(replica.id) === replica.incarnation,
    );
    return counted.length > targets / 2 ? promise : undefined;
  }

  keep(key: PlacedKey, promise: KeptPromise): void {
    const { siblings, context, outcomes } = encodeCell(promise.stored.cell);
    const chars = siblings.length + context.length + outcomes.length + 400;
    this.#enter(key, { promise, chars });
  }

  /** Another proposer was met. */
  lose(key: PlacedKey): void {
    this.#enter(key, { promise: undefined, chars: 200 });
  }

  /** Whether another proposer was met a moment ago. */
  isShy(key: PlacedKey): boolean {
    const entry = this.#entries.get(refName(key.ref));
    return !!entry && !entry.promise && this.#clock.monotonicMs() - entry.atMs < shyMs;
  }

  #enter(key: PlacedKey, what: Pick<Entry, 'promise' | 'chars'>): void {
    const name = refName(key.ref);
    if (!this.#once && this.#entries.get(name)?.promise) return;
    this.#forget(name);
    const atMs = this.#clock.monotonicMs();
    this.#entries.set(name, { ...what, targets: key.targets.length, atMs });
    this.#chars += what.chars;
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= bounds.keys && this.#chars <= bounds.chars) return;
      this.#forget(oldest);
    }
  }

  #forget(name: string): void {
    this.#chars -= this.#entries.get(name)?.chars ?? 0;
    this.#entries.delete(name);
  }
}
