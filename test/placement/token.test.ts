import { describe, expect, test } from '@jest/globals';
import { murmur3, tokenOf } from '../../src/placement/token.ts';

const text = (value: string): Uint8Array => Buffer.from(value);
const hashOf = (value: string, seed: number): number => {
  const bytes = text(value);
  return murmur3(bytes, bytes.length, seed);
};

describe('a token', () => {
  test.each([
    ['', 0, 0],
    ['', 1, 0x514e28b7],
    ['', 0xffffffff, 0x81f16f39],
    ['a', 0x9747b28c, 0x7fa09ea6],
    ['aa', 0x9747b28c, 0x5d211726],
    ['aaa', 0x9747b28c, 0x283e0130],
    ['aaaa', 0x9747b28c, 0x5a97808a],
    ['abc', 0, 0xb3dd93fa],
    ['test', 0, 0xba6bd213],
    ['Hello, world!', 0, 0xc0363e43],
    ['Hello, world!', 0x9747b28c, 0x24884cba],
    ['The quick brown fox jumps over the lazy dog', 0x9747b28c, 0x2fa826cd],
  ])(
    'of %j with seed %d is what the published MurmurHash3 vectors say',
    (value, seed, expected) => {
      expect(hashOf(value, seed)).toBe(expected);
    },
  );

  test('of four bytes 0xff is what the published vector says, so words are read unsigned', () => {
    expect(murmur3(Uint8Array.of(0xff, 0xff, 0xff, 0xff), 4)).toBe(0x76293b50);
    expect(murmur3(Uint8Array.of(0x21, 0x43, 0x65, 0x87), 4)).toBe(0xf55b516b);
  });

  test('of a text is the hash of its UTF-8, however long the text is', () => {
    for (const key of ['', 'clé', '鍵', '🔑'.repeat(256), 'x'.repeat(10_000)]) {
      expect(tokenOf(key)).toBe(hashOf(key, 0));
    }
  });

  test('of neighbouring keys lies in another half of the ring about every second time', () => {
    const keys = Array.from({ length: 4_000 }, (_, nth) => tokenOf(`user:${nth}`));
    const crossings = keys.filter((token, at) => token >>> 31 !== (keys[at + 1] ?? 0) >>> 31);
    expect(crossings.length).toBeGreaterThan(1_800);
    expect(crossings.length).toBeLessThan(2_200);
  });
});
