import { randomBytes, randomUUID } from 'node:crypto';

/** Chance, handed in: seeded in the simulator, the operating system's elsewhere. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** A random (version 4) UUID. */
  uuid(): string;
  /** `size` random bytes, in lower-case hexadecimal. */
  hex(size: number): string;
}

export const systemRandom: Random = {
  next: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
  uuid: () => randomUUID(),
  hex: (size) => randomBytes(size).toString('hex'),
};

/**
 * A reproducible stream of chance.
 *
 * Source: mulberry32 (Tommy Ettinger). 32 bits of state are enough to explore schedules, and never
 * used for secrets.
 */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const hex = (size: number): string =>
    Array.from({ length: size }, () =>
      Math.floor(next() * 256)
        .toString(16)
        .padStart(2, '0'),
    ).join('');
  const uuid = (): string =>
    hex(16).replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, '$1-$2-4$3-8$4-$5');
  return { next, uuid, hex };
}
