import { expect, test } from '@jest/globals';
import { recentChanges } from '../../src/replica/postgres/change-recent.ts';

/** An answer that was cut: 300 changes of one key were found, and 100 of them come. */
function cut(statement: string, key: string): (string | number)[][] {
  const withXid = statement.endsWith('_keys') ? ['5'] : [];
  return Array.from({ length: 100 }, (_, nth) => [
    nth,
    't',
    'k',
    key,
    '[]',
    '{}',
    '',
    ...withXid,
    300,
  ]);
}

// Guard: `isOneKey` in `answer`. Without it a thousand who ask for one busy key are 1,999 looks at the log.
test('many who ask for one key of which more was logged than one answer holds are told by one look', async () => {
  const looks: string[] = [];
  const run = async ({ name }: { name: string }) => {
    looks.push(name);
    return cut(name, 'busy');
  };
  const range = { tenant: 't', keyspace: 'k', key: 'busy', from: 'busy', to: 'busy\0' };
  const position = { incarnation: 'i', seen: '9:9:' };
  const asked = Array.from({ length: 1_000 }, () => ({ position, range, ageMs: 15_000 }));
  const told = await recentChanges(asked, run);
  expect(looks).toEqual(['quorate_changes_recent_keys']);
  for (const { changes, complete } of told) {
    expect(changes).toHaveLength(100);
    expect(complete).toBe(false);
  }
});
