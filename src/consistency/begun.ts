import type { Sibling } from '../causality/cell.ts';
import type { StoreError } from '../errors.ts';
import type { Keyspace } from './keyspace.ts';
import { majority } from './levels.ts';
import type { Grant } from './request-plan.ts';
import { inherit, type Session } from './session.ts';
import type { Caller, ItemAnswer } from './store.ts';

/** What a request stands on, once its keyspace, level and session are known. */
export interface Begun {
  readonly caller: Caller;
  readonly keyspace: Keyspace;
  readonly granted: Grant;
  readonly session: Session;
  /** The request came with a token: later requests will hold it against what this one saw. */
  readonly carriesSession: boolean;
}

/** More keys than this, or longer ones, are not listed one by one in a session. */
const listed = { keys: 32, bytes: 2_000, bytesOfDots: 120 } as const;

/**
 * The terms of a request for many keys.
 *
 * Those that a token has no room to list are read from, or written to, a quorum instead, when a
 * session is in play; the token then says that it does not list all. A request at ONE that carries
 * no session promises nothing to a later one, and is not remembered.
 */
export function manyAtOnce(begun: Begun, keys: readonly string[]): Begun & { isListed: boolean } {
  const { keyspace, granted } = begun;
  const bytes = keys.reduce((sum, key) => sum + Buffer.byteLength(key) + listed.bytesOfDots, 0);
  const isListed = keys.length <= listed.keys && bytes <= listed.bytes;
  const isSession = begun.carriesSession || granted.level.floor !== 'none';
  if (isListed || !isSession) return { ...begun, isListed };
  const need = Math.max(granted.plan.need, majority(keyspace.replicationFactor));
  const plan = { ...granted.plan, need, writeBack: true };
  return { ...begun, isListed, granted: { ...granted, plan } };
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

/** A session after a request for many keys that it does not list, whose versions are these. */
export function afterMany(begun: Begun, versions: readonly Sibling[]): Session {
  const { session, granted, keyspace } = begun;
  const isOnQuorum = granted.plan.need >= majority(keyspace.replicationFactor);
  if (!isOnQuorum || versions.length === 0) return session;
  return { ...inherit(session, versions), isPartial: true };
}
