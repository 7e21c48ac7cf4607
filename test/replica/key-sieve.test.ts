import { expect, test } from '@jest/globals';
import { tokenOf } from '../../src/placement/token.ts';
import { isLetThrough, KeySieve } from '../../src/replica/key-sieve.ts';
import { seededRandom } from '../../src/runtime/random.ts';

/** A sieve, and the keys that it must let through. */
function sieveOf(keys: Set<string>) {
  const sieve = new KeySieve(() => keys);
  return {
    sieve,
    add: (key: string): void => {
      if (keys.has(key)) return;
      keys.add(key);
      sieve.added(key);
    },
    remove: (key: string): void => {
      if (keys.delete(key)) sieve.removed();
    },
  };
}

test('whatever is added and removed, the sieve lets every key through that is followed', () => {
  const random = seededRandom(7);
  const keys = new Set<string>();
  const { sieve, add, remove } = sieveOf(keys);
  const lost: string[] = [];
  // Grows over several sizes, and shrinks again: without `#make` when it grows, or when keys go, keys are lost.
  for (let step = 0; step < 6_000; step += 1) {
    const key = `key${Math.floor(random.next() * 3_000)}`;
    if (random.next() < (step < 3_000 ? 0.8 : 0.2)) add(key);
    else remove(key);
    if (step % 100 !== 0) continue;
    for (const one of keys) if (!isLetThrough(sieve.bytes, tokenOf(one))) lost.push(one);
  }
  expect(lost).toEqual([]);
});

test('a read that is under way keeps what it lets through when the sieve is made anew', () => {
  const { sieve, add, remove } = sieveOf(new Set());
  add('stays');
  const sent = sieve.bytes;
  for (let nth = 0; nth < 100; nth += 1) add(`more${nth}`); // grows
  for (let nth = 0; nth < 100; nth += 1) remove(`more${nth}`);
  expect(isLetThrough(sent, tokenOf('stays'))).toBe(true);
  expect(isLetThrough(sieve.bytes, tokenOf('stays'))).toBe(true);
});

test.each([1, 100, 10_000])(
  'of what nobody follows beside %d keys, an eighth at most is let through',
  (followed) => {
    const { sieve, add } = sieveOf(new Set());
    for (let nth = 0; nth < followed; nth += 1) add(`quiet${nth}`);
    let through = 0;
    for (let nth = 0; nth < 4_000; nth += 1)
      if (isLetThrough(sieve.bytes, tokenOf(`written${nth}`))) through += 1;
    expect(through / 4_000).toBeLessThan(0.135); // 1 - exp(-1/8), and some chance
    expect(sieve.bytes.length).toBeLessThanOrEqual(16_384);
  },
);

test('when the keys have gone, nothing is let through in their name', () => {
  const { sieve, add, remove } = sieveOf(new Set());
  for (let nth = 0; nth < 5_000; nth += 1) add(`gone${nth}`);
  for (let nth = 0; nth < 5_000; nth += 1) remove(`gone${nth}`);
  expect(sieve.bytes.every((byte) => byte === 0)).toBe(true);
  expect(sieve.bytes.length).toBe(64);
});
