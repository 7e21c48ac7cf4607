import type { Pending } from './call-kind.ts';
import type { Connection } from './connection.ts';
import { holdsKeys, type UnderWay } from './under-way.ts';

/** A place for one connection of a batcher, and the batch that is under way on it. */
export interface Slot {
  connection: Connection | undefined;
  opening: boolean;
  batch: readonly Pending[] | undefined;
  /** Of which the batch locks the rows. */
  keys: ReadonlySet<string> | undefined;
  sentMs: number;
}

export function freeSlot(): Slot {
  return { connection: undefined, opening: false, batch: undefined, keys: undefined, sentMs: 0 };
}

export function occupy(slot: Slot, batch: readonly Pending[], nowMs: number): void {
  slot.batch = batch;
  slot.keys = batch[0]?.kind.locksRow ? new Set(batch.map(({ key }) => key)) : undefined;
  slot.sentMs = nowMs;
}

export function vacate(slot: Slot): void {
  slot.batch = undefined;
  slot.keys = undefined;
}

export function underWayIn(slots: readonly Slot[]): readonly UnderWay[] {
  return slots.flatMap(({ batch, sentMs }) => (batch ? [{ calls: batch.length, sentMs }] : []));
}

/** Whether the row that this call would lock is locked by one that is under way. */
export function isLockedIn(slots: readonly Slot[], { kind, key }: Pending, nowMs: number): boolean {
  if (!kind.locksRow) return false;
  return slots.some((slot) => slot.keys?.has(key) === true && holdsKeys(slot, nowMs));
}
