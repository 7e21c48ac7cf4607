import type { Cell } from '../causality/cell.ts';
import type { ReplicaState } from '../placement/failure-detector.ts';
import { CallRecord, type CallSort } from './call-record.ts';
import { ReplicaError, type CellRef } from './replica.ts';

/** One tenant may take up all but an eighth of what may be under way: whoever comes then finds room. */
const partMax = 7;

/** More than this is not sent to one replica at a time: `chars` is of the values on their way. */
export interface OpenLimits {
  readonly calls: number;
  readonly chars: number;
}

/** At 5 ms a call this lets 1.6 million calls a second through; a frozen replica reaches it soon. */
export const openLimits: OpenLimits = { calls: 8_192, chars: 64_000_000 };

/** One call, whose it is and what it brings along. */
export interface Load {
  readonly sort: CallSort;
  readonly tenant: string;
  /** As how many it counts: it may ask for many keys. 1 when it is left out. */
  readonly calls?: number;
  /** Of values; none when it is left out. */
  readonly chars?: number;
}

/**
 * The calls that are under way to one replica: counted, bounded and timed.
 *
 * The bound is there for a replica that freezes under load: what waits for it must not fill this
 * gateway's memory until its calls time out.
 */
export class Traffic {
  readonly #limits: OpenLimits;
  readonly #records: Readonly<Record<CallSort, CallRecord>> = {
    read: new CallRecord(),
    write: new CallRecord(),
    scan: new CallRecord(),
    sum: new CallRecord(),
  };
  #calls = 0;
  #chars = 0;
  readonly #tenants = new Map<string, { calls: number; chars: number }>();

  constructor(limits: OpenLimits = openLimits) {
    this.#limits = limits;
  }

  /** Whether as much is under way as may be. */
  get isFull(): boolean {
    return this.#calls >= this.#limits.calls || this.#chars >= this.#limits.chars;
  }

  /**
   * Whether as much is under way as may be, or as much of this tenant as one may take up: that is
   * `partMax` times the room that is left, so one who floods leaves some for the others.
   *
   * Source: Choudhury and Hahne, "Dynamic queue length thresholds", 1998.
   */
  isFullFor(tenant: string): boolean {
    if (this.isFull) return true;
    const held = this.#tenants.get(tenant);
    if (!held) return false;
    const { calls, chars } = this.#limits;
    const hasRoom = held.calls < partMax * (calls - this.#calls);
    return !hasRoom || held.chars >= partMax * (chars - this.#chars);
  }

  /** How long calls of this sort take, and whether the replica is slow at them. */
  pace(sort: CallSort): CallRecord {
    return this.#records[sort];
  }

  /** One call is on its way; whoever says so says how it ended. */
  began(load: Load, atMs: number): void {
    this.#records[load.sort].began(atMs);
    this.#add(load, 1);
  }

  answered(load: Load, { atMs, latencyMs }: { atMs: number; latencyMs: number }): void {
    this.#records[load.sort].answered(atMs, latencyMs);
    this.#add(load, -1);
  }

  failed(load: Load, at: { error: unknown; atMs: number; latencyMs: number }): void {
    const isSilence = at.error instanceof ReplicaError && at.error.fault === 'TIMEOUT';
    if (isSilence) this.#records[load.sort].timedOut(at.atMs, at.latencyMs);
    else this.#records[load.sort].failed();
    this.#add(load, -1);
  }

  #add({ tenant, calls = 1, chars = 0 }: Load, sign: 1 | -1): void {
    this.#calls += sign * calls;
    this.#chars += sign * chars;
    const known = this.#tenants.get(tenant);
    const held = known ?? { calls: 0, chars: 0 };
    if (!known) this.#tenants.set(tenant, held);
    held.calls += sign * calls;
    held.chars += sign * chars;
    if (held.calls === 0) this.#tenants.delete(tenant);
  }

  /** The replica was gone, and is back. */
  startAnew(): void {
    for (const record of Object.values(this.#records)) record.startAnew();
  }
}

/** Of which it is told who is slow. */
const judgedSorts = ['read', 'write', 'sum'] as const satisfies readonly CallSort[];
export type JudgedSort = (typeof judgedSorts)[number];

interface Paced {
  readonly state: ReplicaState;
  pace(sort: CallSort): CallRecord;
}

/** Decides anew which of these replicas are slow, each beside the best of the others. */
export function judgePaces(replicas: readonly Paced[], atMs: number): void {
  for (const sort of judgedSorts) {
    for (const replica of replicas) {
      const others = replicas
        .filter((other) => other !== replica && other.state === 'UP')
        .flatMap((other) => other.pace(sort).latestMedian() ?? []);
      const best = others.length === 0 ? undefined : Math.min(...others);
      replica.pace(sort).judge(atMs, best);
    }
  }
}

/** A call that reads these cells. */
export function reading(refs: readonly CellRef[]): Load {
  return { sort: 'read', tenant: refs[0]?.tenant ?? '', calls: refs.length };
}

/** The load of a call that brings this cell along, or none. */
export function writing({ tenant }: { tenant: string }, cell?: Cell): Load {
  return { sort: 'write', tenant, chars: cell ? charsOf(cell) : 0 };
}

/** About what a cell takes while it is on its way: its values are most of it. */
export function charsOf({ siblings }: Cell): number {
  let chars = 0;
  for (const { value } of siblings) chars += value?.length ?? 0;
  return chars;
}
