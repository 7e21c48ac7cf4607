import type { Sealer } from './seal.ts';
import { floorName, freshSession, type Floor, type Session } from './session.ts';

/**
 * The bounds of a token; the keeper brings the oldest keys to a quorum before either is reached.
 */
export const tokenLimits = { keys: 256, bytes: 8_192 } as const;

type Wire = readonly [
  keyspace: string,
  key: string,
  written: Record<string, number>,
  read: Record<string, number>,
];

/** A session as the opaque string that travels with its client: signed, and bound to the tenant. */
export function sealSession(
  sealer: Sealer,
  tenant: string,
  session: Session = freshSession,
): string {
  return sealer.seal('session', [tenant], encodeSession(session));
}

/**
 * What a token says; a fresh session when there is none. BAD_USER_INPUT when it was not given out
 * to this tenant.
 */
export function openSession(sealer: Sealer, tenant: string, token: string | undefined): Session {
  if (token === undefined) return freshSession;
  const payload = sealer.open('session', [tenant], token, 'session');
  const { p: isPartial, f: floors } = JSON.parse(payload) as { p: 0 | 1; f: readonly Wire[] };
  return { isPartial: isPartial === 1, floors: new Map(floors.map(openFloor)) };
}

/** The payload, before it is signed. */
export function encodeSession({ floors, isPartial }: Session): string {
  const wire = [...floors.values()].map(({ keyspace, key, written, read }): Wire => {
    return [keyspace, key, Object.fromEntries(written), Object.fromEntries(read)];
  });
  return JSON.stringify({ p: isPartial ? 1 : 0, f: wire });
}

function openFloor([keyspace, key, written, read]: Wire): [string, Floor] {
  const floor = {
    keyspace,
    key,
    written: new Map(Object.entries(written)),
    read: new Map(Object.entries(read)),
  };
  return [floorName(floor), floor];
}
