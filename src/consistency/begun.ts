import type { Keyspace } from './keyspace.ts';
import { majority } from './levels.ts';
import type { Grant } from './request-plan.ts';
import type { Session } from './session.ts';
import type { Caller } from './store.ts';

/** What a request stands on, once its keyspace, level and session are known. */
export interface Begun {
  readonly caller: Caller;
  readonly keyspace: Keyspace;
  readonly granted: Grant;
  readonly session: Session;
}

/**
 * More keys than this in one request are not listed one by one in a session: they are read from, or
 * written to, a quorum instead.
 */
export const listedMax = 32;

/**
 * The terms of a request for many keys: a session that cannot list them all has them on a quorum.
 */
export function manyAtOnce(begun: Begun, count: number): Begun {
  const { level, plan } = begun.granted;
  if (count <= listedMax || (level.floor === 'none' && !level.storesDependencies)) return begun;
  const need = Math.max(plan.need, majority(begun.keyspace.replicationFactor));
  return { ...begun, granted: { ...begun.granted, plan: { ...plan, need, writeBack: true } } };
}
