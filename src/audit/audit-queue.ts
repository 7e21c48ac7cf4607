import type { Clock } from '../runtime/clock.ts';
import { likenessOf, type AuditRecord } from './audit-record.ts';

/** How fast one stream of the log may grow. */
export interface AuditPace {
  /** Records at once. */
  readonly burst: number;
  /** One more each. */
  readonly everyMs: number;
  /** Different records of one stream that wait to be written; what is more becomes one. */
  readonly waitingMax: number;
}

interface Stream {
  left: number;
  atMs: number;
  readonly waiting: Map<string, AuditRecord>;
}

/** What everything is counted under that there is no room to tell apart. */
const others = 'various';

/**
 * Records on their way to the log. What is the same is one record with a count, and a stream grows no
 * faster than its pace: whoever is refused a million times fills a few lines, and they say a million.
 *
 * Invariant: nothing is dropped. What comes too fast is told less exactly, and later.
 */
export class AuditQueue {
  readonly #clock: Clock;
  readonly #pace: AuditPace;
  readonly #streams = new Map<string, Stream>();

  constructor(clock: Clock, pace: AuditPace) {
    this.#clock = clock;
    this.#pace = pace;
  }

  /** Whether it is the first of its kind that waits. */
  add(stream: string, record: AuditRecord): boolean {
    const { waiting } = this.#streamOf(stream);
    const likeness = likenessOf(record);
    const isRoom = waiting.has(likeness) || waiting.size < this.#pace.waitingMax;
    const counted = isRoom ? record : { ...record, actor: others, action: others, target: {} };
    const name = isRoom ? likeness : others;
    const before = waiting.get(name);
    waiting.set(name, before ? merged(before, counted) : counted);
    return before === undefined;
  }

  /** Takes what may be written now, the oldest first. */
  take(): readonly { readonly stream: string; readonly record: AuditRecord }[] {
    const taken: { stream: string; record: AuditRecord }[] = [];
    for (const [name, stream] of this.#streams) {
      this.#earn(stream);
      for (const [likeness, record] of stream.waiting) {
        if (stream.left < 1) break;
        stream.left -= 1;
        stream.waiting.delete(likeness);
        taken.push({ stream: name, record });
      }
      // Of a stream that is at rest nothing need be known.
      if (stream.waiting.size === 0 && stream.left >= this.#pace.burst) this.#streams.delete(name);
    }
    return taken;
  }

  /** Gives back what could not be written. */
  putBack(stream: string, record: AuditRecord): void {
    this.#streamOf(stream).left += 1;
    this.add(stream, record);
  }

  #streamOf(name: string): Stream {
    const known = this.#streams.get(name);
    if (known) return known;
    const atMs = this.#clock.monotonicMs();
    const opened: Stream = { left: this.#pace.burst, atMs, waiting: new Map() };
    this.#streams.set(name, opened);
    return opened;
  }

  #earn(stream: Stream): void {
    const nowMs = this.#clock.monotonicMs();
    const earned = (nowMs - stream.atMs) / this.#pace.everyMs;
    stream.left = Math.min(this.#pace.burst, stream.left + earned);
    stream.atMs = nowMs;
  }
}

function merged(before: AuditRecord, after: AuditRecord): AuditRecord {
  const isSame = before.outcome === after.outcome;
  return {
    ...before,
    outcome: isSame ? before.outcome : others,
    atMs: Math.min(before.atMs, after.atMs),
    lastMs: Math.max(before.lastMs, after.lastMs),
    count: before.count + after.count,
  };
}
