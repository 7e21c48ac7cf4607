import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { entryId, keyspaceId, parseId, tenantId } from '../../src/graphql/global-id.ts';

const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,20}$/);
const key = fc.string({ minLength: 1, unit: 'binary' }).filter((text) => text.isWellFormed());

test('an id names what it was made of, whatever the key', () => {
  fc.assert(
    fc.property(name, key, (keyspace, key) => {
      expect(parseId(entryId(keyspace, key))).toEqual({ type: 'Entry', keyspace, key });
      expect(parseId(keyspaceId(keyspace))).toEqual({ type: 'Keyspace', name: keyspace });
      expect(parseId(tenantId(keyspace))).toEqual({ type: 'Tenant', name: keyspace });
    }),
  );
});

test('what was never given out as an id is refused', () => {
  const encode = (text: string): string => Buffer.from(text).toString('base64url');
  const strange = [
    '',
    'x',
    encode('entry/a'),
    encode('entry/a/'),
    encode('keyspace/a/b'),
    encode('other/a'),
    `${keyspaceId('a')}=`,
  ];
  for (const id of strange) expect(() => parseId(id)).toThrow('id that was received earlier');
});
