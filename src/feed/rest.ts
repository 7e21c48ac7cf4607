/** What one read of a log has found. */
export interface ReadResult {
  readonly atMs: number;
  /** Something was logged since the read before. */
  readonly moved: boolean;
  /** And somebody follows it. */
  readonly found: boolean;
}

/** Reads in a row that find nothing but what is nobody's, and how little time they may take. */
const futileMax = 12;
const futileWithinMs = 1_000;
/** More reads without anything new than with. */
const stillMax = 12;
/** More reads that find what is followed than others: it would be read every 3 ms. */
const fruitfulMax = 8;
/** After a rest, until every writer knows that it is to wake again: see `WakeUps`. */
const watchMs = 500;

/**
 * When a reader of a log need not be woken. While others write without pause what it does not follow, it
 * reads every 25 ms whether it is woken or not: what wakes it then is for nothing, and costs each replica
 * and its writers three times what the reads do.
 *
 * Pure: told what each read has found, it says when that changes.
 */
export class Rest {
  #isResting = false;
  #futile = 0;
  #sinceMs = 0;
  #still = 0;
  #fruitful = 0;
  #watchUntilMs: number | undefined;

  /** Nobody may be counted on to wake it. */
  get looksByItself(): boolean {
    return this.#isResting || this.#watchUntilMs !== undefined;
  }

  /** Whether it is to be woken from now on; undefined where that stays as it is. */
  after(read: ReadResult): boolean | undefined {
    return this.#isResting ? this.#atRest(read) : this.#awake(read);
  }

  #awake({ atMs, moved, found }: ReadResult): boolean | undefined {
    if (atMs >= (this.#watchUntilMs ?? Infinity)) this.#watchUntilMs = undefined;
    this.#futile = moved && !found ? this.#futile + 1 : 0;
    if (this.#futile === 1) this.#sinceMs = atMs;
    if (this.#futile < futileMax) return undefined;
    this.#futile = 0;
    if (atMs - this.#sinceMs > futileWithinMs) return undefined;
    this.#isResting = true;
    this.#still = this.#fruitful = 0;
    this.#watchUntilMs = undefined;
    return false;
  }

  #atRest({ atMs, moved, found }: ReadResult): boolean | undefined {
    this.#still = Math.max(0, this.#still + (moved ? -1 : 1));
    this.#fruitful = Math.max(0, this.#fruitful + (found ? 1 : -1));
    if (this.#still < stillMax && this.#fruitful < fruitfulMax) return undefined;
    this.#isResting = false;
    this.#watchUntilMs = atMs + watchMs;
    return true;
  }
}
