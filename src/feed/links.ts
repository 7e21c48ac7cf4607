import type { ChangePosition } from '../replica/change-source.ts';
import type { FeedCursor, Place } from './feed-cursor.ts';
import { linkAt, type Link } from './link.ts';

/** How one subscription hangs on all its replicas: where it is with each of them. */
export class Links {
  readonly #links = new Map<string, Link>();
  readonly #after: FeedCursor | undefined;
  readonly #startMs: number;
  #learntUs: number;

  constructor(after: FeedCursor | undefined, startMs: number) {
    this.#after = after;
    this.#startMs = startMs;
    this.#learntUs = after?.learntUs ?? 0;
  }

  /** When the subscription was where it is left now: the time of its cursor, or its start. */
  get madeAtMs(): number {
    return this.#after?.madeAtMs ?? this.#startMs;
  }

  /** The link that the cursor left; an unknown replica owes us everything since the cursor was made, or since we began. */
  of(replica: string): Link {
    const known = this.#links.get(replica);
    if (known) return known;
    const place = this.#after?.places.get(replica) ?? { sinceMs: this.madeAtMs };
    return this.#keep(replica, linkAt(place));
  }

  /** A replica that is there from the start of a new subscription: there is nothing to catch up with. */
  joinedAtStart(replica: string, position: ChangePosition): Link {
    return this.#links.get(replica) ?? this.#keep(replica, linkAt(position));
  }

  /** See `FeedCursor.learntUs`. */
  get learntUs(): number {
    return this.#learntUs;
  }

  /** What is not newer than this was told from a read, or the client reads it by itself. */
  learnt(timeUs: number): void {
    this.#learntUs = Math.max(this.#learntUs, timeUs);
  }

  in(state: Link['state']): readonly string[] {
    return [...this.#links].flatMap(([replica, link]) => (link.state === state ? [replica] : []));
  }

  /**
   * Where everything stands; a live replica is as far as `dispatched` says, if it says anything.
   */
  cursor(at: {
    nowMs: number;
    bornMs: number;
    dispatched: (replica: string) => ChangePosition | undefined;
  }): FeedCursor {
    const places = new Map<string, Place>();
    for (const [replica, link] of this.#links) {
      const ahead = link.state === 'live' ? at.dispatched(replica) : undefined;
      places.set(replica, ahead ?? link.place);
    }
    return { madeAtMs: at.nowMs, bornMs: at.bornMs, learntUs: this.#learntUs, places };
  }

  #keep(replica: string, link: Link): Link {
    this.#links.set(replica, link);
    return link;
  }
}
