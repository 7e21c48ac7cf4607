import type { Change, ChangePosition } from '../replica/change-source.ts';
import { EventQueue } from './event-queue.ts';
import type { FeedCursor, Place } from './feed-cursor.ts';
import type { Subscriber } from './subscriber.ts';
import { gapReasons, linkAt, type Link, type Step } from './link.ts';
import { mergeLogs, openLog, type LogReader } from './log-reader.ts';
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
  readonly #links = new Map<string, Link>();
  readonly #startMs: number;
  #started = false;
  #inbox: Step[] = [];
  /**
   * What came from replicas that are still catching up; of all of them together, because the hub's
   * order is an order among them.
   */
  #held: Step[] = [];
  #busy = false;
  /** The cursor of what the client took last: from here a resumption misses nothing. */
  #taken: FeedCursor | undefined;

  constructor(options: SubscriptionOptions<T>) {
    this.#options = options;
    this.selector = options.selector;
    this.#startMs = options.clock.nowMs();
    const { queueEvents: lengthMax, queueChars: weightMax } = options.limits;
    this.queue = new EventQueue({ lengthMax, weightMax }, () => {
      options.hub.detach(this);
      options.onClose();
    });
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
    for (const replica of hub.replicas) {
      const place = after?.places.get(replica);
      if (place) this.#links.set(replica, linkAt(place));
    }
    const joined = await hub.ready(this, readyMs);
    if (joined === 0 || this.queue.closed) return false;
    for (const replica of hub.replicas) this.#link(replica);
    this.#started = true;
    this.#tell({ kind: 'bookmark', cursor: this.#cursor() });
    const links = [...this.#links].filter(([, { state }]) => state === 'catching');
    const catching = links.map(([replica]) => replica);
    void this.#settle(catching, true);
    this.#bookmarks();
    return true;
  }

  joined(replica: string, position: ChangePosition): void {
    const { after } = this.#options;
    // New and there from the start: nothing to catch up with.
    const link =
      this.#links.get(replica) ?? (after || this.#started ? this.#link(replica) : linkAt(position));
    this.#links.set(replica, link);
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
    const link = this.#link(step.replica);
    if (link.state === 'live') {
      if (this.#inbox.length >= this.#options.limits.queueEvents) this.#overflow();
      this.#inbox.push(step);
      this.#pump();
    } else if (this.#held.length < this.#options.limits.queueEvents) this.#held.push(step);
    else link.overflowed = true;
  }

  /** Reads what lies between where each replica was left and its tail, then lets the tail through. */
  async #settle(replicas: readonly string[], first: boolean): Promise<void> {
    const prepared = replicas.map((replica) =>
      this.#reader(replica).catch((error: unknown) => this.#retry(replica, error)),
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
        this.#retry(replica, error);
      },
    );
    if (this.queue.closed) return;
    const released = new Set<string>();
    for (const { replica } of readers) {
      if (!failed.has(replica) && this.#goLive(replica)) released.add(replica);
    }
    for (const { gap } of readers) if (gap !== undefined) this.#tellGap(gap, this.#cursor());
    this.#inbox.push(...this.#held.filter((step) => released.has(step.replica)));
    this.#held = this.#held.filter((step) => !released.has(step.replica));
    this.#pump();
  }

  /** False when more came meanwhile than could be held: then it catches up once more. */
  #goLive(replica: string): boolean {
    const link = this.#link(replica);
    if (link.target) link.place = link.target;
    link.state = link.overflowed ? 'waiting' : 'live';
    if (link.overflowed) this.#options.hub.rejoin(this, replica);
    return !link.overflowed;
  }

  #reader(replica: string): Promise<LogReader | undefined> {
    const { hub, after } = this.#options;
    const madeAtMs = after?.madeAtMs ?? this.#startMs;
    return hub.joining.pass(async () => {
      if (this.queue.closed) return undefined;
      const [link, session] = [this.#link(replica), await hub.side(replica)];
      return openLog({ ...this.#options, replica, link, session, madeAtMs });
    });
  }

  #retry(replica: string, error: unknown): undefined {
    const { hub, clock, log } = this.#options;
    const reason = error instanceof Error ? error.message : 'unknown failure';
    log.warn({ replica, reason }, 'a subscription could not read the change log');
    hub.dropSide(replica);
    this.#link(replica).state = 'waiting';
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
        const told = { key, cell: seen.told(key) ?? cell, confirmedBy };
        this.#tell({ kind: 'changed', cursor: this.#cursor(), ...told });
      }
    } catch (error) {
      this.queue.fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /**
   * One step after the other; without a detour through the event loop unless a step has to read.
   */
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
    const link = this.#link(step.replica);
    if (step.kind === 'gap') {
      link.place = step.position;
      this.#tellGap(step.reason, this.#cursor());
      return undefined;
    }
    const { seen } = this.#options;
    const { key, cell } = step.change;
    const offered = seen.offer(step.replica, key, { cell });
    if (offered.kind === 'lookup') return this.#lookUp(step);
    const emissions = offered.kind === 'emit' ? offered.emissions : [];
    const before = emissions.length > 1 ? this.#cursor(step.replica) : undefined;
    if (!step.early) link.place = step.change.position;
    const last = emissions.at(-1);
    for (const emission of emissions) {
      // A cursor promises that everything before it was told: only the last of several states may
      // say that this change was.
      const cursor = emission === last || !before ? this.#cursor() : before;
      this.#tell({ kind: 'changed', cursor, key, ...emission });
    }
    return undefined;
  }

  /**
   * The key may have been told a later state already: tell the present one instead, so that the
   * feed never goes back.
   */
  async #lookUp(step: Step & { kind: 'change' }): Promise<void> {
    const { seen, lookup } = this.#options;
    const { key, cell } = step.change;
    const present = await lookup(key).catch(() => undefined);
    const link = this.#link(step.replica);
    if (!step.early) link.place = step.change.position;
    const learnt = present && seen.learn(key, present);
    if (learnt)
      this.#tell({ kind: 'changed', cursor: this.#cursor(), key, cell: learnt, confirmedBy: 1 });
    // What was read may not hold this change (it is then unconfirmed), or nothing could be read:
    // rather once too often than never.
    const offered = seen.offer(step.replica, key, { cell, always: true });
    for (const emission of offered.kind === 'emit' ? offered.emissions : []) {
      this.#tell({ kind: 'changed', cursor: this.#cursor(), key, ...emission });
    }
  }

  #tell(told: Told): void {
    const isQueued = this.queue.push({ make: () => this.#take(told), weight: weightOf(told) });
    if (!isQueued) this.#overflow();
  }

  #take(told: Told): T {
    this.#taken = told.cursor;
    return this.#options.make(told);
  }

  #tellGap(reason: string, cursor: FeedCursor): void {
    this.#options.seen.clear();
    this.#tell({ kind: 'gap', reason: gapReasons[reason] ?? reason, cursor });
  }

  /**
   * The client is too slow: what waits for it is dropped, and it is told where to go on if it wants
   * to miss nothing.
   */
  #overflow(): void {
    for (const step of this.#inbox) {
      const link = this.#link(step.replica);
      if (step.kind === 'gap') link.place = step.position;
      else if (!step.early) link.place = step.change.position;
    }
    this.#inbox = [];
    this.#options.seen.clear();
    const cursor = this.#taken ?? this.#cursor();
    const told: Told = { kind: 'gap', cursor, reason: gapReasons['slow'] ?? '' };
    this.queue.replace({ make: () => this.#take(told), weight: weightOf(told) });
  }

  #bookmarks(): void {
    const { clock, limits } = this.#options;
    clock.after(limits.bookmarkMs, () => {
      if (this.queue.closed) return;
      if (this.queue.length === 0) this.#tell({ kind: 'bookmark', cursor: this.#cursor() });
      this.#bookmarks();
    });
  }

  /**
   * Where everything stands. A live replica that has nothing for us waiting stands where the hub
   * does, except `exact`.
   */
  #cursor(exact?: string): FeedCursor {
    const idle = this.#inbox.length === 0 && !this.#busy;
    const places = new Map<string, Place>();
    for (const [replica, link] of this.#links) {
      const isIdle = idle && link.state === 'live' && replica !== exact;
      const ahead = isIdle ? this.#options.hub.dispatched(replica) : undefined;
      places.set(replica, ahead ?? link.place);
    }
    return { madeAtMs: this.#options.clock.nowMs(), bornMs: this.#options.bornMs, places };
  }

  /** An unknown replica owes us everything since the cursor was made, or since we began. */
  #link(replica: string): Link {
    const known = this.#links.get(replica);
    if (known) return known;
    const link = linkAt({ sinceMs: this.#options.after?.madeAtMs ?? this.#startMs });
    this.#links.set(replica, link);
    return link;
  }
}
