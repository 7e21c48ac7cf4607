import { createHmac } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { createSealer } from '../../src/consistency/seal.ts';

test('what is signed with two plain hashes is HMAC-SHA-256, for keys shorter and longer than a block', () => {
  for (const key of ['k', 'é'.repeat(32), 'x'.repeat(64), 'y'.repeat(65), 'z'.repeat(300)]) {
    const token = createSealer([key]).seal('session', ['tenant'], 'päyload');
    const message = '7:session6:tenant7:päyload';
    const mac = createHmac('sha256', key).update(message).digest().subarray(0, 16);
    expect(token.split('.')[1]).toBe(mac.toString('base64url'));
  }
});

test('what is signed again and again is signed alike, and apart from what is bound elsewhere', () => {
  const sealer = createSealer(['k']);
  const payloads = Array.from({ length: 3_000 }, (_, nth) => `payload ${nth}`); // more than are kept
  const places = [['a'], ['b'], ['a', 'x']];
  const sealed = () =>
    places.map((place) => payloads.map((payload) => sealer.seal('session', place, payload)));
  const first = sealed();
  expect(new Set(first.flat()).size).toBe(first.flat().length);
  // The second time they are remembered, the third and fourth time they are looked up. Guard: the
  // whole message as the name in `SignedBefore`; named by the payload alone, the places are mixed up.
  expect(sealed()).toEqual(first);
  expect(sealed()).toEqual(first);
  expect(sealed()).toEqual(first);
  expect(sealer.open('session', ['b'], first[1]?.[5] ?? '', 'session')).toBe('payload 5');
});
