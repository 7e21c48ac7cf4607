import type { Change, ChangePosition, ChangeSession } from '../replica/change-source.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Link } from './link.ts';
import { newestOf, type SeenKeys } from './seen-keys.ts';
import type { Selector } from './selector.ts';
import type { SubscriptionLimits } from './told.ts';

/** Added to every span of time that is compared between two clocks. */
const skewMs = 60_000;
const slackUs = 1_000_000;

/**
 * What is left to read of one replica's log, from where a subscriber was up to where the live feed
 * takes over.
 */
export class LogReader {
  readonly replica: string;
  readonly #session: ChangeSession;
  readonly #selector: Selector;
  readonly #target: ChangePosition;
  #position: ChangePosition;
  #page: Change[] = [];
  /** Why history is missing; reading then goes on at the target. */
  gap: string | undefined;

  constructor(what: {
    replica: string;
    session: ChangeSession;
    selector: Selector;
    from: ChangePosition;
    to: ChangePosition;
  }) {
    this.replica = what.replica;
    this.#session = what.session;
    this.#selector = what.selector;
    this.#position = what.from;
    this.#target = what.to;
  }

  /** The next change, left in place; undefined at the end. */
  async head(): Promise<Change | undefined> {
    while (this.#page.length === 0 && !this.#isDone()) {
      const page = await this.#session.read(this.#position, {
        ranges: [this.#selector],
        until: this.#target.seen,
      });
      if (page.kind === 'gap') {
        this.gap = page.reason;
        this.#position = this.#target;
        break;
      }
      this.#page = [...page.changes];
      this.#position = page.position;
    }
    return this.#page[0];
  }

  /** Takes the next change away. */
  shift(): void {
    this.#page.shift();
  }

  #isDone(): boolean {
    if (this.gap !== undefined) return true;
    const { window, seen, incarnation } = this.#position;
    // Equal snapshots of two incarnations are two different histories: only a read finds that out.
    return (
      window === undefined && seen === this.#target.seen && incarnation === this.#target.incarnation
    );
  }
}

/**
 * Prepares to read one replica's log from where a subscription was left to where its tail takes
 * over; first makes memory of what the log told shortly before, so that another replica's later
 * report of the same is recognised.
 */
export async function openLog(what: {
  readonly replica: string;
  readonly link: Link;
  readonly session: ChangeSession;
  readonly selector: Selector;
  readonly seen: SeenKeys;
  readonly clock: Clock;
  readonly limits: SubscriptionLimits;
  /** When the subscription was where it is left now: the time of its cursor, or its start. */
  readonly madeAtMs: number;
}): Promise<LogReader> {
  const { replica, link, session, selector, seen, clock, limits, madeAtMs } = what;
  const { place, target: to } = link;
  if (!to) throw new Error(`replica "${replica}" was not joined`);
  const sinceMs = 'sinceMs' in place ? place.sinceMs - skewMs : madeAtMs;
  const ageMs = Math.max(0, clock.nowMs() - sinceMs);
  const from = 'sinceMs' in place ? await session.since(ageMs) : place;
  if (!link.warmed) {
    const known = await session.recent(from, { range: selector, ageMs: ageMs + limits.warmMs });
    for (const { key, cell } of known.changes) seen.offer(replica, key, { cell, before: true });
    const oldest = known.complete ? undefined : known.changes[0];
    const fromUs = oldest ? newestOf(oldest.cell) : (sinceMs - limits.warmMs) * 1000;
    seen.forgetBefore(fromUs + slackUs);
    link.warmed = true;
  }
  const reader = new LogReader({ replica, session, selector, from, to });
  if ('sinceMs' in place && ageMs > limits.retentionMs) reader.gap = 'trimmed';
  return reader;
}

/**
 * Hands over what several logs hold, each in its order, the older of their heads first, so that a
 * change that replaced another comes after it whichever logs the two stand in. A log that cannot be
 * read is left out, and told; the others go on.
 */
export async function mergeLogs(
  readers: readonly LogReader[],
  take: (replica: string, change: Change) => Promise<boolean>,
  failed: (replica: string, error: unknown) => void,
): Promise<void> {
  let left = [...readers];
  while (left.length > 0) {
    let oldest: { reader: LogReader; change: Change; timeUs: number } | undefined;
    for (const reader of [...left]) {
      const change = await reader.head().catch((error: unknown) => failed(reader.replica, error));
      if (!change) left = left.filter((other) => other !== reader);
      else if (!oldest || newestOf(change.cell) < oldest.timeUs)
        oldest = { reader, change, timeUs: newestOf(change.cell) };
    }
    if (!oldest) return;
    oldest.reader.shift();
    if (!(await take(oldest.reader.replica, oldest.change))) return;
  }
}
