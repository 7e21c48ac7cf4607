import { tokenOf, type Token } from '../placement/token.ts';

/** So many bits a key: of what nobody follows, an eighth at most is let through. */
const bitsPerKey = 8;
const bytesMin = 64;
/** Sent with every read of the log. Beyond 16,384 keys more and more is let through. */
const bytesMax = 16_384;

/**
 * Which keys may be among those that somebody follows, by the tokens that are stored beside them: a
 * Bloom filter with one probe, which a replica can ask (`get_bit`) before it sends a row.
 *
 * Law: what was added and not removed is let through. Others may be.
 *
 * Removing takes no bit away, as others may share it; the bits are made anew when they stand for more
 * keys that have gone than for keys that are there.
 */
export class KeySieve {
  /** All that were added and not removed, one of them as often as it was. */
  readonly #keys: () => Iterable<string>;
  #bytes = new Uint8Array(bytesMin);
  #present = 0;
  #gone = 0;

  constructor(keys: () => Iterable<string>) {
    this.#keys = keys;
  }

  /** As it is now. What is added later is in a later one; it may be in this one, too. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** It is among the keys already. */
  added(key: string): void {
    this.#present += 1;
    if (this.#bytes.length < sizeFor(this.#present)) this.#make();
    else mark(this.#bytes, tokenOf(key));
  }

  /** It is among the keys no more. */
  removed(): void {
    this.#present -= 1;
    this.#gone += 1;
    if (this.#gone > this.#present) this.#make();
  }

  /** Not in place: whoever reads with the old one must not lose what it lets through. */
  #make(): void {
    this.#gone = 0;
    this.#bytes = new Uint8Array(sizeFor(this.#present));
    for (const key of this.#keys()) mark(this.#bytes, tokenOf(key));
  }
}

/** Whether the sieve lets the token through; numbered as Postgres' `get_bit` does it. */
export function isLetThrough(sieve: Uint8Array, token: Token): boolean {
  const bit = token % (sieve.length * 8);
  return (((sieve[bit >>> 3] ?? 0) >> (bit & 7)) & 1) === 1;
}

function mark(sieve: Uint8Array, token: Token): void {
  const bit = token % (sieve.length * 8);
  sieve[bit >>> 3] = (sieve[bit >>> 3] ?? 0) | (1 << (bit & 7));
}

/** A power of two, so that its bits are the token's last ones. */
function sizeFor(keys: number): number {
  let bytes = bytesMin;
  while (bytes * 8 < keys * bitsPerKey && bytes < bytesMax) bytes *= 2;
  return bytes;
}
