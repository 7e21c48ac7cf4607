import type { ReplicaState } from '../placement/failure-detector.ts';
import type { Clock } from '../runtime/clock.ts';
import { CallRecord, type CallSort } from './call-record.ts';
import { ReplicaError } from './replica.ts';

/** More than this is not sent to one replica at a time: `chars` is of the values on their way. */
export interface OpenLimits {
  readonly calls: number;
  readonly chars: number;
}

/** At 5 ms a call this lets 1.6 million calls a second through; a frozen replica reaches it soon. */
export const openLimits: OpenLimits = { calls: 8_192, chars: 64_000_000 };

/**
 * The calls that are under way to one replica: counted, bounded and timed.
 *
 * The bound is there for a replica that freezes under load: what waits for it must not fill this
 * gateway's memory until its calls time out.
 */
export class Traffic {
  readonly #clock: Clock;
  readonly #limits: OpenLimits;
  readonly #records: Readonly<Record<CallSort, CallRecord>> = {
    read: new CallRecord(),
    write: new CallRecord(),
    scan: new CallRecord(),
  };
  #calls = 0;
  #chars = 0;

  constructor(clock: Clock, limits: OpenLimits = openLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Whether as much is under way as may be. */
  get isFull(): boolean {
    return this.#calls >= this.#limits.calls || this.#chars >= this.#limits.chars;
  }

  /** How long calls of this sort take, and whether the replica is slow at them. */
  pace(sort: CallSort): CallRecord {
    return this.#records[sort];
  }

  /** Carries out one call, which brings so many `chars` with it. */
  async carry<T>(load: { sort: CallSort; chars: number }, act: () => Promise<T>): Promise<T> {
    const record = this.#records[load.sort];
    const startedMs = this.#clock.monotonicMs();
    record.began(startedMs);
    this.#calls += 1;
    this.#chars += load.chars;
    try {
      const answer = await act();
      const atMs = this.#clock.monotonicMs();
      record.answered(atMs, atMs - startedMs);
      return answer;
    } catch (error) {
      const atMs = this.#clock.monotonicMs();
      const isSilence = error instanceof ReplicaError && error.fault === 'TIMEOUT';
      if (isSilence) record.timedOut(atMs, atMs - startedMs);
      else record.failed();
      throw error;
    } finally {
      this.#calls -= 1;
      this.#chars -= load.chars;
    }
  }

  /** The replica was gone, and is back. */
  startAnew(): void {
    for (const record of Object.values(this.#records)) record.startAnew();
  }
}

interface Paced {
  readonly state: ReplicaState;
  pace(sort: CallSort): CallRecord;
}

/** Decides anew which of these replicas are slow, each beside the best of the others. */
export function judgePaces(replicas: readonly Paced[], atMs: number): void {
  for (const sort of ['read', 'write'] as const) {
    for (const replica of replicas) {
      const others = replicas
        .filter((other) => other !== replica && other.state === 'UP')
        .flatMap((other) => other.pace(sort).latestMedian() ?? []);
      const best = others.length === 0 ? undefined : Math.min(...others);
      replica.pace(sort).judge(atMs, best);
    }
  }
}
