import { encodeVector } from '../causality/version-vector.ts';
import { badInput } from '../errors.ts';
import type { Sealer } from './seal.ts';
import {
  afterShown,
  floorName,
  freshSession,
  joinSessions,
  type Floor,
  type Session,
} from './session.ts';
import type { Entry } from './store.ts';

/**
 * The bounds of a token; the keeper brings the oldest keys to a quorum before either is reached.
 * `atOnce`: how many may be sent together, which is how many operations a client has under way.
 */
export const tokenLimits = { keys: 256, bytes: 8_192, atOnce: 32 } as const;

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
 * The session of somebody who has been shown this entry and nothing else: what a feed's event
 * carries.
 */
export function sealSeen(sealer: Sealer, tenant: string, { keyspace, key, cell }: Entry): string {
  const at = { keyspace: keyspace.storageName, key };
  const shown = { at, versions: cell.siblings, areEverywhere: () => false };
  return sealSession(sealer, tenant, afterShown(freshSession, [shown]));
}

/**
 * What a token says; a fresh session when there is none. BAD_USER_INPUT when it was not given out
 * to this tenant.
 *
 * Several, with commas between, say together what each of them says: operations that run side by
 * side leave their client one each, and the one that it kept would forget what the others saw.
 */
export function openSession(sealer: Sealer, tenant: string, text: string | undefined): Session {
  if (text === undefined) return freshSession;
  const tokens = text.split(',');
  if (tokens.length > tokenLimits.atOnce) {
    throw badInput(
      `Argument "session" must hold at most ${tokenLimits.atOnce} tokens, and it holds ${tokens.length}`,
      'session',
      { limit: tokenLimits.atOnce, value: tokens.length },
    );
  }
  return tokens.map((token) => openToken(sealer, tenant, token.trim())).reduce(joinSessions);
}

function openToken(sealer: Sealer, tenant: string, token: string): Session {
  const payload = sealer.open('session', [tenant], token, 'session');
  const { p: isPartial, f: floors } = JSON.parse(payload) as { p: 0 | 1; f: readonly Wire[] };
  return { isPartial: isPartial === 1, floors: new Map(floors.map(openFloor)) };
}

/** The payload, before it is signed. */
export function encodeSession({ floors, isPartial }: Session): string {
  // Written out by hand: most have one key, and objects made to be printed cost more than the text.
  let wire = '';
  for (const floor of floors.values()) wire += `${wire === '' ? '' : ','}${encodeFloor(floor)}`;
  return `{"p":${isPartial ? 1 : 0},"f":[${wire}]}`;
}

/** One key of the payload. */
export function encodeFloor({ keyspace, key, written, read }: Floor): string {
  const names = `${JSON.stringify(keyspace)},${JSON.stringify(key)}`;
  return `[${names},${encodeVector(written)},${encodeVector(read)}]`;
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
