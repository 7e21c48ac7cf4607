import { describe, expect, test } from '@jest/globals';
import { selectorOf, selects } from '../../src/feed/selector.ts';

const place = { tenant: 't', keyspace: 'k' };

describe('the keys a subscription is about', () => {
  test('are one key, a prefix, a range or the whole keyspace', () => {
    const one = selectorOf(place, { keyspace: 'k', key: 'a' });
    expect([selects(one, 'a'), selects(one, 'ab')]).toEqual([true, false]);
    const prefix = selectorOf(place, { keyspace: 'k', prefix: 'a%' });
    expect([selects(prefix, 'a%'), selects(prefix, 'a%b'), selects(prefix, 'ab')]).toEqual([
      true,
      true,
      false,
    ]);
    const range = selectorOf(place, { keyspace: 'k', from: 'b', to: 'd' });
    expect(['a', 'b', 'czz', 'd'].map((key) => selects(range, key))).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect(selects(selectorOf(place, { keyspace: 'k' }), '\u{10ffff}')).toBe(true);
  });

  test('are in the order of bytes', () => {
    const range = selectorOf(place, { keyspace: 'k', from: '\uff00', to: '\u{1f600}' });
    expect(selects(range, '\u{1f5ff}')).toBe(true); // greater than U+FF00 in bytes, smaller in UTF-16
  });

  test('the end of a prefix skips surrogates and the last code point', () => {
    expect(selectorOf(place, { keyspace: 'k', prefix: 'a' }).to).toBe('b');
    expect(selectorOf(place, { keyspace: 'k', prefix: 'a\ud7ff' }).to).toBe('a\ue000');
    expect(selectorOf(place, { keyspace: 'k', prefix: 'a\u{10ffff}' }).to).toBe('b');
    expect(selectorOf(place, { keyspace: 'k', prefix: '' }).to).toBeUndefined();
  });

  test.each([
    [{ key: 'a', prefix: 'a' }, 'key'],
    [{ prefix: 'a', from: 'a' }, 'key'],
    [{ key: '' }, 'key'],
    [{ key: 'a\0' }, 'key'],
    [{ prefix: '\ud800' }, 'prefix'],
    [{ from: 'é'.repeat(513) }, 'from'],
    [{ from: 'b', to: 'a' }, 'to'],
    [{ from: 'b', to: 'b' }, 'to'],
  ])('a wrong choice %j is refused, and names the argument', (what, field) => {
    expect(() => selectorOf(place, { keyspace: 'k', ...what })).toThrow(
      expect.objectContaining({
        code: 'BAD_USER_INPUT',
        details: expect.objectContaining({ field }),
      }),
    );
  });
});
