import { emptyCell } from '../causality/cell.ts';
import type { Convergence } from '../causality/convergence.ts';
import type { ReplicaState } from '../placement/failure-detector.ts';
import { refName, type CellRef } from '../replica/cell-ref.ts';
import type { TombstoneStore } from '../replica/digest-source.ts';
import type { Hint, HintStore } from '../replica/hint-store.ts';
import { ReplicaError, type CellStore } from '../replica/replica.ts';
import type { Metrics } from '../runtime/metrics.ts';
import { joinInto } from './join-into.ts';

/** A replica as hinted handoff sees it: it keeps hints, and is brought what others keep for it. */
export interface HandoffReplica extends CellStore, HintStore, Pick<TombstoneStore, 'collect'> {
  readonly id: string;
  readonly state: ReplicaState;
}

/** Where a cell belongs now, and how its states become one. */
export interface Whereabouts {
  readonly convergence: Convergence;
  readonly primaries: readonly HandoffReplica[];
}

export interface DeliveryDeps {
  readonly metrics: Metrics;
  /** Undefined when the keyspace was dropped; rejects when that cannot be told now. */
  readonly locate: (ref: CellRef) => Promise<Whereabouts | undefined>;
  /** Of a hint that is left again. */
  readonly lifeMs: number;
}

/** Hints that were claimed at one holder for one target. */
export interface Consignment {
  readonly holder: HandoffReplica;
  readonly target: string;
  readonly hints: readonly Hint[];
  readonly deadlineMs: number;
}

export interface Delivered {
  /** Hints that nobody needs any more. */
  readonly settled: readonly Hint[];
  /** A replica failed: it is of no use to go on now. */
  readonly isBroken: boolean;
}

/** What became of the hints of one key. */
type Fate = 'replayed' | 'rerouted' | 'obsolete' | 'refused' | 'failed';

/**
 * Brings claimed hints to where they belong, joined there: any order, any number of times.
 *
 * All hints of a key become one join. A target that is no primary of the key any more gets nothing;
 * those that are get it instead, all of them, since nobody knows which of them took its place.
 */
export async function deliver(deps: DeliveryDeps, what: Consignment): Promise<Delivered> {
  const byKey = new Map<string, Hint[]>();
  for (const hint of what.hints) {
    const name = refName(hint.ref);
    byKey.set(name, [...(byKey.get(name) ?? []), hint]);
  }
  const settled: Hint[] = [];
  let isBroken = false;
  await Promise.all(
    [...byKey.values()].map(async (hints) => {
      const fate = await deliverKey(deps, what, hints).catch((error: unknown): Fate => {
        isBroken ||= !(error instanceof ReplicaError) || error.fault !== 'REFUSED';
        return 'failed';
      });
      deps.metrics.hints.inc({ result: fate }, hints.length);
      if (fate !== 'refused' && fate !== 'failed') settled.push(...hints);
    }),
  );
  return { settled, isBroken };
}

async function deliverKey(
  { locate, lifeMs }: DeliveryDeps,
  { holder, target, deadlineMs }: Consignment,
  hints: readonly Hint[],
): Promise<Fate> {
  const [first] = hints;
  const place = first && (await locate(first.ref));
  if (!place) return 'obsolete';
  const { convergence, primaries } = place;
  const own = primaries.filter(({ id }) => id === target);
  const takers = own.length > 0 ? own : primaries;
  const cell = hints.reduce((state, hint) => convergence.join(state, hint.cell), emptyCell);
  const request = { ref: first.ref, cell, convergence };
  const joined = await Promise.all(takers.map((taker) => joinInto(taker, request, { deadlineMs })));
  // Rule A: a newer ballot was promised there. It is tried again when the claim has run out.
  if (joined.some(({ status }) => status === 'refused')) return 'refused';
  if (!primaries.some(({ id }) => id === holder.id)) {
    await takeRowAlong(holder, place, { hint: first, lifeMs, deadlineMs });
  }
  return own.length > 0 ? 'replayed' : 'rerouted';
}

/**
 * Empties the row that a holder has of a key which is not its own: it minted a version while no
 * primary could (a sloppy write). All primaries get what is in it before it goes; who cannot be
 * reached gets another hint, so that as long as there is a row there is a hint that leads to it.
 */
async function takeRowAlong(
  holder: HandoffReplica,
  { convergence, primaries }: Whereabouts,
  what: { hint: Hint; lifeMs: number; deadlineMs: number },
): Promise<void> {
  const { hint, lifeMs, deadlineMs } = what;
  const { ref, epoch } = hint;
  const { cell, digest } = await holder.read(ref, { deadlineMs });
  if (digest === 0n) return;
  const request = { ref, cell, convergence };
  const joined = await Promise.all(
    primaries.map((primary) =>
      joinInto(primary, request, { deadlineMs })
        .then(({ status }) => status === 'joined')
        .catch(() => false),
    ),
  );
  const missing = primaries.filter((_, index) => !joined[index]);
  if (missing.length === 0) {
    await holder.collect(ref, digest, { deadlineMs, isHandedOver: true });
    return;
  }
  const stamp = convergence.stampOf(cell);
  const again = { ref, cell, stamp, epoch, lifeMs };
  await Promise.all(
    missing.map(({ id: target }) => holder.putHint({ ...again, target }, { deadlineMs })),
  );
}
