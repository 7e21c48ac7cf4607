/** A position on the ring: an unsigned 32-bit integer. */
export type Token = number;

/** Positions on the ring. */
export const RING_SIZE = 2 ** 32;

/** Grown when a longer text comes; a key of 1,024 bytes never needs more than this. */
let scratch = Buffer.allocUnsafe(3 * 1024);

/**
 * Where a text lies on the ring: the same for every gateway, every version and every machine, since
 * rows are found by it.
 *
 * 32 bits suffice, as only the order of a few thousand tokens matters. A cryptographic hash was
 * refused: every request pays for this, and whoever chooses keys to crowd one partition has only
 * that tenant's own keys to crowd.
 * Source: MurmurHash3_x86_32, seed 0, over UTF-8; Austin Appleby, public domain.
 */
export function tokenOf(text: string): Token {
  if (text.length * 3 > scratch.length) scratch = Buffer.allocUnsafe(text.length * 3);
  return murmur3(scratch, scratch.write(text));
}

/** MurmurHash3_x86_32 of the first `size` bytes. */
export function murmur3(bytes: Uint8Array, size: number, seed = 0): Token {
  const blocksEnd = size - (size % 4);
  let hash = seed | 0;
  for (let at = 0; at < blocksEnd; at += 4) {
    hash ^= scramble(littleEndian(bytes, at, 4));
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
  }
  if (size > blocksEnd) hash ^= scramble(littleEndian(bytes, blocksEnd, size - blocksEnd));
  return avalanche(hash ^ size);
}

function littleEndian(bytes: Uint8Array, at: number, size: number): number {
  let word = 0;
  for (let index = size - 1; index >= 0; index--) word = (word << 8) | (bytes[at + index] ?? 0);
  return word;
}

function scramble(word: number): number {
  const mixed = Math.imul(word, 0xcc9e2d51);
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
}

/**
 * Lets every bit of the input reach every bit of the output: without it, neighbouring keys would
 * share a partition.
 */
function avalanche(hash: number): Token {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
