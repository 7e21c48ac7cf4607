import { StoreError } from '../errors.ts';
import { openLimits, type JudgedSort } from '../replica/traffic.ts';
import { votersOf, type Plan, type PlacedKey, type Target } from './plan.ts';
import type { ReplicaOutcome, ReplicaStatus } from './receipt.ts';
import { outcomeOf, type Attempt, type Round } from './scatter.ts';

/** What a failure is about, for its message. */
export interface Subject {
  readonly verb: 'read' | 'write';
  readonly keyspace: string;
}

/**
 * Replicas worth asking, those that are well first, and those last that would be slow at this sort of
 * call. The order of the preference list decides among equals.
 */
export function inOrderOfHealth(
  targets: readonly Target[],
  sort: JudgedSort = 'write',
): readonly Target[] {
  const rankOf = ({ replica }: Target): number =>
    ranks[replica.state] + (replica.pace(sort).slow || replica.isFull ? 1 : 0);
  if (targets.every((target) => rankOf(target) === 0)) return targets;
  return targets.toSorted((a, b) => rankOf(a) - rankOf(b));
}

const ranks = { UP: 0, SUSPECT: 2, REPAIRING: 4, DOWN: 6 } as const;

/**
 * Refuses before anything is sent when too few replicas are live: certainly nothing is written
 * then. Where hints count, a live fallback stands in for each primary that is away.
 */
export function refuseIfTooFewLive(
  key: PlacedKey,
  { need, sloppy }: Pick<Plan, 'need' | 'sloppy'>,
  subject: Subject,
): void {
  const isRead = subject.verb === 'read';
  const live = isRead ? votersOf(key.targets) : key.targets.filter(isLive);
  const away = key.targets.length - live.length;
  const standIns = sloppy ? Math.min(away, key.fallbacks.filter(isLive).length) : 0;
  const alive = live.length + standIns;
  const full = live.filter(({ replica }) => replica.isFullFor(key.ref.tenant)).length;
  if (alive - full >= need) return;
  if (alive >= need) throw overloaded(subject);
  const asked = sloppy ? [...key.targets, ...key.fallbacks] : key.targets;
  const perReplica = asked.map(({ replica, role }): ReplicaOutcome => {
    const status = statusBefore(replica, isRead);
    return {
      replica: replica.id,
      role: role === 'primary' ? 'PRIMARY' : 'FALLBACK',
      status,
      ...(status === 'NOT_ASKED' ? {} : { reason: replica.reason }),
    };
  });
  throw quorumUnavailable(subject, { required: need, alive, perReplica }, sloppyNote(key, sloppy));
}

/** What to say of hints that were to count, where there is nobody who could keep one that does. */
export function sloppyNote({ targets, fallbacks }: PlacedKey, sloppy: true | undefined): string {
  if (!sloppy || fallbacks.length > 0) return '';
  return `; "sloppy" gives nothing more here: all ${targets.length} replicas hold the key, and none is left to stand in`;
}

function isLive({ replica }: Target): boolean {
  return replica.state !== 'DOWN';
}

/** What keeps a replica from being asked. */
function statusBefore({ state }: Target['replica'], isRead: boolean): ReplicaStatus {
  if (state === 'DOWN') return 'DOWN';
  return isRead && state === 'REPAIRING' ? 'REFUSED' : 'NOT_ASKED';
}

/** As much is under way to the replicas as may be: to queue more would only make it later still. */
export function overloaded({ verb, keyspace }: Subject): StoreError {
  return new StoreError(
    'OVERLOADED',
    `Cannot ${verb} in keyspace "${keyspace}" now: as much of the tenant is under way to and from its replicas as may be`,
    { limit: openLimits.calls, limitChars: openLimits.chars, retryAfterMs: overloadedMs },
  );
}

const overloadedMs = 200;

export function quorumUnavailable(
  subject: Subject,
  details: { required: number; alive: number; perReplica: readonly ReplicaOutcome[] },
  note = '',
): StoreError {
  return new StoreError(
    'QUORUM_UNAVAILABLE',
    `Cannot ${subject.verb} in keyspace "${subject.keyspace}": ${details.required} replicas must answer, and ${details.alive} of ${details.perReplica.length} can be reached${note}`,
    details,
  );
}

/**
 * What a read that did not get its answers is called: too few live, or not in time. Nothing was
 * written either way.
 */
export function readFailure(round: Round<unknown>, plan: Plan, subject: Subject): StoreError {
  const perReplica = round.attempts.map((attempt) =>
    outcomeOf(attempt, settledStatus(attempt, round.verdict)),
  );
  const alive = round.attempts.filter(
    ({ status, target }) => status !== 'DOWN' && target.replica.state !== 'REPAIRING',
  ).length;
  if (alive < plan.need)
    return quorumUnavailable(subject, { required: plan.need, alive, perReplica });
  return new StoreError(
    'READ_TIMEOUT',
    `Cannot read in keyspace "${subject.keyspace}": ${plan.need} answers are required, and ${round.replies.length} came in time`,
    { required: plan.need, received: round.replies.length, perReplica },
  );
}

/** The write may be there: a replica took it, or may yet, and too few have said so. */
export function writeUncertain(
  attempts: readonly Attempt<unknown>[],
  what: {
    verdict: Round<unknown>['verdict'];
    required: number;
    acknowledged: number;
    writeId: string;
    keyspace: string;
  },
): StoreError {
  const { keyspace, verdict, ...details } = what;
  return new StoreError(
    'WRITE_UNCERTAIN',
    `A write to keyspace "${keyspace}" may or may not have happened: ${what.required} acknowledgements are required, and ${what.acknowledged} came in time`,
    {
      ...details,
      perReplica: attempts.map((attempt) => outcomeOf(attempt, settledStatus(attempt, verdict))),
    },
  );
}

/**
 * A call that has not answered has timed out only when time was up; before that, others decided the
 * request.
 */
function settledStatus(
  { status }: Attempt<unknown>,
  verdict: Round<unknown>['verdict'],
): Attempt<unknown>['status'] {
  return status === 'PENDING' && verdict === 'late' ? 'TIMEOUT' : status;
}
