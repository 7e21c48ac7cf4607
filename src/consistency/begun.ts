import type { Sibling } from '../causality/cell.ts';
import type { StoreError } from '../errors.ts';
import type { Keyspace } from './keyspace.ts';
import { majority, type Path } from './levels.ts';
import type { Grant } from './request-plan.ts';
import { isWithin, noRoom, roomFor, type Room } from './session-size.ts';
import { inherit, type Session } from './session.ts';
import type { Caller, ItemAnswer } from './store.ts';

/** What a request stands on, once its keyspace, level and session are known. */
export interface Begun {
  readonly caller: Caller;
  readonly keyspace: Keyspace;
  readonly granted: Grant;
  readonly session: Session;
  /** Whether a token has room to list its keys. */
  readonly isListed: boolean;
  /** It has not, and says that a quorum has them: a quorum of their replicas must, no hint will do. */
  readonly isUnlistedOnQuorum: boolean;
}

/**
 * The terms of a request for these keys, and the room that they need in the token it came with.
 *
 * Those that a token has no room to list are read from, or written to, a quorum instead, when a
 * session is in play; the token then says that it does not list all. A request at ONE that carries
 * no session promises nothing to a later one, and is not remembered.
 */
export function termsFor(
  keyspace: Keyspace,
  granted: Grant,
  what: {
    readonly path: Path;
    readonly keys: readonly string[];
    /** It came with a token: later requests will hold it against what this one sees. */
    readonly carriesSession: boolean;
  },
): Pick<Begun, 'granted' | 'isListed' | 'isUnlistedOnQuorum'> & { readonly room: Room } {
  if (what.keys.length === 0) {
    return { granted, isListed: true, isUnlistedOnQuorum: false, room: noRoom };
  }
  const needed = roomFor(keyspace, what.keys);
  const isSession = what.carriesSession || granted.level.floor !== 'none';
  // What a read has shown is made to fit afterwards. A write that has happened must not fail then.
  const room = needed && what.path === 'write' ? needed : noRoom;
  if (needed) return { granted, isListed: true, isUnlistedOnQuorum: false, room };
  const quorum = majority(keyspace.replicationFactor);
  if (!isSession) {
    return { granted, isListed: false, isUnlistedOnQuorum: granted.plan.need >= quorum, room };
  }
  const plan = { ...granted.plan, need: Math.max(granted.plan.need, quorum), writeBack: true };
  return { granted: { ...granted, plan }, isListed: false, isUnlistedOnQuorum: true, room };
}

/** What one item of a request for many became; of a write whose outcome is unknown, its name too. */
export function failedItem(
  key: string,
  { code, message, outcome, details }: StoreError,
): Extract<ItemAnswer, { error: unknown }> {
  const writeId = details['writeId'];
  return {
    key,
    error: { code, message, outcome },
    ...(typeof writeId === 'string' ? { writeId } : {}),
  };
}

/** A session after a request for keys that it does not list, whose versions are these. */
export function afterMany(begun: Begun, versions: readonly Sibling[]): Session {
  const { session, isUnlistedOnQuorum } = begun;
  if (!isUnlistedOnQuorum || versions.length === 0) return session;
  return { ...inherit(session, versions), isPartial: true };
}

/**
 * The same after a write. It has happened, and must not fail because something else cannot be brought
 * to a quorum: where its token would have no room for what other versions depend on, it tells of its
 * own write only, as the token of a listed one does. What its own version depends on is what its
 * session has seen.
 */
export function afterUnlistedWrite(
  begun: Begun,
  { writeId, versions }: { readonly writeId: string; readonly versions: readonly Sibling[] },
): Session {
  const { session, isUnlistedOnQuorum } = begun;
  if (!isUnlistedOnQuorum || versions.length === 0) return session;
  const told = session.isPartial ? session : { ...session, isPartial: true };
  // One of hundreds, mostly: a token is not copied and measured for nothing.
  const dependent = versions.filter(
    (version) => version.writeId !== writeId && (version.dependencies ?? []).length > 0,
  );
  if (dependent.length === 0) return told;
  const after = inherit(told, dependent);
  return isWithin(after) ? after : told;
}
