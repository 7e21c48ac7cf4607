import { SharedPages } from '../replica/replica.ts';
import type { Deps } from './deps.ts';
import { inOrderOfHealth } from './faults.ts';
import { hedgeLimits, roundingMs, type Hedge } from './hedging.ts';
import type { Plan, Target } from './plan.ts';
import { isSame } from './range-compare.ts';
import type { PageOrder } from './range-order.ts';
import type { PlacedRange, RangeTerms } from './range-report.ts';
import { RangeSource, type PageTerms } from './range-source.ts';

const fetchMax = 1_000;
/** A shorter page costs a replica little more than what it sums up to. */
const summedFrom = 8;
/** For so long ranges ask the same replica for whole pages, so that those go in one statement. */
const turnMs = 10;

/** From where, and how much. */
export interface At {
  /** All up to there is decided. */
  readonly decidedUpTo: string | undefined;
  readonly bytes: number;
}

/**
 * Whom a range asks for what, and how long it waits for whom.
 *
 * Of the first page of a stretch whose keys all have the same primaries, one of them is asked, and of the
 * others what theirs sums up to (DeCandia and others, "Dynamo", 2007, has this of single keys; so has
 * Cassandra): most agree, and a page is a hundred times as long as a sum. A sum by itself is nobody's
 * answer: it becomes one when a page with that sum is here. Whoever has another sum is asked for its page.
 *
 * So one replica is waited for, which may be slow: then another one is asked for its page, too, as a range
 * that needs one answer does.
 */
export class RangeAsking {
  readonly sources: readonly RangeSource[];
  readonly #deps: Deps;
  readonly #placed: PlacedRange;
  readonly #plan: Plan;
  readonly #limit: number;
  readonly #order: PageOrder;
  readonly #hedge: Hedge;
  /** In the order in which they are asked for whole pages, where others are asked for sums; or none. */
  readonly #inTurn: readonly RangeSource[];

  constructor(deps: Deps, placed: PlacedRange, what: RangeTerms & { order: PageOrder }) {
    this.#deps = deps;
    this.#placed = placed;
    this.#plan = what.plan;
    this.#limit = Math.min(fetchMax, what.limit + 1);
    this.#order = what.order;
    this.#hedge = deps.hedging.of('scan');
    const how = { reverse: what.reverse, shared: new SharedPages() };
    const targets = inOrderOfHealth(placed.targets, 'read');
    this.sources = targets.map((target) => new RangeSource(target, placed, how));
    const sums = placed.groups.length === 1 && this.#plan.need > 1 && this.#limit >= summedFrom;
    this.#inTurn = sums ? this.#turns() : [];
  }

  /**
   * Asks every replica whose answer is needed to move the frontier; for one answer, only as many as
   * cover all groups.
   */
  ask(at: At): void {
    if (at.decidedUpTo === undefined && this.#inTurn.length > 0) return this.#askForFirst(at);
    const wanted = this.#plan.need === 1 ? this.#cover() : this.sources;
    for (const source of wanted) {
      if (source.state === 'FAILED' || source.state === 'ASKED' || source.exhausted) continue;
      const consumed =
        source.reached === undefined || !this.#order.isBeyond(source.reached, at.decidedUpTo);
      if (consumed) this.#fetch(source, at);
    }
  }

  /** Those whose page is one that is here have answered with it. */
  match({ decidedUpTo }: At): void {
    if (decidedUpTo !== undefined) return;
    const pages = this.#inTurn.flatMap(({ firstPage }) => firstPage ?? []);
    for (const source of this.#inTurn) {
      const { sum, hasAnswered, state } = source;
      if (!sum || hasAnswered || state === 'FAILED') continue;
      const page = pages.find((other) => isSame(other.sum, sum));
      if (page) source.adopt(page);
    }
  }

  /** Whether for every group as many are left as are needed. */
  get canStillMeet(): boolean {
    return this.#placed.groups.every((group) => {
      const able = this.sources.filter(({ id, state }) => group.includes(id) && state !== 'FAILED');
      return able.length >= this.#plan.need;
    });
  }

  /** Waits for the next answer; a slow source that alone is waited for is backed up by another one. */
  async progress(leftMs: number, at: At): Promise<void> {
    const { clock } = this.#deps;
    const asked = this.sources.filter(({ state }) => state === 'ASKED');
    const slow = this.#waitedFor(asked);
    const { delayMs, freeMs } = slow ? this.#waitFor(slow) : { delayMs: leftMs, freeMs: Infinity };
    const patienceMs = Math.min(leftMs, delayMs);
    let cancel = (): void => undefined;
    const impatient = new Promise<'slow'>(
      (wake) => (cancel = clock.after(patienceMs, () => wake('slow'))),
    );
    const first = await Promise.race([...asked.map(({ pending }) => pending), impatient]);
    cancel();
    if (first !== 'slow' || !slow || !this.#hedge.allows(slow.target, slow.askedMs, freeMs)) return;
    const spare = this.#spare();
    if (spare) this.#fetch(spare, at);
  }

  /**
   * How long that one is still waited for, at most half of the time, so that another one has as much. Where
   * others have told sums, one of them is asked in any case: that costs no more than asking all for pages.
   */
  #waitFor({ target, askedMs }: RangeSource): { delayMs: number; freeMs: number } {
    if (this.#plan.need === 1) return { delayMs: this.#hedge.delayMs(target), freeMs: Infinity };
    const mostMs = (this.#plan.deadlineMs - askedMs) / 2;
    const firstMs = Math.min(this.#hedge.delayMs(target), mostMs);
    const freeMs = Math.max(firstMs, Math.min(hedgeLimits.patienceMs, mostMs));
    const waitedMs = this.#deps.clock.monotonicMs() - askedMs;
    const untilMs = waitedMs < firstMs ? firstMs : freeMs;
    return { delayMs: Math.max(roundingMs, untilMs - waitedMs), freeMs };
  }

  #askForFirst(at: At): void {
    const isHere = this.sources.some(({ hasAnswered }) => hasAnswered);
    const isComing = this.sources.some(({ state, isSending }) => state === 'ASKED' && isSending);
    const first = isHere || isComing ? undefined : this.#inTurn.find(isWaiting);
    for (const source of this.#inTurn) {
      if (source === first) this.#fetch(source, at);
      else if (source.state === 'IDLE') void source.sumUp(this.#terms(at));
      // What it has told is not the page that is here.
      else if (source.state === 'SUMMED' && isHere) this.#fetch(source, at);
    }
  }

  /** The one whose answer all else waits for, if there is somebody who could be asked instead. */
  #waitedFor(asked: readonly RangeSource[]): RangeSource | undefined {
    if (this.#plan.need === 1) return asked.at(-1);
    const isHere = this.sources.some(({ hasAnswered }) => hasAnswered);
    if (isHere || !this.#spare()) return undefined;
    // Whoever was asked last: one that is known to be late was backed up already.
    const sending = asked.filter(({ isSending }) => isSending);
    return sending.toSorted((a, b) => a.askedMs - b.askedMs).at(-1);
  }

  #spare(): RangeSource | undefined {
    return this.#plan.need === 1
      ? this.sources.find(({ state, isLive }) => state === 'IDLE' && isLive)
      : this.#inTurn.find(({ state }) => state === 'SUMMED');
  }

  #fetch(source: RangeSource, at: At): void {
    void source.fetch(this.#terms(at));
  }

  #terms({ bytes, decidedUpTo }: At): PageTerms {
    const { clock } = this.#deps;
    const { deadlineMs } = this.#plan;
    const summed = decidedUpTo === undefined && this.#inTurn.length > 0;
    return { clock, deadlineMs, limit: this.#limit, bytes, notBefore: decidedUpTo, summed };
  }

  /** How first pages were asked for. */
  get firstTerms(): PageTerms {
    return this.#terms({ bytes: this.#deps.pageBytes, decidedUpTo: undefined });
  }

  /** The fewest live sources, greedily, that reach every group once. */
  #cover(): readonly RangeSource[] {
    const chosen = this.sources.filter(({ state }) => state === 'READY' || state === 'ASKED');
    for (const group of this.#placed.groups) {
      if (chosen.some(({ id }) => group.includes(id))) continue;
      const next = this.sources.find(
        ({ id, state, isLive }) => group.includes(id) && state === 'IDLE' && isLive,
      );
      if (next) chosen.push(next);
    }
    return chosen;
  }

  /** Those that are equally well take turns: to send whole pages costs several times what sums do. */
  #turns(): readonly RangeSource[] {
    const { targets } = this.#placed;
    const from = Math.floor(this.#deps.clock.monotonicMs() / turnMs) % targets.length;
    const turned = [...targets.slice(from), ...targets.slice(0, from)];
    const sourceOf = (target: Target) => this.sources.filter((source) => source.target === target);
    // Sums are judged, and not pages: who is slow goes on telling sums, and is seen to be well again.
    return inOrderOfHealth(inOrderOfHealth(turned, 'read'), 'sum').flatMap(sourceOf);
  }
}

function isWaiting({ state }: RangeSource): boolean {
  return state === 'IDLE' || state === 'SUMMED';
}
