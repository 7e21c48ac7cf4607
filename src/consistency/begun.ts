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
  /** It has not, and a session counts on them: a quorum must have them, and no hint will do. */
  readonly isUnlistedInSession: boolean;
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
): Pick<Begun, 'granted' | 'isListed' | 'isUnlistedInSession'> & { readonly room: Room } {
  if (what.keys.length === 0) {
    return { granted, isListed: true, isUnlistedInSession: false, room: noRoom };
  }
  const needed = roomFor(keyspace, what.keys);
  const isSession = what.carriesSession || granted.level.floor !== 'none';
  // What a read has shown is made to fit afterwards. A write that has happened must not fail then.
  const room = needed && what.path === 'write' ? needed : noRoom;
  if (needed || !isSession) {
    return { granted, isListed: needed !== undefined, isUnlistedInSession: false, room };
  }
  const need = Math.max(granted.plan.need, majority(keyspace.replicationFactor));
  const plan = { ...granted.plan, need, writeBack: true };
  return { granted: { ...granted, plan }, isListed: false, isUnlistedInSession: true, room };
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
  const { session, granted, keyspace } = begun;
  const isOnQuorum = granted.plan.need >= majority(keyspace.replicationFactor);
  if (!isOnQuorum || versions.length === 0) return session;
  return { ...inherit(session, versions), isPartial: true };
}

/**
 * The same after a write. It has happened, and must not fail because something else cannot be brought
 * to a quorum: where its token would have no room for what other versions depend on, it tells of its
 * own write only, as the token of a listed one does.
 */
export function afterUnlistedWrite(begun: Begun, versions: readonly Sibling[]): Session {
  const after = afterMany(begun, versions);
  return isWithin(after) ? after : { ...begun.session, isPartial: true };
}
