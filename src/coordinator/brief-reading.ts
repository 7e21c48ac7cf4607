import {
  isWhole,
  ReplicaError,
  type BriefCell,
  type CellRef,
  type ReadOptions,
  type StoredCell,
} from '../replica/replica.ts';
import type { Cancel, Clock } from '../runtime/clock.ts';
import { hedgeLimits, roundingMs, type Hedging } from './hedging.ts';
import type { Target } from './plan.ts';

/** With less time than this before the deadline nothing is asked for: no answer would come in it. */
const leastLeftMs = 20;

interface Whole {
  readonly target: Target;
  readonly askedMs: number;
  readonly answer: Promise<readonly StoredCell[]>;
}

/**
 * Asks the first of several replicas for whole cells, and the others briefly: of a large cell they say
 * only which state they hold, so that a value of many kilobytes travels once and not N times. A small one
 * comes from all at once, as if nothing had been said.
 *
 * A digest by itself is nobody's answer: it becomes one with a whole cell of the same digest, which is the
 * same state. Where that one differs, fails or is slow, the replica is asked again, for the whole. So
 * whoever decides sees whole cells only, and a frozen replica costs a hedge.
 *
 * DeCandia and others, "Dynamo", SOSP 2007; Cassandra has digest reads, too.
 */
export class BriefReading {
  readonly #deps: { readonly clock: Clock; readonly hedging: Hedging };
  readonly #refs: readonly CellRef[];
  readonly #options: ReadOptions;
  #whole: Whole | undefined;
  /** What the whole answer is; undefined when it failed, or is later than that replica mostly is. */
  #inTime: Promise<readonly StoredCell[] | undefined> | undefined;

  constructor(
    deps: { readonly clock: Clock; readonly hedging: Hedging },
    refs: readonly CellRef[],
    options: ReadOptions,
  ) {
    this.#deps = deps;
    this.#refs = refs;
    this.#options = options;
  }

  /** The cells as this replica holds them, in the order asked. Errors: those of the replica. */
  ask(target: Target): Promise<readonly StoredCell[]> {
    const whole = this.#whole;
    if (!whole) return this.#askWhole(target);
    return target.replica
      .readBriefly(this.#refs, this.#options)
      .then((answers) =>
        answers.every(isWhole) ? answers : this.#completed(target, answers, whole),
      );
  }

  /** The same of one cell. */
  askOne(target: Target): Promise<StoredCell> {
    const whole = this.#whole;
    if (!whole) return this.#askWhole(target).then(only);
    return target.replica.readBriefly(this.#refs, this.#options).then((answers) => {
      const answer = only(answers);
      return isWhole(answer) ? answer : this.#completed(target, answers, whole).then(only);
    });
  }

  #askWhole(target: Target): Whole['answer'] {
    const askedMs = this.#deps.clock.monotonicMs();
    const answer = target.replica.readMany(this.#refs, this.#options);
    this.#whole = { target, askedMs, answer };
    return answer;
  }

  async #completed(
    { replica }: Target,
    answers: readonly BriefCell[],
    whole: Whole,
  ): Promise<readonly StoredCell[]> {
    this.#inTime ??= this.#untilLate(whole);
    const shown = await this.#inTime;
    const cells = answers.map((answer, at): StoredCell | undefined => {
      if (isWhole(answer)) return answer;
      const same = shown?.[at];
      return same?.digest === answer.digest ? { cell: same.cell, ...answer } : undefined;
    });
    const missing = this.#refs.filter((_, at) => cells[at] === undefined);
    if (missing.length === 0) return cells.filter((cell) => cell !== undefined);
    const { deadlineMs } = this.#options;
    // Sent now it would be late for sure, and its replica, which has just answered, taken for silent.
    if (deadlineMs - this.#deps.clock.monotonicMs() < leastLeftMs)
      throw new ReplicaError('TIMEOUT', 'no time was left to ask for the whole cell', false);
    const more = (await replica.readMany(missing, { deadlineMs })).values();
    return cells.flatMap((cell) => cell ?? more.next().value ?? []);
  }

  #untilLate({ target, askedMs, answer }: Whole): Promise<readonly StoredCell[] | undefined> {
    const { clock, hedging } = this.#deps;
    const hedge = hedging.of('read');
    const { deadlineMs } = this.#options;
    // From when another one has answered: where all have too much to do, all are late alike.
    const nowMs = clock.monotonicMs();
    const freeMs = nowMs - askedMs + Math.min(hedgeLimits.patienceMs, (deadlineMs - nowMs) / 2);
    return new Promise((resolve) => {
      const until = (waitedMs: number): Cancel =>
        clock.after(Math.max(roundingMs, askedMs + waitedMs - clock.monotonicMs()), look);
      const look = (): void => {
        if (hedge.allows(target, askedMs, freeMs)) resolve(undefined);
        else cancel = until(freeMs);
      };
      let cancel = until(Math.min(hedge.delayMs(target), freeMs));
      const settle = (cells?: readonly StoredCell[]): void => {
        cancel();
        resolve(cells);
      };
      answer.then(settle, () => settle());
    });
  }
}

function only<T>([first]: readonly T[]): T {
  if (first === undefined) throw new Error('a call for one key is answered with one cell');
  return first;
}
