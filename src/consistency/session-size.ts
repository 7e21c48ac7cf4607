import type { Keyspace } from './keyspace.ts';
import { macBytes } from './seal.ts';
import type { Floor, Session } from './session.ts';
import { encodeFloor, encodeSession, tokenLimits } from './session-token.ts';

/** What is signed and travels as base64, and after it, past a dot, the signature. */
const payloadBytesMax = Math.floor(
  ((tokenLimits.bytes - 1 - Math.ceil((macBytes * 4) / 3)) * 3) / 4,
);

/** A character has at most so many bytes in JSON: `\u0001`. */
const bytesPerChar = 6;
/** An actor, a counter, and what stands between: at most. */
const dotBytes = 128;
/** What stands around the names and the dots of one key: at most. */
const frameBytes = 16;

/** Room in a token: for so many keys more, which need so many bytes of its payload. */
export interface Room {
  readonly keys: number;
  readonly bytes: number;
}

export const noRoom: Room = { keys: 0, bytes: 0 };

/**
 * More keys than this, or longer ones, are not listed one by one. It leaves a third of a token to
 * what was listed before, and to dots of other writers.
 */
const listed: Room = { keys: 32, bytes: 4_000 };

/**
 * The room that a request for these keys needs in a token; undefined when they are too much to be
 * listed. Counted as they are sent: JSON makes six bytes of a control character.
 */
export function roomFor({ storageName }: Keyspace, keys: readonly string[]): Room | undefined {
  if (keys.length > listed.keys) return undefined;
  // Of what a keyspace may be named with, JSON and UTF-8 make one byte each.
  const each = storageName.length + dotBytes + frameBytes;
  let bytes = keys.length * each;
  for (const key of keys) bytes += bytesPerChar * key.length;
  // Most are short, whatever is in them: they need not be written to be measured.
  if (bytes > listed.bytes / 4) {
    bytes = keys.length * each;
    for (const key of keys) bytes += Buffer.byteLength(JSON.stringify(key));
  }
  return bytes > listed.bytes ? undefined : { keys: keys.length, bytes };
}

/** Whether it is within any bound, whatever is in it: so that it need not be written to be measured. */
export function isSmall({ floors }: Session, room: Room): boolean {
  let bytes = frameBytes + room.bytes;
  for (const { keyspace, key, written, read } of floors.values()) {
    bytes += bytesPerChar * (keyspace.length + key.length) + frameBytes;
    bytes += dotBytes * (written.size + read.size);
    if (bytes > payloadBytesMax) return false;
  }
  return true;
}

/** Whether a token can hold it. */
export function isWithin(session: Session): boolean {
  return isSmall(session, noRoom) || !isCrowded(sizeOf(session), noRoom);
}

/**
 * The keys that must leave the list for it to have this room, the longest unused first; and a
 * quarter of all when any must, so that the next requests find room, too.
 */
export function surplus(session: Session, room: Room): readonly Floor[] {
  let { keys, bytes } = sizeOf(session);
  if (!isCrowded({ keys, bytes }, room)) return [];
  const leaving: Floor[] = [];
  for (const floor of session.floors.values()) {
    if (!isCrowded({ keys, bytes }, room) && leaving.length >= session.floors.size / 4) break;
    leaving.push(floor);
    keys -= 1;
    bytes -= bytesOf(floor);
  }
  return leaving;
}

function isCrowded({ keys, bytes }: Room, room: Room): boolean {
  return keys + room.keys > tokenLimits.keys || bytes + room.bytes > payloadBytesMax;
}

function sizeOf(session: Session): Room {
  return { keys: session.floors.size, bytes: Buffer.byteLength(encodeSession(session)) };
}

/** With the comma. */
function bytesOf(floor: Floor): number {
  return Buffer.byteLength(encodeFloor(floor)) + 1;
}
