import { hash, timingSafeEqual } from 'node:crypto';
import { badInput } from '../errors.ts';
import { SignedBefore } from './signed-before.ts';

/**
 * Every kind of opaque string that leaves the gateway and comes back. A string of one kind is
 * refused as another.
 */
export type SealKind = 'context' | 'cursor' | 'bookmark' | 'session' | 'writeId';

/** Of a signature, which follows what it signs past a dot. */
export const macBytes = 16;
/**
 * Longer ones are refused before anything is computed of them. What a session token of an event
 * holds is not bounded by the gateway, but by what the versions that it shows depend on: a list of
 * at most 8 KB each.
 */
const longest = (kind: SealKind): number => (kind === 'session' ? 65_536 : 16_384);

/**
 * Signs what clients carry for us, so that nothing they send back is trusted unsigned: a forged
 * context with huge counters would dominate a key for ever.
 *
 * `boundTo` (tenant first, then what else the string belongs to: keyspace, key) enters the
 * signature but not the string, so a string of another tenant or key does not open. Source:
 * HMAC-SHA-256 (RFC 2104), cut to 128 bits (RFC 2104, section 5).
 */
export interface Sealer {
  seal(kind: SealKind, boundTo: readonly string[], payload: string): string;
  /**
   * The payload; a `BAD_USER_INPUT` that names `field` when the string is not ours, not of this
   * kind, or bound to something else.
   */
  open(kind: SealKind, boundTo: readonly string[], token: string, field: string): string;
}

/**
 * `keys`: the first one signs, all of them verify; so a key is rotated by putting a new one in
 * front.
 */
export function createSealer(keys: readonly string[]): Sealer {
  const pads = keys.map(padsOf);
  const [signing] = pads;
  if (signing === undefined) throw new Error('at least one signing key is needed');
  const before = new SignedBefore();
  return {
    seal(kind, boundTo, payload) {
      const message = messageOf(kind, boundTo, payload);
      const known = before.find(message);
      if (known !== undefined) return known;
      const mac = macOf(signing, message);
      const token = `${Buffer.from(payload).toString('base64url')}.${mac.toString('base64url')}`;
      before.signed(message, mac, token);
      return token;
    },
    open(kind, boundTo, token, field) {
      const refuse = () =>
        badInput(
          `Argument "${field}" is not a ${kind} that was given out for this place: pass it back exactly as it was received`,
          field,
        );
      if (token.length > longest(kind)) {
        throw badInput(
          `Argument "${field}" must have at most ${longest(kind)} characters, and it has ${token.length}`,
          field,
          { limit: longest(kind), value: token.length },
        );
      }
      const dot = token.indexOf('.');
      if (dot < 0) throw refuse();
      const payload = Buffer.from(token.slice(0, dot), 'base64url');
      // The round trip refuses strings that decode to the same bytes but are not what we sent.
      if (payload.toString('base64url') !== token.slice(0, dot)) throw refuse();
      const given = Buffer.from(token.slice(dot + 1), 'base64url');
      if (given.length !== macBytes || given.toString('base64url') !== token.slice(dot + 1))
        throw refuse();
      const text = payload.toString();
      const message = messageOf(kind, boundTo, text);
      const genuine = pads.some((key) => timingSafeEqual(macOf(key, message), given));
      if (!genuine) throw refuse();
      return text;
    },
  };
}

/** The two blocks of HMAC that a key is (RFC 2104, section 2). */
interface Pads {
  readonly inner: Buffer;
  readonly outer: Buffer;
}

const blockBytes = 64;

function padsOf(key: string): Pads {
  const bytes = Buffer.from(key);
  const short = bytes.length > blockBytes ? hash('sha256', bytes, 'buffer') : bytes;
  const block = Buffer.concat([short, Buffer.alloc(blockBytes - short.length)]);
  const pad = (mask: number): Buffer => Buffer.from(block.map((byte) => byte ^ mask));
  return { inner: pad(0x36), outer: pad(0x5c) };
}

/** HMAC by two plain hashes: `createHmac` makes an object that costs more than both of them. */
function hmac({ inner, outer }: Pads, message: string): Buffer {
  const digest = hash('sha256', Buffer.concat([inner, Buffer.from(message)]), 'buffer');
  return hash('sha256', Buffer.concat([outer, digest]), 'buffer');
}

/** Lengths before the parts: no two different lists of parts may run together into the same text. */
function messageOf(kind: SealKind, boundTo: readonly string[], payload: string): string {
  let message = `${kind.length}:${kind}`;
  for (const part of boundTo) message += `${part.length}:${part}`;
  return `${message}${payload.length}:${payload}`;
}

function macOf(key: Pads, message: string): Buffer {
  return hmac(key, message).subarray(0, macBytes);
}
