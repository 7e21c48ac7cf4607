import type { Store } from '../consistency/store.ts';
import type { Place, TenantBoard } from '../replica/tenant-board.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';

/** What a tenant keeps, one copy of everything. */
export interface Size {
  readonly keys: number;
  readonly bytes: number;
}

interface Parts {
  readonly clock: Clock;
  readonly log: Log;
  readonly store: Pick<Store, 'keyspaces'>;
  /** Of all replicas: each holds a part. */
  readonly boards: readonly TenantBoard[];
}

interface Counted {
  readonly size: Size;
  /** When the counting began. */
  readonly atMs: number;
}

interface Ledger {
  counted: Counted | undefined;
  /** Written, or about to be, since the last counting began: at most so much more is there. */
  grown: Size;
  counting: Promise<void> | undefined;
  /** Not counted again before this, whether the last counting came to its end or not. */
  restMs: number;
}

const pageRows = 10_000;
const pageMs = 10_000;
/** Counting takes at most this part of the time, and a second passes between two countings. */
const restTimes = 10;
const restLeastMs = 1_000;
const ledgersMax = 20_000;
const none: Size = { keys: 0, bytes: 0 };

/**
 * What tenants keep, as far as this gateway knows: what was counted in the replicas a while ago, and
 * what has gone through this gateway since.
 *
 * Counted and not carried along with every write: a total that each write changes would be one row that
 * all writes of a tenant wait for. So it is as old as counting takes, and a write counts as growth until
 * the next counting shows whether it was.
 */
export class StoredSizes {
  readonly #parts: Parts;
  readonly #ledgers = new Map<string, Ledger>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** The most that the tenant may keep now; undefined before it was counted. */
  atMost(tenant: string): Size | undefined {
    const ledger = this.#ledgers.get(tenant);
    return ledger?.counted && plus(ledger.counted.size, ledger.grown);
  }

  /** Takes note of a write that is about to be made; the answer takes it back when it failed. */
  grow(tenant: string, by: Size): () => void {
    const ledger = this.#of(tenant);
    ledger.grown = plus(ledger.grown, by);
    const { counting, counted } = ledger;
    return () => {
      // Once it was counted anew, it is not among what has grown since.
      const isSame = ledger.counting === counting && ledger.counted === counted;
      if (isSame) ledger.grown = plus(ledger.grown, { keys: -by.keys, bytes: -by.bytes });
    };
  }

  /** Counts the tenant if it is time to; waits for that, if it is under way, for `patienceMs`. */
  async refresh(tenant: string, patienceMs: number): Promise<void> {
    const { clock } = this.#parts;
    const ledger = this.#of(tenant);
    if (!ledger.counting && clock.monotonicMs() >= ledger.restMs) {
      ledger.counting = this.#count(tenant, ledger).finally(() => (ledger.counting = undefined));
    }
    if (ledger.counting && patienceMs > 0)
      await Promise.race([ledger.counting, clock.sleep(patienceMs)]);
  }

  /** In how many ms it may be counted again. */
  restMs(tenant: string): number {
    const nowMs = this.#parts.clock.monotonicMs();
    return Math.max(0, (this.#ledgers.get(tenant)?.restMs ?? 0) - nowMs);
  }

  /** What was counted last, and how long ago that began. */
  counted(tenant: string): { size: Size; ageMs: number } | undefined {
    const counted = this.#ledgers.get(tenant)?.counted;
    return counted && { size: counted.size, ageMs: this.#parts.clock.monotonicMs() - counted.atMs };
  }

  #of(tenant: string): Ledger {
    const known = this.#ledgers.get(tenant);
    if (known) return known;
    const ledger: Ledger = { counted: undefined, grown: none, counting: undefined, restMs: 0 };
    this.#ledgers.set(tenant, ledger);
    if (this.#ledgers.size > ledgersMax)
      this.#ledgers.delete(this.#ledgers.keys().next().value as string);
    return ledger;
  }

  async #count(tenant: string, ledger: Ledger): Promise<void> {
    const { clock, log } = this.#parts;
    const atMs = clock.monotonicMs();
    const before = ledger.grown;
    try {
      const size = await this.#countAll(tenant);
      ledger.counted = { size, atMs };
      // What was under way when the counting began may have been missed; twice is on the safe side.
      ledger.grown = plus(ledger.grown, { keys: -before.keys, bytes: -before.bytes });
    } catch (error) {
      log.debug({ err: error, tenant }, 'what a tenant keeps could not be counted');
    }
    // Also after one that failed: the replicas that could not count have enough to do.
    const nowMs = clock.monotonicMs();
    ledger.restMs = nowMs + Math.max(restLeastMs, restTimes * (nowMs - atMs));
  }

  /** Every key lies on as many replicas as its keyspace says, so one copy is a part of all of them. */
  async #countAll(tenant: string): Promise<Size> {
    const { store, boards } = this.#parts;
    const keyspaces = await store.keyspaces({ tenant });
    const counts = await Promise.allSettled(boards.map((board) => this.#countAt(board, tenant)));
    const answers = counts.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    if (answers.length === 0) throw new Error('no replica could count');
    let total = none;
    for (const { storageName, replicationFactor } of keyspaces) {
      const found = answers.reduce((sum, answer) => plus(sum, answer.get(storageName)), none);
      const copies = (answers.length / boards.length) * replicationFactor;
      const keys = Math.round(found.keys / copies);
      total = plus(total, { keys, bytes: Math.round(found.bytes / copies) });
    }
    return total;
  }

  async #countAt(board: TenantBoard, tenant: string): Promise<ReadonlyMap<string, Size>> {
    const { clock } = this.#parts;
    const found = new Map<string, Size>();
    let after: Place | undefined;
    do {
      const deadlineMs = clock.monotonicMs() + pageMs;
      const page = await board.sizes({ tenant, after, limit: pageRows }, { deadlineMs });
      for (const { keyspace, ...size } of page.sizes)
        found.set(keyspace, plus(size, found.get(keyspace)));
      after = page.last;
    } while (after);
    return found;
  }
}

function plus(one: Size, two: Size = none): Size {
  return { keys: one.keys + two.keys, bytes: one.bytes + two.bytes };
}
