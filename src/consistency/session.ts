import type { Dependency, Sibling } from '../causality/cell.ts';
import { merge, nothingSeen, type VersionVector } from '../causality/version-vector.ts';

/**
 * What a session must be able to see of one key: the latest dot of each actor that it has read, or
 * written.
 */
export interface Floor {
  /** The storage name. */
  readonly keyspace: string;
  readonly key: string;
  readonly written: VersionVector;
  readonly read: VersionVector;
}

/**
 * What one session has seen of its tenant. A value: every operation makes a new one.
 *
 * Invariant: whatever the session has read or written is either listed here, or held by all its
 * replicas, or — once `isPartial` — at
 * least by a quorum of them. So a key that is not listed may be read at ONE, and from a partial
 * session at QUORUM.
 */
export interface Session {
  /** By `keyspace NUL key`, the longest unused first. */
  readonly floors: ReadonlyMap<string, Floor>;
  /** Something was left out of the list after it had been brought to a quorum. */
  readonly isPartial: boolean;
}

export const freshSession: Session = { floors: new Map(), isPartial: false };

export function floorName(at: { readonly keyspace: string; readonly key: string }): string {
  return `${at.keyspace}\0${at.key}`;
}

export function floorOf(
  session: Session,
  at: { keyspace: string; key: string },
): Floor | undefined {
  return session.floors.get(floorName(at));
}

/** The session after it has seen more of a key. Seeing it moves the key to the end of the list. */
export function remember(
  session: Session,
  at: { keyspace: string; key: string },
  seen: { written?: VersionVector; read?: VersionVector },
): Session {
  const before = floorOf(session, at);
  const floors = new Map(session.floors);
  floors.delete(floorName(at));
  floors.set(floorName(at), {
    keyspace: at.keyspace,
    key: at.key,
    written: merge(before?.written ?? nothingSeen, seen.written ?? nothingSeen),
    read: merge(before?.read ?? nothingSeen, seen.read ?? nothingSeen),
  });
  return { ...session, floors };
}

/**
 * One session that has seen what both have: two operations that ran side by side have each made
 * one of the same token.
 *
 * Law: associative, commutative and idempotent, but for the order of the list. A key that only one
 * of them lists is held by all its replicas, or was never seen, as far as the other goes: listing
 * it costs room, and forgets nothing.
 */
export function joinSessions(a: Session, b: Session): Session {
  const both = { ...a, isPartial: a.isPartial || b.isPartial };
  return [...b.floors.values()].reduce<Session>((next, one) => remember(next, one, one), both);
}

/**
 * The session without a key that needs no watching any more, because all replicas hold what it saw
 * of it.
 */
export function forget(session: Session, at: { keyspace: string; key: string }): Session {
  if (!session.floors.has(floorName(at))) return session;
  const floors = new Map(session.floors);
  floors.delete(floorName(at));
  return { ...session, floors };
}

/** The session without a key that is on a quorum, though perhaps not everywhere. */
export function forgetOnQuorum(session: Session, at: { keyspace: string; key: string }): Session {
  return { ...forget(session, at), isPartial: true };
}

/** Takes over what a version depends on: its reader must be able to see that too. */
export function inherit(session: Session, versions: readonly Sibling[]): Session {
  let next = session;
  for (const { dependencies = [], dependsOnQuorum } of versions) {
    for (const { keyspace, key, dots } of dependencies)
      next = remember(next, { keyspace, key }, { read: new Map(dots) });
    if (dependsOnQuorum && !next.isPartial) next = { ...next, isPartial: true };
  }
  return next;
}

/**
 * What a version written now depends on: all that is listed. Its own key too: the replica that
 * mints it may lack what the session wrote
 * there before, and a reader must not see the second write without the first.
 */
export function dependenciesOf(session: Session): readonly Dependency[] {
  return [...session.floors.values()].map(({ keyspace, key, written, read }) => ({
    keyspace,
    key,
    dots: [...merge(written, read)],
  }));
}

/** What versions of a key say that must be seen of the key itself. */
export function ownDependencies(
  versions: readonly Sibling[],
  at: { keyspace: string; key: string },
): VersionVector {
  let floor = nothingSeen;
  for (const { keyspace, key, dots } of versions.flatMap(({ dependencies = [] }) => dependencies)) {
    if (keyspace === at.keyspace && key === at.key) floor = merge(floor, new Map(dots));
  }
  return floor;
}

/**
 * The latest dot of each actor among these versions. Whoever has seen it has seen all that these
 * versions had replaced.
 */
export function dotsOf(versions: readonly Sibling[]): VersionVector {
  const dots = new Map<string, number>();
  for (const { dot } of versions)
    dots.set(dot.actor, Math.max(dots.get(dot.actor) ?? 0, dot.counter));
  return dots;
}
