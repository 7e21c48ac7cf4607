import type { Clock } from '../runtime/clock.ts';
import { ReplicaError } from '../replica/replica.ts';
import { hedgeLimits, type Hedge } from './hedging.ts';
import type { Plan, Target } from './plan.ts';
import type { ReplicaOutcome, ReplicaStatus } from './receipt.ts';
import { verdict, type Verdict } from './tally.ts';

/** What has become of one call so far. Mutable, and read once more when the receipt is written. */
export interface Attempt<T> {
  readonly target: Target;
  status: ReplicaStatus;
  reply: T | undefined;
  fault: ReplicaError | undefined;
  startedMs: number | undefined;
  elapsedMs: number | undefined;
}

/** One question to several replicas, at the moment when its verdict was known. */
export interface Round<T> {
  readonly verdict: Exclude<Verdict, 'pending'> | 'late';
  readonly attempts: readonly Attempt<T>[];
  /** The attempts that had answered. */
  readonly replies: readonly Attempt<T>[];
  /** Resolves, always, when every call of the round has settled: for repair, off the hot path. */
  readonly settled: Promise<readonly Attempt<T>[]>;
}

export interface ScatterOptions<T> {
  readonly clock: Clock;
  readonly plan: Pick<Plan, 'need' | 'deadlineMs'>;
  readonly call: (target: Target) => Promise<T>;
  /**
   * How many are asked at once; the rest are asked one by one when a call fails, or is slower than
   * `hedge` says.
   */
  readonly atOnce: number;
  readonly hedge?: Hedge;
  /** Whether a reply counts as an acknowledgement; one that does not is a refusal. */
  readonly accepts?: (reply: T) => boolean;
  /**
   * Called for every target that does not take it, before the verdict and after. Until a promise
   * that it returns has settled the round goes on; if it says so, it counts in the target's place.
   */
  readonly missed?: (attempt: Attempt<T>) => Promise<boolean> | undefined;
  /** Answers early, whatever `need` says, when these replies are enough. */
  readonly enough?: (replies: readonly T[]) => boolean;
}

/**
 * Asks replicas and answers as soon as the verdict is known: `met`, `unreachable` (too many have
 * failed) or `late` (the deadline). Everything that is in flight at once in this gateway is in
 * here. Never rejects.
 */
export function scatter<T>(
  targets: readonly Target[],
  options: ScatterOptions<T>,
): Promise<Round<T>> {
  return new Promise((resolve) => new Scatter(targets, options, resolve).start());
}

class Scatter<T> {
  readonly #options: ScatterOptions<T>;
  readonly #attempts: readonly Attempt<T>[];
  readonly #answer: (round: Round<T>) => void;
  readonly #settled: Promise<readonly Attempt<T>[]>;
  #allSettled: (attempts: readonly Attempt<T>[]) => void = () => undefined;
  readonly #cancels: (() => void)[] = [];
  /** Targets that somebody may stand in for, and whether he does. */
  readonly #standIns = new Map<Attempt<T>, 'open' | 'counts'>();
  #next = 0;
  #open = 0;
  #done = false;

  constructor(
    targets: readonly Target[],
    options: ScatterOptions<T>,
    answer: (round: Round<T>) => void,
  ) {
    this.#options = options;
    this.#answer = answer;
    this.#attempts = targets.map(notAsked<T>);
    this.#settled = new Promise((resolve) => (this.#allSettled = resolve));
  }

  start(): void {
    const { clock, plan, atOnce } = this.#options;
    const leftMs = Math.max(0, plan.deadlineMs - clock.monotonicMs());
    this.#cancels.push(clock.after(leftMs, () => this.#finish('late')));
    for (let asked = 0; asked < atOnce; asked += 1) this.#askNext();
    this.#hedge();
    this.#judge();
  }

  #askNext(): void {
    const attempt = this.#attempts[this.#next];
    if (!attempt || this.#done) return;
    this.#next += 1;
    const { clock, call } = this.#options;
    const startedMs = clock.monotonicMs();
    const { replica } = attempt.target;
    if (replica.state === 'DOWN') {
      // Told at once, or a receipt that is written now would call it pending.
      const fault = new ReplicaError('DOWN', `the replica is down: ${replica.reason}`, false);
      Object.assign(attempt, { status: 'DOWN', fault, startedMs, elapsedMs: 0 });
      this.#missed(attempt);
      return this.#askNext();
    }
    this.#open += 1;
    attempt.status = 'PENDING';
    attempt.startedMs = startedMs;
    call(attempt.target).then(
      (reply) => this.#replied(attempt, reply, clock.monotonicMs() - startedMs),
      (error: unknown) => this.#failed(attempt, error, clock.monotonicMs() - startedMs),
    );
  }

  /** A slow answer costs one more question, never more than one a target. */
  #hedge(): void {
    const { hedge } = this.#options;
    const last = this.#attempts[this.#next - 1];
    if (!hedge || !last || this.#next >= this.#attempts.length) return;
    this.#hedgeAfter(hedge.delayMs(last.target), { hedge, last });
  }

  #hedgeAfter(afterMs: number, what: { hedge: Hedge; last: Attempt<T> }): void {
    const { hedge, last } = what;
    const { clock } = this.#options;
    const task = (): void => {
      if (this.#done) return;
      const isAllowed = hedge.allows(last.target, last.startedMs ?? -Infinity);
      if (!isAllowed) return this.#hedgeAfter(hedgeLimits.patienceMs, what);
      this.#askNext();
      this.#hedge();
    };
    this.#cancels.push(clock.after(afterMs, task));
  }

  #replied(attempt: Attempt<T>, reply: T, elapsedMs: number): void {
    const accepted = this.#options.accepts?.(reply) ?? true;
    attempt.status = accepted ? 'OK' : 'REFUSED';
    attempt.reply = reply;
    attempt.elapsedMs = elapsedMs;
    this.#closed(attempt, accepted);
  }

  #failed(attempt: Attempt<T>, error: unknown, elapsedMs: number): void {
    const fault =
      error instanceof ReplicaError ? error : new ReplicaError('REFUSED', String(error), true);
    attempt.status = fault.fault;
    attempt.fault = fault;
    attempt.elapsedMs = elapsedMs;
    this.#closed(attempt, false);
  }

  #closed(attempt: Attempt<T>, good: boolean): void {
    this.#open -= 1;
    if (!good) this.#missed(attempt);
    if (!good) this.#askNext();
    this.#judge();
    if (this.#open === 0) this.#allSettled(this.#attempts);
  }

  #missed(attempt: Attempt<T>): void {
    const standIn = this.#options.missed?.(attempt);
    if (!standIn) return;
    this.#open += 1;
    this.#standIns.set(attempt, 'open');
    void standIn.then((counts) => {
      if (counts) this.#standIns.set(attempt, 'counts');
      else this.#standIns.delete(attempt);
      this.#open -= 1;
      this.#judge();
      if (this.#open === 0) this.#allSettled(this.#attempts);
    });
  }

  #judge(): void {
    if (this.#done) return;
    const good = this.#attempts.filter(({ status }) => status === 'OK');
    const standIns = [...this.#standIns.values()];
    const acks = good.length + standIns.filter((standIn) => standIn === 'counts').length;
    if (this.#options.enough?.(good.flatMap(({ reply }) => (reply === undefined ? [] : [reply]))))
      return this.#finish('met');
    const faults = this.#attempts.filter(
      (attempt) => isFault(attempt) && !this.#standIns.has(attempt),
    ).length;
    // With `enough`, `need` is out of reach on purpose: the round goes on until nobody is left to
    // answer.
    if (this.#options.enough && this.#open > 0) return;
    const reached = verdict({
      sent: this.#attempts.length,
      need: this.#options.plan.need,
      acks,
      faults,
    });
    if (reached !== 'pending') this.#finish(reached);
  }

  #finish(reached: Round<T>['verdict']): void {
    if (this.#done) return;
    this.#done = true;
    for (const cancel of this.#cancels) cancel();
    if (this.#open === 0) this.#allSettled(this.#attempts);
    const replies = this.#attempts.filter(({ status }) => status === 'OK');
    this.#answer({ verdict: reached, attempts: this.#attempts, replies, settled: this.#settled });
  }
}

function isFault({ status }: Attempt<unknown>): boolean {
  return status !== 'OK' && status !== 'PENDING' && status !== 'NOT_ASKED';
}

/** A target that no call has been made to. */
export function notAsked<T>(target: Target): Attempt<T> {
  return {
    target,
    status: 'NOT_ASKED',
    reply: undefined,
    fault: undefined,
    startedMs: undefined,
    elapsedMs: undefined,
  };
}

/** The line of a receipt for one attempt, as it stands now. */
export function outcomeOf(
  attempt: Attempt<unknown>,
  status: ReplicaStatus = attempt.status,
): ReplicaOutcome {
  const { replica, role } = attempt.target;
  return {
    replica: replica.id,
    ...(replica.zone === undefined ? {} : { zone: replica.zone }),
    role: role === 'primary' ? 'PRIMARY' : 'FALLBACK',
    status,
    ...(attempt.elapsedMs === undefined ? {} : { elapsedMs: roundedMs(attempt.elapsedMs) }),
    ...(attempt.fault === undefined ? reasonOfStatus(status) : { reason: attempt.fault.message }),
  };
}

/** Microseconds are as fine as any clock here is. */
export function roundedMs(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

function reasonOfStatus(status: ReplicaStatus): { reason?: string } {
  if (status === 'PENDING') return { reason: 'had not answered yet when the answer was given' };
  if (status === 'TIMEOUT') return { reason: 'no answer in time' };
  if (status === 'REFUSED') return { reason: 'a newer ballot was promised there' };
  return {};
}
