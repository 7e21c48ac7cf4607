import type {
  ChangedKey,
  ChangePage,
  ChangePosition,
  ChangeSession,
  ChangeSource,
} from '../replica/change-source.ts';
import type { Cancel, Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Random } from '../runtime/random.ts';
import { CausalOrder, itemsOf, type Released } from './causal-order.ts';
import { Gate } from './gate.ts';
import { Recollections } from './recollections.ts';
import { Registry } from './registry.ts';
import type { Subscriber } from './subscriber.ts';
import { Tail } from './tail.ts';

/** What the hub is built on. */
export interface HubOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Read at the start and whenever the first subscription opens. */
  readonly sources: () => readonly ChangeSource[];
  readonly pollMs?: number | undefined;
  /** How long a page may wait for the other replicas' tails. */
  readonly holdMs?: number | undefined;
  /** How long the tails go on after the last subscription has closed. */
  readonly lingerMs?: number | undefined;
}

interface Member {
  readonly subscriber: Subscriber;
  /**
   * By replica, the number of reads it had begun when this subscription came: it joins at the end
   * of a later window.
   */
  readonly cameAt: Map<string, number>;
  readonly joined: Set<string>;
  /** Set by the subscriber: called whenever something about a tail has changed. */
  changed: () => void;
}

/**
 * One gateway's ear on every replica: one tail a replica for all subscriptions together, while
 * there are any.
 */
export class Hub {
  readonly #options: HubOptions;
  readonly #members = new Map<Subscriber, Member>();
  readonly #registry = new Registry<Subscriber>();
  readonly #tails = new Map<string, Tail>();
  readonly #side = new Map<string, Promise<ChangeSession>>();
  /** By replica, who has yet to join it: walked at the end of every window, so never all members. */
  readonly #unjoined = new Map<string, Set<Member>>();
  readonly #dispatched = new Map<string, ChangePosition>();
  /** For what subscriptions read by themselves when they join. */
  readonly joining = new Gate(12);
  /** What they recall, together. */
  readonly recollections: Recollections;
  /**
   * What nobody follows goes no further: judged as a page comes, because whoever subscribes after that
   * joins behind the page.
   */
  readonly #wanted = (key: ChangedKey): boolean => this.#registry.has(key);
  #order = new CausalOrder();
  #holding: Cancel | undefined;
  #lingering: Cancel | undefined;

  constructor(options: HubOptions) {
    this.#options = options;
    this.recollections = new Recollections({
      clock: options.clock,
      side: (replica) => this.side(replica),
      drop: (replica, failed) => this.dropSide(replica, failed),
    });
  }

  get subscriptionCount(): number {
    return this.#registry.size;
  }

  /** The replicas that are followed now. */
  get replicas(): readonly string[] {
    return [...this.#tails.keys()];
  }

  /** This gateway has just written to the replica: its log is worth a look. */
  wake(replica: string): void {
    this.#tails.get(replica)?.wake();
  }

  /** Whether the replica answered when its log was last read. */
  answers(replica: string): boolean {
    return this.#tails.get(replica)?.live ?? false;
  }

  /** How far the replica's changes have been delivered, to whoever has joined it. */
  dispatched(replica: string): ChangePosition | undefined {
    return this.#dispatched.get(replica);
  }

  attach(subscriber: Subscriber): void {
    this.#lingering?.();
    this.#lingering = undefined;
    this.#registry.add(subscriber); // first: the tails must read its keyspace from the next window on
    if (this.#tails.size === 0) this.#startTails();
    const cameAt = new Map(Array.from(this.#tails.values(), (tail) => [tail.id, tail.readsBegun]));
    const member: Member = { subscriber, cameAt, joined: new Set(), changed: () => undefined };
    this.#members.set(subscriber, member);
    for (const tail of this.#tails.values()) this.#await(member, tail);
  }

  detach(subscriber: Subscriber): void {
    const member = this.#members.get(subscriber);
    if (!member) return;
    this.#members.delete(subscriber);
    this.#registry.remove(subscriber);
    for (const waiting of this.#unjoined.values()) waiting.delete(member);
    member.changed();
    if (this.#members.size > 0) return;
    this.#lingering?.();
    this.#lingering = this.#options.clock.after(this.#options.lingerMs ?? 5000, () =>
      this.#stopTails(),
    );
  }

  /**
   * Resolves when the subscriber has joined every replica that answers: each tail has then made a
   * read begun after it came, and caught up. A replica that does not answer is not waited for
   * longer than `limitMs`; it is joined later. The answer: how many have joined.
   */
  async ready(subscriber: Subscriber, limitMs: number): Promise<number> {
    const { clock } = this.#options;
    const endMs = clock.monotonicMs() + limitMs;
    for (;;) {
      const member = this.#members.get(subscriber);
      if (!member) return 0;
      const awaited = [...this.#tails.values()].some(
        (tail) => !member.joined.has(tail.id) && !tail.isDown,
      );
      const leftMs = endMs - clock.monotonicMs();
      if (!awaited || leftMs <= 0) return member.joined.size;
      await new Promise<void>((resolve) => {
        const cancel = clock.after(leftMs, resolve);
        member.changed = () => {
          cancel();
          resolve();
        };
      });
    }
  }

  /**
   * Lets the subscriber leave one replica's tail, and join it again at the end of a window that
   * begins after now.
   */
  rejoin(subscriber: Subscriber, replica: string): void {
    const member = this.#members.get(subscriber);
    const tail = this.#tails.get(replica);
    if (!member || !tail) return;
    member.joined.delete(replica);
    member.cameAt.set(replica, tail.readsBegun);
    this.#await(member, tail);
  }

  /**
   * A second connection to the replica, shared, for reading history without holding up the tail.
   */
  side(replica: string): Promise<ChangeSession> {
    const open = this.#side.get(replica);
    if (open) return open;
    const source = this.#options.sources().find(({ id }) => id === replica);
    if (!source) return Promise.reject(new Error(`there is no replica "${replica}"`));
    const forget = (): void => {
      if (this.#side.get(replica) === opening) this.#side.delete(replica);
    };
    const opening = source.open({ onLost: forget });
    this.#side.set(replica, opening);
    opening.catch(forget);
    return opening;
  }

  /** After a failed call: the next one gets a new connection, unless it has one already. */
  dropSide(replica: string, failed = this.#side.get(replica)): void {
    if (this.#side.get(replica) === failed) this.#side.delete(replica);
    failed?.then((session) => session.close()).catch(() => undefined);
  }

  close(): void {
    this.#lingering?.();
    this.#stopTails();
  }

  #await(member: Member, tail: Tail): void {
    const waiting = this.#unjoined.get(tail.id) ?? new Set();
    this.#unjoined.set(tail.id, waiting.add(member));
    tail.wake();
  }

  #startTails(): void {
    const { clock, random, log, pollMs = 500 } = this.#options;
    const options = { clock, random, log, pollMs, gapMs: 3, barrenGapMs: 25, backoffMaxMs: 5000 };
    const events = {
      wanted: () => ({ ...this.#registry.wanted(), wanted: this.#wanted }),
      page: (tail: Tail, page: ChangePage, window: number) => this.#page(tail, page, window),
      lost: (tail: Tail) => this.#lost(tail),
    };
    for (const source of this.#options.sources())
      this.#tails.set(source.id, new Tail(source, options, events));
    for (const tail of this.#tails.values()) tail.start();
  }

  #stopTails(): void {
    for (const tail of this.#tails.values()) tail.stop();
    this.#tails.clear();
    for (const replica of this.#side.keys()) this.dropSide(replica);
    this.#holding?.();
    this.#holding = undefined;
    this.#dispatched.clear();
    this.#order = new CausalOrder();
  }

  #page(tail: Tail, page: ChangePage, window: number): void {
    const changed = page.kind === 'page' && page.changes.length > 0;
    this.#order.offer(tail.id, {
      items: itemsOf(page, window),
      needs: changed ? this.#needs(tail) : new Map(),
    });
    this.#order.finished(tail.id, tail.readsBegun);
    this.#drain();
  }

  #needs(tail: Tail): ReadonlyMap<string, number> {
    const needs = new Map<string, number>();
    for (const other of this.#tails.values()) {
      if (other === tail || !other.live) continue;
      needs.set(other.id, other.readsBegun + 1);
      other.wake();
    }
    return needs;
  }

  #lost(tail: Tail): void {
    this.#order.lost(tail.id);
    this.#drain();
    for (const member of this.#members.values()) member.changed();
  }

  #drain(): void {
    this.#order.drain((released) => this.#dispatch(released));
    const awaited = this.#order.awaited();
    if (awaited.size === 0) {
      this.#holding?.();
      this.#holding = undefined;
    } else {
      // A frozen replica is noticed only by its silence; until then it must not hold up the others.
      this.#holding ??= this.#options.clock.after(this.#options.holdMs ?? 250, () => {
        this.#holding = undefined;
        for (const replica of this.#order.awaited()) this.#order.lost(replica);
        this.#drain();
      });
    }
  }

  #dispatch({ replica, item, early }: Released): void {
    switch (item.kind) {
      case 'change': {
        if (!early) this.#dispatched.set(replica, item.change.position);
        for (const subscriber of this.#registry.of(item.change)) {
          if (this.#members.get(subscriber)?.joined.has(replica))
            subscriber.deliver(replica, item.change, early);
        }
        return;
      }
      case 'end':
        this.#dispatched.set(replica, item.position);
        return this.#join(replica, item.position, item.begun);
      case 'gap':
        this.#dispatched.set(replica, item.position);
        for (const { subscriber, joined } of [...this.#members.values()]) {
          if (joined.has(replica)) subscriber.gap(replica, item.reason, item.position);
        }
        return;
    }
  }

  #join(replica: string, position: ChangePosition, begun: number): void {
    const waiting = this.#unjoined.get(replica);
    if (!waiting || waiting.size === 0) return;
    this.#order.joined(replica);
    for (const member of [...waiting]) {
      if (begun <= (member.cameAt.get(replica) ?? 0)) continue;
      waiting.delete(member);
      member.joined.add(replica);
      member.subscriber.joined(replica, position);
      member.changed();
    }
  }
}
