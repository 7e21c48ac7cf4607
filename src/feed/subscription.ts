import type { Change, ChangePosition } from '../replica/change-source.ts';
import type { Cancel } from '../runtime/clock.ts';
import { EventQueue } from './event-queue.ts';
import type { FeedCursor } from './feed-cursor.ts';
import type { Subscriber } from './subscriber.ts';
import { gapReasons, type Step } from './link.ts';
import { Links } from './links.ts';
import { mergeLogs } from './log-reader.ts';
import { Logs } from './logs.ts';
import { newestOf, type Offered } from './seen-keys.ts';
import type { Selector } from './selector.ts';
import { weightOf, type SubscriptionOptions, type Told } from './told.ts';

/**
 * One subscriber: joins every replica's tail without gap or overlap, tells each state once, and can
 * say where it stands.
 */
export class Subscription<T> implements Subscriber {
  readonly selector: Selector;
  readonly queue: EventQueue<T>;
  readonly #options: SubscriptionOptions<T>;
  readonly #links: Links;
  #started = false;
  readonly #logs: Logs;
  /** Ends before any change is told: see `Logs.recallAll`. */
  #recalling: Promise<void> = Promise.resolve();
  #inbox: Step[] = [];
  /** What came while replicas caught up; of all of them together: the hub's order is one among them. */
  #held: Step[] = [];
  #busy = false;
  /** How much was forgotten when the client was last warned of a state that may be behind. */
  #warnedAt: number | undefined;
  #cancelBookmark: Cancel | undefined;
  /** The cursor of what the client took last: from here a resumption misses nothing. */
  #taken: FeedCursor | undefined;

  constructor(options: SubscriptionOptions<T>) {
    this.#options = options;
    this.selector = options.selector;
    this.#links = new Links(options.after, options.clock.nowMs());
    const { queueEvents: lengthMax, queueChars: weightMax } = options.limits;
    this.queue = new EventQueue({ lengthMax, weightMax }, () => this.#end());
    this.#logs = new Logs(options, this.#links, () => this.queue.closed);
  }

  /**
   * Resolves when the feed is live and the first bookmark is told; false when no replica could be
   * reached.
   */
  async start(readyMs: number): Promise<boolean> {
    const { hub, after } = this.#options;
    hub.attach(this);
    // Before anything is delivered: `attach` only asks. Replicas that are gone from the cluster are
    // left out.
    for (const replica of hub.replicas) if (after?.places.has(replica)) this.#links.of(replica);
    const joined = await hub.ready(this, readyMs);
    if (joined === 0 || this.queue.closed) return false;
    for (const replica of hub.replicas) this.#links.of(replica);
    this.#started = true;
    this.#tell({ kind: 'bookmark', cursor: this.#cursor() });
    this.#recalling = this.#logs.recallAll();
    void this.#settle(this.#links.in('catching'), true);
    this.#bookmarks();
    return true;
  }

  joined(replica: string, position: ChangePosition): void {
    const isLate = this.#options.after !== undefined || this.#started;
    const link = isLate ? this.#links.of(replica) : this.#links.joinedAtStart(replica, position);
    this.#held = this.#held.filter((step) => step.replica !== replica);
    Object.assign(link, { state: 'catching', target: position, overflowed: false });
    if (this.#started) void this.#settle([replica], false);
  }

  deliver(replica: string, change: Change, early: boolean): void {
    this.#step({ kind: 'change', replica, change, early });
  }

  gap(replica: string, reason: string, position: ChangePosition): void {
    this.#step({ kind: 'gap', replica, reason, position });
  }

  #step(step: Step): void {
    const link = this.#links.of(step.replica);
    if (link.state === 'live') {
      if (this.#inbox.length >= this.#options.limits.queueEvents) this.#overflow();
      this.#inbox.push(step);
      this.#pump();
    } else if (this.#held.length < this.#options.limits.queueEvents) this.#held.push(step);
    else link.overflowed = true;
  }

  /** Reads what lies between where each replica was left and its tail, then lets the tail through. */
  async #settle(replicas: readonly string[], first: boolean): Promise<void> {
    await this.#recalling;
    const prepared = replicas.map((replica) =>
      this.#logs.open(replica).catch((error: unknown) => this.#retry(replica, error)),
    );
    const readers = (await Promise.all(prepared)).filter((reader) => reader !== undefined);
    if (first) await this.#tellPresent();
    const failed = new Set<string>();
    await mergeLogs(
      readers,
      async (replica, change) => {
        await this.queue.room();
        if (this.queue.closed) return false;
        await this.#apply({ kind: 'change', replica, change, early: false });
        return true;
      },
      (replica, error) => {
        failed.add(replica);
        this.#options.hub.dropSide(replica);
        this.#retry(replica, error);
      },
    );
    if (this.queue.closed) return;
    const released = new Set<string>();
    for (const { replica } of readers) {
      if (!failed.has(replica) && this.#goLive(replica)) released.add(replica);
    }
    const gap = readers.find((reader) => reader.gap !== undefined)?.gap;
    if (gap !== undefined) this.#tellGap(gap);
    this.#inbox.push(...this.#held.filter((step) => released.has(step.replica)));
    this.#held = this.#held.filter((step) => !released.has(step.replica));
    this.#pump();
  }

  /** False when more came meanwhile than could be held: then it catches up once more. */
  #goLive(replica: string): boolean {
    const link = this.#links.of(replica);
    if (link.target) link.place = link.target;
    link.state = link.overflowed ? 'waiting' : 'live';
    if (link.overflowed) this.#options.hub.rejoin(this, replica);
    return !link.overflowed;
  }

  #retry(replica: string, error: unknown): undefined {
    const { hub, clock, log } = this.#options;
    const reason = error instanceof Error ? error.message : 'unknown failure';
    log.warn({ replica, reason }, 'a subscription could not read the change log');
    this.#links.of(replica).state = 'waiting';
    clock.after(1000, () => hub.rejoin(this, replica));
  }

  async #tellPresent(): Promise<void> {
    const { snapshot, seen } = this.#options;
    if (!snapshot) return;
    try {
      for await (const { key, cell, confirmedBy } of snapshot()) {
        await this.queue.room();
        if (this.queue.closed) return;
        seen.learn(key, cell);
        this.#links.learnt(newestOf(cell));
        const told = { key, cell: seen.told(key) ?? cell, confirmedBy };
        this.#tell({ kind: 'changed', cursor: this.#cursor(), ...told });
      }
    } catch (error) {
      this.queue.fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** One step after the other; without a detour through the event loop unless a step has to read. */
  #pump(): void {
    while (!this.#busy && !this.queue.closed) {
      const step = this.#inbox.shift();
      if (!step) return;
      const waiting = this.#apply(step);
      if (!waiting) continue;
      this.#busy = true;
      void waiting.finally(() => {
        this.#busy = false;
        this.#pump();
      });
    }
  }

  #apply(step: Step): Promise<void> | undefined {
    const link = this.#links.of(step.replica);
    if (step.kind === 'gap') {
      link.place = step.position;
      this.#tellGap(step.reason);
      return undefined;
    }
    const { seen } = this.#options;
    const { key, cell } = step.change;
    const offered = seen.offer(step.replica, key, { cell });
    if (offered.kind === 'lookup') return this.#lookUp(step);
    this.#tellOffered(step, offered);
    return undefined;
  }

  /** Tells what came of a change; its place is then reached, unless it was pulled ahead of it. */
  #tellOffered(step: Step & { kind: 'change' }, offered: Offered): void {
    const { replica, early, change } = step;
    const emissions = offered.kind === 'emit' ? offered.emissions : [];
    const last = early ? undefined : emissions.at(-1);
    for (const emission of emissions) {
      // A cursor promises that everything before it was told: only the last of several states may
      // say that this change was. The others are told ahead of the place.
      if (emission === last) this.#links.of(replica).place = change.position;
      else this.#links.learnt(newestOf(emission.cell));
      const cursor = this.#cursor(emission === last ? undefined : replica);
      this.#tell({ kind: 'changed', cursor, key: change.key, ...emission });
    }
    if (!early) this.#links.of(replica).place = change.position;
  }

  /**
   * The key may have been told a later state already: tell the present one instead, so that the
   * feed never goes back.
   */
  async #lookUp(step: Step & { kind: 'change' }): Promise<void> {
    const { seen, lookup } = this.#options;
    const { key, cell } = step.change;
    const present = await lookup(key).catch(() => undefined);
    if (!present?.isWhole) this.#links.learnt(this.#options.clock.nowMs() * 1000);
    if (!present?.isWhole && this.#warnedAt !== seen.forgotten) {
      this.#warnedAt = seen.forgotten;
      this.#tell({ kind: 'gap', reason: gapReasons['behind'] ?? '', cursor: this.#cursor() });
    }
    const learnt = present && seen.learn(key, present.cell);
    if (learnt) {
      this.#links.learnt(newestOf(learnt));
      const cursor = this.#cursor(step.replica);
      this.#tell({ kind: 'changed', cursor, key, cell: learnt, confirmedBy: 1 });
    }
    // What was read may not hold this change (it is then unconfirmed), or nothing could be read:
    // rather once too often than never.
    this.#tellOffered(step, seen.offer(step.replica, key, { cell, always: true }));
  }

  #tell(told: Told): void {
    const isQueued = this.queue.push({ make: () => this.#take(told), weight: weightOf(told) });
    if (!isQueued) this.#overflow();
  }

  #take(told: Told): T {
    this.#taken = told.cursor;
    return this.#options.make(told);
  }

  #tellGap(reason: string): void {
    this.#forget();
    this.#tell({ kind: 'gap', reason: gapReasons[reason] ?? reason, cursor: this.#cursor() });
  }

  /** The client reads by itself, and what it reads is not known here. */
  #forget(): void {
    const { clock, seen } = this.#options;
    this.#links.learnt(seen.clear(clock.nowMs() * 1000));
  }

  /**
   * The client is too slow: what waits for it is dropped, and it is told where to go on if it wants
   * to miss nothing.
   */
  #overflow(): void {
    for (const step of this.#inbox) {
      const link = this.#links.of(step.replica);
      if (step.kind === 'gap') link.place = step.position;
      else if (!step.early) link.place = step.change.position;
    }
    this.#inbox = [];
    this.#forget();
    const cursor = this.#taken ?? this.#cursor();
    const told: Told = { kind: 'gap', cursor, reason: gapReasons['slow'] ?? '' };
    this.queue.replace({ make: () => this.#take(told), weight: weightOf(told) });
  }

  #bookmarks(): void {
    this.#cancelBookmark = this.#options.bookmarks.after(this.#bookmark);
  }

  readonly #bookmark = (): void => {
    if (this.queue.closed) return;
    if (this.queue.length === 0) this.#tell({ kind: 'bookmark', cursor: this.#cursor() });
    this.#bookmarks();
  };

  #end(): void {
    this.#cancelBookmark?.();
    this.#options.hub.detach(this);
    this.#options.onClose();
  }

  /**
   * Where everything stands. A live replica that has nothing for us waiting stands where the hub
   * does, except `exact`.
   */
  #cursor(exact?: string): FeedCursor {
    const { clock, bornMs, hub } = this.#options;
    const isIdle = this.#inbox.length === 0 && !this.#busy;
    return this.#links.cursor({
      nowMs: clock.nowMs(),
      bornMs,
      dispatched: (replica) => (isIdle && replica !== exact ? hub.dispatched(replica) : undefined),
    });
  }
}
