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
export function remember(session: Session, at: Place, seen: Seen): Session {
  const floors = new Map(session.floors);
  add(floors, at, seen);
  return { ...session, floors };
}

interface Place {
  readonly keyspace: string;
  readonly key: string;
}
interface Seen {
  readonly written?: VersionVector;
  readonly read?: VersionVector;
}

function add(floors: Map<string, Floor>, { keyspace, key }: Place, seen: Seen): void {
  const name = floorName({ keyspace, key });
  const before = floors.get(name);
  if (before) floors.delete(name);
  floors.set(name, {
    keyspace,
    key,
    written: merge(before?.written ?? nothingSeen, seen.written ?? nothingSeen),
    read: merge(before?.read ?? nothingSeen, seen.read ?? nothingSeen),
  });
}

/** What a read has shown of one key. */
export interface Shown {
  readonly at: Place;
  readonly versions: readonly Sibling[];
  /** Whether all its replicas hold what was shown, and this is in it: then it need not be listed. */
  readonly areEverywhere: (dots: VersionVector) => boolean;
}

/** The session after it was shown these together, and what they depend on. */
export function afterShown(session: Session, shown: readonly Shown[]): Session {
  const floors = new Map(session.floors);
  let { isPartial } = session;
  for (const { versions } of shown) isPartial = takeOver(floors, versions) || isPartial;
  for (const { at, versions, areEverywhere } of shown) {
    const read = dotsOf(versions);
    const { written = nothingSeen, read: before = nothingSeen } = floors.get(floorName(at)) ?? {};
    // What another version of the same answer depends on may be later than what was shown of its key.
    if (areEverywhere(merge(read, merge(written, before)))) floors.delete(floorName(at));
    else add(floors, at, { read });
  }
  return { floors, isPartial };
}

/** Lists what versions depend on; whether they depend on something that is not listed, but on a quorum. */
function takeOver(floors: Map<string, Floor>, versions: readonly Sibling[]): boolean {
  let isPartial = false;
  for (const { dependencies = [], dependsOnQuorum } of versions) {
    for (const { dots, ...at } of dependencies) add(floors, at, { read: new Map(dots) });
    isPartial ||= dependsOnQuorum === true;
  }
  return isPartial;
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
  const floors = new Map(a.floors);
  for (const floor of b.floors.values()) add(floors, floor, floor);
  return { floors, isPartial: a.isPartial || b.isPartial };
}

/** The session without keys that are on a quorum, though perhaps not everywhere. */
export function forgetOnQuorum(session: Session, ats: readonly Place[]): Session {
  const floors = new Map(session.floors);
  for (const at of ats) floors.delete(floorName(at));
  return { floors, isPartial: true };
}

/** Takes over what a version depends on: its reader must be able to see that too. */
export function inherit(session: Session, versions: readonly Sibling[]): Session {
  const floors = new Map(session.floors);
  const isPartial = takeOver(floors, versions) || session.isPartial;
  return { floors, isPartial };
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
