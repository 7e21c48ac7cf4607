import { expect, test } from '@jest/globals';
import { feedLevelOf } from '../../src/feed/feed.ts';

const keyspace = { name: 'carts', minimumReadLevel: 'ONE' } as const;

test('a subscription that names no level has the weakest that keyspace and caller allow', () => {
  expect(feedLevelOf(keyspace, {})).toBe('ONE');
  expect(feedLevelOf({ ...keyspace, minimumReadLevel: 'QUORUM' }, {})).toBe('QUORUM');
  expect(feedLevelOf(keyspace, { usable: ['SESSION', 'QUORUM', 'ALL'] })).toBe('QUORUM');
});

test('one that may have none of them is refused, and told which there are', () => {
  const refused = { code: 'LEVEL_NOT_ALLOWED' };
  expect(() => feedLevelOf(keyspace, { usable: ['SESSION'] })).toThrow(
    expect.objectContaining(refused),
  );
  expect(() => feedLevelOf(keyspace, { consistency: 'ONE', usable: ['QUORUM'] })).toThrow(
    'allowed are QUORUM',
  );
});
