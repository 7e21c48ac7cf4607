import type { Convergence } from '../causality/convergence.ts';
import { StoreError } from '../errors.ts';
import { overloaded } from './faults.ts';
import type { KeyBounds } from './key-bounds.ts';
import { votersOf, type PlacedKey, type Plan, type Target } from './plan.ts';
import type { RangeSource } from './range-source.ts';
import type { Receipt } from './receipt.ts';
import { roundedMs } from './scatter.ts';

/** A stretch of one keyspace, placed. */
export interface PlacedRange extends KeyBounds {
  readonly tenant: string;
  readonly keyspace: string;
  readonly convergence: Convergence;
  readonly epoch: number;
  readonly replicationFactor: number;
  /** Every replica that owns a part of the stretch. */
  readonly targets: readonly Target[];
  /** The distinct sets of primaries (replica ids) that occur in the stretch. */
  readonly groups: readonly (readonly string[])[];
  /** The primaries (replica ids) of one key. */
  readonly primariesOf: (key: string) => readonly string[];
  /** One key, to be read by itself. */
  readonly place: (key: string) => PlacedKey;
}

/** How a stretch is read. */
export interface RangeTerms {
  readonly plan: Plan;
  /** Entries on the page, at most; it may end by its bytes before. */
  readonly limit: number;
  readonly reverse: boolean;
}

/**
 * Refuses before anything is sent, with OVERLOADED, when of the primaries of some keys too few take more of
 * this tenant. That others are away is for the answers to tell.
 */
export function refuseIfTooFull(
  {
    tenant,
    keyspace,
    targets,
    groups,
  }: Pick<PlacedRange, 'tenant' | 'keyspace' | 'targets' | 'groups'>,
  need: number,
): void {
  const able = votersOf(targets);
  for (const group of groups) {
    const primaries = able.filter(({ replica }) => group.includes(replica.id));
    const taking = primaries.filter(({ replica }) => !replica.isFullFor(tenant));
    if (taking.length < need && primaries.length >= need)
      throw overloaded({ verb: 'read', keyspace });
  }
}

const onlyTold = 'told what its page sums up to; its page was not had';

/** Why a page cannot be given: of some keys too few replicas are live, or not in time. */
export function rangeFailure(
  { keyspace }: PlacedRange,
  { need: required }: Plan,
  { sources, why }: { sources: readonly RangeSource[]; why: 'late' | 'unreachable' },
): StoreError {
  const perReplica = sources.map((source) => {
    const outcome = source.outcome(why === 'late' ? 'TIMEOUT' : 'PENDING');
    return source.hasOnlyTold ? { reason: onlyTold, ...outcome } : outcome;
  });
  const inTime = perReplica.every(({ status }) => status !== 'TIMEOUT');
  const alive = sources.filter(({ state }) => state !== 'FAILED').length;
  // Our own bound, met behind the first page.
  if (why === 'unreachable' && sources.some(({ hadNoRoom }) => hadNoRoom))
    return overloaded({ verb: 'read', keyspace });
  if (why === 'unreachable' && inTime) {
    const message = `Cannot read a range of keyspace "${keyspace}": of some keys fewer than ${required} replicas can be reached`;
    return new StoreError('QUORUM_UNAVAILABLE', message, { required, alive, perReplica });
  }
  const received = sources.filter(({ state }) => state === 'READY').length;
  const message = `Cannot read a range of keyspace "${keyspace}": ${required} answers for every key are required, and they did not all come in time`;
  return new StoreError('READ_TIMEOUT', message, { required, received, perReplica });
}

/** What the replicas gave a page. */
export function rangeReceipt(
  { replicationFactor, epoch }: PlacedRange,
  { need, startMs }: Plan,
  found: {
    sources: readonly RangeSource[];
    stale: ReadonlySet<string>;
    repaired: ReadonlySet<string>;
    nowMs: number;
  },
): Receipt {
  const { sources, stale, repaired, nowMs } = found;
  const statusOf = ({ id }: RangeSource): 'REPAIRED' | 'STALE' | undefined => {
    if (repaired.has(id)) return 'REPAIRED';
    return stale.has(id) ? 'STALE' : undefined;
  };
  // Whoever told of another first page is not OK by a later one, unless that one was compared.
  const isCounted = (source: RangeSource): boolean =>
    source.hasAnswered && (!source.hasOnlyTold || statusOf(source) !== undefined);
  return {
    replicationFactor,
    required: need,
    answered: sources.filter(isCounted).length,
    stale: stale.size,
    repaired: repaired.size,
    hinted: 0,
    replicas: sources.map((source) => source.outcome('PENDING', statusOf(source))),
    epoch,
    elapsedMs: roundedMs(nowMs - startMs),
  };
}
