import type { Change, ChangePosition, ChangeSession } from '../replica/change-source.ts';
import { ageOf, beginningOf, recall, type LogParts } from './recall.ts';
import { newestOf } from './seen-keys.ts';
import type { Selector } from './selector.ts';

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
 * over; first recalls what the log told shortly before, unless that was done.
 */
export async function openLog(parts: LogParts): Promise<LogReader> {
  const { replica, link, session, selector, limits } = parts;
  const { place, target: to } = link;
  if (!to) throw new Error(`replica "${replica}" was not joined`);
  if (!link.isRecalled) await recall(parts);
  const from = await beginningOf(parts);
  const reader = new LogReader({ replica, session, selector, from, to });
  if ('sinceMs' in place && ageOf(parts) > limits.retentionMs) reader.gap = 'trimmed';
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
