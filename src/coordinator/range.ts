import type { Cell } from '../causality/cell.ts';
import type { StoreError } from '../errors.ts';
import type { ScanPage } from '../replica/replica.ts';
import { converge } from '../repair/read-repair.ts';
import type { Deps } from './deps.ts';
import { isLive, PageFill } from './page-fill.ts';
import type { Plan } from './plan.ts';
import { healKey, type Healing } from './range-heal.ts';
import { doubtsOf, observeStamp } from './read.ts';
import type { Receipt } from './receipt.ts';
import {
  rangeFailure,
  rangeReceipt,
  refuseIfTooFull,
  type PlacedRange,
  type RangeTerms,
} from './range-report.ts';
import { traced } from './traced.ts';
import { differingKeys, differingTargets } from './range-compare.ts';
import { agreedPage, frontierOf } from './range-frontier.ts';
import { END, PageOrder, type Reached } from './range-order.ts';
import type { RangeSource } from './range-source.ts';
import { RangeAsking, type At } from './range-asking.ts';

export interface RangePage {
  /** Live keys, in the order asked: as many as `PageFill` lets on a page. */
  readonly rows: readonly { readonly key: string; readonly cell: Cell }[];
  /** Whether a live key follows. */
  readonly more: boolean;
  readonly receipt: Receipt;
}

type Row = RangePage['rows'][number];

/**
 * One page of keys, merged over replicas and partitions in byte order.
 *
 * A key is decided only when `need` of its own primaries have covered it, and a key of the page may
 * not be passed over while a smaller one could still turn up: so the page grows up to the
 * *frontier*, the last key that `need` members of every group of primaries have scanned past. A
 * replica that is silent never holds a key back that it alone could change, and deleted keys never
 * end a page: scanning goes on until it is full, in entries or in bytes. A replica's own page may end
 * by its bytes, too; that moves the frontier less far, and means nothing else. Where all keys have the
 * same primaries, and these have answered with equal pages, the page is decided as a whole.
 *
 * Errors: QUORUM_UNAVAILABLE, READ_TIMEOUT, OVERLOADED.
 */
export function range(deps: Deps, placed: PlacedRange, what: RangeTerms): Promise<RangePage> {
  return traced(deps, { name: 'range', plan: what.plan }, () =>
    new RangeMerge(deps, placed, what).page(),
  );
}

class RangeMerge {
  readonly #deps: Deps;
  readonly #placed: PlacedRange;
  readonly #plan: Plan;
  readonly #order: PageOrder;
  readonly #asking: RangeAsking;
  readonly #sources: readonly RangeSource[];
  readonly #rows: Row[] = [];
  /** How full the page is with these rows. */
  readonly #fill: PageFill;
  readonly #stale = new Set<string>();
  readonly #repaired = new Set<string>();
  #decidedUpTo: string | undefined;
  /** What the first page was decided by as a whole, and who holds it. */
  #agreed: { shown: Required<ScanPage>; holders: readonly RangeSource[] } | undefined;

  constructor(deps: Deps, placed: PlacedRange, what: RangeTerms) {
    this.#deps = deps;
    this.#placed = placed;
    this.#plan = what.plan;
    this.#fill = new PageFill({ limit: what.limit, bytes: deps.pageBytes });
    this.#order = new PageOrder(what.reverse);
    this.#asking = new RangeAsking(deps, placed, { ...what, order: this.#order });
    this.#sources = this.#asking.sources;
  }

  async page(): Promise<RangePage> {
    const { clock } = this.#deps;
    refuseIfTooFull(this.#placed, this.#plan.need);
    this.#asking.ask(this.#at);
    for (;;) {
      this.#asking.match(this.#at);
      const frontier = this.#frontier();
      const isThrough = frontier === undefined || (await this.#decideUpTo(frontier));
      if (this.#fill.isPast) break;
      // What seemed to fill the page turned out to be deleted meanwhile.
      if (!isThrough) continue;
      if (frontier === END) break;
      this.#asking.ask(this.#at);
      const leftMs = this.#plan.deadlineMs - clock.monotonicMs();
      if (leftMs <= 0) throw this.#failure('late');
      if (!this.#asking.canStillMeet) throw this.#failure('unreachable');
      await this.#asking.progress(leftMs, this.#at);
    }
    this.#deps.metrics.quorums.inc({ kind: 'range', verdict: 'met' });
    const rows = this.#rows.slice(0, this.#fill.fits);
    const receipt = this.#receipt();
    this.#compareLater();
    return { rows, more: this.#fill.isPast, receipt };
  }

  get #at(): At {
    return { decidedUpTo: this.#decidedUpTo, bytes: this.#fill.bytesLeft };
  }

  #frontier(): Reached | undefined {
    const { groups } = this.#placed;
    return frontierOf(this.#sources, { groups, need: this.#plan.need, order: this.#order });
  }

  /** Keys up to the frontier that are not decided yet, in the order of the page. */
  #openKeys(frontier: Reached): readonly string[] {
    const keys = new Set<string>();
    for (const source of this.#sources) {
      for (const key of source.keys()) {
        const isReached = frontier === END || !this.#order.isBeyond(key, frontier);
        if (isReached && this.#order.isBeyond(key, this.#decidedUpTo)) keys.add(key);
      }
    }
    return [...keys].sort((a, b) => this.#order.compare(a, b));
  }

  /** Whether all keys up to there are decided: not when the page seems to be full before. */
  async #decideUpTo(frontier: Reached): Promise<boolean> {
    const isWhole = this.#decidedUpTo === undefined && this.#placed.groups.length === 1;
    const agreed = isWhole ? agreedPage(this.#sources) : undefined;
    if (!agreed) return this.#decideEach(frontier);
    const holders = this.#sources.filter(({ hasAnswered }) => hasAnswered);
    const shown = holders[0]?.firstPage;
    if (shown) this.#agreed = { shown, holders };
    return this.#take(agreed, frontier);
  }

  /** Those who said that they hold another page than the one that others agree on. */
  #compareLater(): void {
    if (!this.#agreed) return;
    const others = differingTargets(this.#sources, this.#agreed.shown.sum);
    if (others.length === 0) return;
    const { clock, mintMs, repair } = this.#deps;
    const what = { ...this.#agreed, others, reverse: this.#order.reverse };
    const deadlineMs = clock.monotonicMs() + mintMs;
    const terms = { ...this.#asking.firstTerms, deadlineMs };
    repair.laterMany(() => differingKeys(this.#deps, this.#placed, { ...what, terms }));
  }

  /** Takes over the page that all hold who have answered: so far the frontier has come at least. */
  #take(page: NonNullable<RangeSource['untouched']>, frontier: Reached): boolean {
    const nowMs = this.#deps.clock.nowMs();
    for (const { key, stored } of page) {
      if (this.#fill.isPast) return false;
      this.#read({ key, cell: stored.cell }, nowMs);
      this.#decidedUpTo = key;
    }
    for (const source of this.#sources) source.dropAll();
    if (this.#fill.isPast) return false;
    this.#advanceTo(frontier);
    return true;
  }

  async #decideEach(frontier: Reached): Promise<boolean> {
    const nowMs = this.#deps.clock.nowMs();
    const decided: { key: string; cell: Cell }[] = [];
    const healing: Promise<unknown>[] = [];
    const fill = this.#fill.copy();
    for (const key of this.#openKeys(frontier)) {
      if (fill.isPast) break;
      const { cell, healed } = this.#decide(key);
      const row = { key, cell };
      decided.push(row);
      if (healed) healing.push(healed.then((shown) => (row.cell = shown)));
      if (isLive(cell, nowMs)) fill.add(cell);
      this.#decidedUpTo = key;
      for (const source of this.#sources) source.drop(key);
    }
    if (!fill.isPast) this.#advanceTo(frontier);
    // All at once: the repairs of a page become one statement a replica.
    await Promise.all(healing);
    for (const row of decided) this.#read(row, nowMs);
    return !fill.isPast;
  }

  /**
   * All up to there is decided. A replica that fails takes its pages out of the count, and the frontier
   * may fall back: what was decided stays so.
   */
  #advanceTo(frontier: Reached): void {
    if (frontier !== END && this.#order.isBeyond(frontier, this.#decidedUpTo))
      this.#decidedUpTo = frontier;
  }

  /** A deletion moves the clock, too: that its key is not on the page was read as well. */
  #read(row: Row, nowMs: number): void {
    if (this.#placed.convergence.timed) observeStamp(this.#deps, row.cell);
    if (!isLive(row.cell, nowMs)) return;
    this.#rows.push(row);
    this.#fill.add(row.cell);
  }

  /**
   * Joins what the key's primaries that have covered it hold; with write-back, `healed` resolves
   * with what `need` of them hold.
   */
  #decide(key: string): { cell: Cell; healed?: Promise<Cell> } {
    const primaries = this.#placed.primariesOf(key);
    const covering = this.#sources.filter(
      (source) => primaries.includes(source.id) && source.hasCovered(key, this.#order.reverse),
    );
    const holdings = covering.map((source) => ({
      store: source.target.replica,
      stored: source.stored(key),
    }));
    const { cell, behind } = converge(holdings, this.#placed.convergence);
    for (const { store } of behind) this.#stale.add(store.id);
    const { writeBack, need } = this.#plan;
    const holders = holdings.length - behind.length;
    if (writeBack && (holders < need || doubtsOf(cell, []).length > 0)) {
      const held = new Map(behind.map(({ store, stored }) => [store.id, stored]));
      const lagging = covering.flatMap(({ id, target: { replica } }) => {
        const stored = held.get(id);
        return stored ? [{ replica, stored }] : [];
      });
      return { cell, healed: this.#heal(key, { cell, behind: lagging, needed: need - holders }) };
    }
    if (behind.length > 0) {
      const ref = { tenant: this.#placed.tenant, keyspace: this.#placed.keyspace, key };
      const request = { ref, cell, convergence: this.#placed.convergence };
      this.#deps.repair.later(request, Promise.resolve(holdings));
    }
    return { cell };
  }

  async #heal(key: string, what: Omit<Healing, 'key' | 'plan'>): Promise<Cell> {
    const healing = { ...what, key: this.#placed.place(key), plan: this.#plan };
    const healed = await healKey(this.#deps, healing);
    const result = healed ? 'met' : 'unreachable';
    this.#deps.metrics.repairs.inc({ kind: 'write_back', result }, what.behind.length);
    if (!healed) throw this.#failure('late');
    for (const id of healed.repaired) this.#repaired.add(id);
    return healed.cell;
  }

  #failure(why: 'late' | 'unreachable'): StoreError {
    this.#deps.metrics.quorums.inc({ kind: 'range', verdict: why });
    return rangeFailure(this.#placed, this.#plan, { sources: this.#sources, why });
  }

  #receipt(): Receipt {
    const { clock } = this.#deps;
    const found = { sources: this.#sources, stale: this.#stale, repaired: this.#repaired };
    return rangeReceipt(this.#placed, this.#plan, { ...found, nowMs: clock.monotonicMs() });
  }
}
