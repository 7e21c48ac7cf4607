import type { Clock } from '../runtime/clock.ts';

/** How long what was read is gone by. All times from the moment at which its reading began. */
export interface Keeping {
  /** Used without a question. */
  readonly freshMs: number;
  /** From then on used while it is read anew, so that a busy gateway never waits. */
  readonly behindMs: number;
  /**
   * After that, how long callers are held up for the new reading, counted from its beginning, before
   * the old one is used.
   */
  readonly patienceMs: number;
  /** How long it is used while it cannot be read anew; then `find` rejects with the reason. */
  readonly keptMs: number;
  /** How long it is remembered that there is no record; 0: asked for each time. */
  readonly absentMs: number;
  /** At most so many records are held, and as many absences; those read longest ago go first. */
  readonly entriesMax: number;
}

interface Kept<R> {
  readonly record: R;
  readonly readMs: number;
  /** What was read by readings that began before this is older. */
  readonly knownMs: number;
  /** No attempt to read it anew before this, after one that failed. */
  restMs: number;
  /** The last attempt failed: nobody is held up for another. */
  isCutOff: boolean;
}

interface Loading<R> {
  readonly readMs: number;
  readonly answer: Promise<R | undefined>;
}

/**
 * What a gateway remembers of records that others may change, for a bounded time.
 *
 * Readings of one key at one time are one. A record that was read again and is the same stays the
 * same object, so that what is computed from it can hang on it.
 */
export class RecordMemory<R extends object> {
  readonly #clock: Clock;
  readonly #keeping: Keeping;
  readonly #kept = new Map<string, Kept<R>>();
  readonly #absentUntilMs = new Map<string, number>();
  readonly #loading = new Map<string, Loading<R>>();

  constructor(clock: Clock, keeping: Keeping) {
    this.#clock = clock;
    this.#keeping = keeping;
  }

  holds(key: string): boolean {
    return this.#kept.has(key);
  }

  /** The record as it was last read, however long ago that was; nothing is asked for. */
  peek(key: string): R | undefined {
    return this.#kept.get(key)?.record;
  }

  /** The record where `find` would answer with it and ask nobody. */
  fresh(key: string): R | undefined {
    const kept = this.#kept.get(key);
    if (!kept) return undefined;
    const ageMs = this.#clock.monotonicMs() - kept.readMs;
    return ageMs <= this.#keeping.freshMs ? kept.record : undefined;
  }

  isKnown(key: string): boolean {
    return this.#kept.has(key) || this.#isAbsent(key) || this.#loading.has(key);
  }

  /** What is held is answered by `deadlineMs`; what is not is waited for. */
  find(
    key: string,
    load: () => Promise<R | undefined>,
    deadlineMs = Infinity,
  ): Promise<R | undefined> {
    const fresh = this.fresh(key);
    if (fresh) return Promise.resolve(fresh);
    const kept = this.#kept.get(key);
    if (!kept)
      return this.#isAbsent(key) ? Promise.resolve(undefined) : this.#load(key, load).answer;
    const nowMs = this.#clock.monotonicMs();
    const staleMs = nowMs - kept.readMs - this.#keeping.freshMs;
    const isUsable = nowMs - kept.readMs <= this.#keeping.keptMs;
    if (nowMs <= kept.restMs && isUsable) return Promise.resolve(kept.record);
    const { readMs, answer } = this.#load(key, load);
    const loading = answer.catch((error: unknown) => this.#goOn(kept, error));
    if (!isUsable) return loading;
    if (kept.isCutOff || staleMs <= this.#keeping.behindMs) {
      // A failure that nobody waits for: the record is still good for now.
      loading.catch(() => undefined);
      return Promise.resolve(kept.record);
    }
    // One request may ask for a record several times, and many do: they wait together, and once.
    const untilMs = Math.min(readMs + this.#keeping.patienceMs, deadlineMs);
    const leftMs = Math.max(0, untilMs - nowMs);
    return Promise.race([loading, this.#clock.sleep(leftMs).then(() => kept.record)]);
  }

  /**
   * Takes what this gateway has just made of a record in a round that began at `readMs`: readings
   * that are under way may not have seen it.
   */
  changed(key: string, record: R | undefined, readMs: number): void {
    this.#remember(key, record, { readMs, knownMs: this.#clock.monotonicMs() });
  }

  #remember(
    key: string,
    record: R | undefined,
    { readMs, knownMs }: { readMs: number; knownMs: number },
  ): R | undefined {
    const before = this.#kept.get(key);
    if (before && before.knownMs > knownMs) return before.record;
    this.#kept.delete(key);
    this.#absentUntilMs.delete(key);
    if (record === undefined) {
      const untilMs = readMs + this.#keeping.absentMs;
      if (this.#keeping.absentMs > 0) this.#insert(this.#absentUntilMs, key, untilMs);
      return undefined;
    }
    const isSame = before && JSON.stringify(before.record) === JSON.stringify(record);
    const used = isSame ? before.record : record;
    this.#insert(this.#kept, key, { record: used, readMs, knownMs, restMs: 0, isCutOff: false });
    return used;
  }

  #load(key: string, load: () => Promise<R | undefined>): Loading<R> {
    const running = this.#loading.get(key);
    if (running) return running;
    const readMs = this.#clock.monotonicMs();
    const answer = load()
      .then((record) => this.#remember(key, record, { readMs, knownMs: readMs }))
      .finally(() => this.#loading.delete(key));
    const loading = { readMs, answer };
    this.#loading.set(key, loading);
    return loading;
  }

  /** No quorum says otherwise: what is known goes on being used, for as long as it may. */
  #goOn(kept: Kept<R>, error: unknown): R {
    const nowMs = this.#clock.monotonicMs();
    kept.restMs = nowMs + this.#keeping.freshMs;
    kept.isCutOff = true;
    if (nowMs - kept.readMs > this.#keeping.keptMs) throw error;
    return kept.record;
  }

  #isAbsent(key: string): boolean {
    return (this.#absentUntilMs.get(key) ?? -Infinity) > this.#clock.monotonicMs();
  }

  #insert<V>(into: Map<string, V>, key: string, value: V): void {
    into.set(key, value);
    if (into.size > this.#keeping.entriesMax) into.delete(into.keys().next().value as string);
  }
}
