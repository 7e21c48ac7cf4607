import type {
  ChangePosition,
  ChangeSession,
  RecentAsked,
  RecentChanges,
} from '../replica/change-source.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Link } from './link.ts';
import { newestOf, type SeenKeys } from './seen-keys.ts';
import type { Selector } from './selector.ts';
import type { SubscriptionLimits } from './told.ts';

/** Added to a time that versions were written before, for the clocks of those who wrote them. */
export const slackUs = 1_000_000;

/** One replica's log, and what a subscription knows of where it was left there. */
export interface LogParts {
  readonly replica: string;
  readonly link: Link;
  readonly session: ChangeSession;
  /** Looks at the recent past of this log, together with others. */
  readonly recent: (asked: RecentAsked) => Promise<RecentChanges>;
  readonly selector: Selector;
  readonly seen: SeenKeys;
  readonly clock: Clock;
  readonly limits: SubscriptionLimits;
  /** When the subscription was where it is left now: the time of its cursor, or its start. */
  readonly madeAtMs: number;
  /** See `FeedCursor.learntUs`. */
  readonly learntUs: () => number;
}

/** How far back the subscription has to look in this log. */
export function ageOf({ link: { place }, clock, madeAtMs, limits }: LogParts): number {
  const sinceMs = 'sinceMs' in place ? place.sinceMs - limits.skewMs : madeAtMs;
  return Math.max(0, clock.nowMs() - sinceMs);
}

/** The place in the log where the subscription goes on. */
export function beginningOf(parts: LogParts): Promise<ChangePosition> {
  const { session, link } = parts;
  return 'sinceMs' in link.place ? session.since(ageOf(parts)) : Promise.resolve(link.place);
}

/**
 * Makes memory of what the log told shortly before the subscription's place in it, so that another
 * replica's later report of the same, or of less, is recognised. Silent.
 *
 * What is not newer than `learntUs` is left out: more than the logs say may have been told of it,
 * or something else after it. It is looked up when it is reported.
 */
export async function recall(parts: LogParts): Promise<void> {
  const { replica, link, recent, selector, seen, clock, limits } = parts;
  const ageMs = ageOf(parts);
  const position = await beginningOf(parts);
  const known = await recent({ position, range: selector, ageMs: ageMs + limits.warmMs });
  if (link.isRecalled) return;
  const oldest = known.complete ? undefined : known.changes[0];
  // The log may be trimmed by now as far as its age allows.
  const backMs = Math.min(ageMs + limits.warmMs, limits.retentionMs);
  const fromUs = oldest ? newestOf(oldest.cell) : (clock.nowMs() - backMs) * 1000;
  const learntUs = parts.learntUs();
  seen.forgetBefore(Math.max(fromUs + slackUs, learntUs));
  for (const { key, cell } of known.changes)
    if (newestOf(cell) > learntUs) seen.offer(replica, key, { cell, before: true });
  link.isRecalled = true;
}
