import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type {
  ChangePosition,
  ChangeSession,
  RecentAsked,
  RecentChanges,
} from '../../src/replica/change-source.ts';
import { keyAfter } from '../../src/coordinator/key-bounds.ts';
import {
  changesSince,
  firstPage,
  firstPageUntil,
  nextPage,
  recentChanges,
  recentChangesOfKeys,
} from '../../src/replica/postgres/change-statements.ts';
import type { Statement } from '../../src/replica/postgres/statements.ts';
import { A, ChangesCluster } from '../feed/changes-cluster.ts';
import { chain } from '../feed/support.ts';

let cluster: ChangesCluster;
let session: ChangeSession;
beforeAll(async () => {
  cluster = await ChangesCluster.start();
  const [source] = cluster.sources();
  session = await source!.open({ onWake: () => undefined, onLost: () => undefined });
});
afterAll(async () => {
  session.close();
  await cluster.stop();
});

const asking = (tenant: string, key: string, position: ChangePosition): RecentAsked => ({
  position,
  range: { tenant, keyspace: 'k', key, from: key, to: keyAfter(key) },
  ageMs: 60_000,
});
const told = (answers: readonly RecentChanges[]): string[] =>
  answers.map(({ changes, complete }) =>
    [...changes.map(({ key, cell }) => `${key}=${cell.siblings[0]?.value}`), complete].join(' '),
  );

test('who asks together is told what each would be told alone: of their own keys, up to their own places', async () => {
  const [one, two] = ['recent-1', 'recent-2'];
  const put = async (tenant: string, key: string, cells: ReturnType<typeof chain>) => {
    for (const cell of cells) await cluster.put(A, { tenant, key, cell }, { quiet: true });
  };
  await put(one, 'x', chain('a', ['v1']));
  const early = await session.head();
  // A transaction that is open at the middle place, and whose row comes before what is behind that place.
  const client = await cluster.pools[A]!.connect();
  await client.query('begin');
  await cluster.put(A, { tenant: one, key: 'z', cell: chain('c', ['w'])[0]! }, { client });
  await put(one, 'x', chain('a', ['v1', 'v2']).slice(1));
  await put(two, 'x', chain('b', ['u1', 'u2']));
  const middle = await session.head();
  await client.query('commit');
  client.release();
  await put(one, 'x', chain('a', ['v1', 'v2', 'v3']).slice(2));
  await put(one, 'y', chain('a', ['s1']));
  const window = await session.read(early, {
    ranges: [{ tenant: one, keyspace: 'k', from: '', to: undefined }],
  });
  const inside = window.kind === 'page' ? window.changes.map(({ position }) => position) : [];
  const places = [early, middle, await session.head(), ...inside];
  const asked = places.flatMap((place) => [
    ...['x', 'y', 'z'].map((key) => asking(one, key, place)),
    asking(two, 'x', place),
    asking(two, 'nothing', place),
  ]);
  const together = told(await session.recent(asked));
  const alone = await Promise.all(asked.map((ask) => session.recent([ask])));
  expect(together).toEqual(alone.flatMap(told));
  // Without the look at each one's own place, all three would be told the same.
  expect(together.slice(0, 15)).toEqual(
    [
      ...['x="v1"', '', '', '', ''],
      ...['x="v1" x="v2"', '', '', 'x="u1" x="u2"', ''],
      ...['x="v1" x="v2" x="v3"', 'y="s1"', 'z="w"', 'x="u1" x="u2"', ''],
    ].map((changes) => `${changes} true`.trim()),
  );
});

test('a key of which more was logged than one answer holds leaves whole what others are told', async () => {
  const tenant = 'recent-many';
  await cluster.put(A, { tenant, key: 'quiet', cell: chain('a', ['v'])[0]! }, { quiet: true });
  await cluster.query(
    A,
    `insert into changes (tenant, keyspace, key, siblings, context) select $1, 'k', 'loud', '[]', '{}' from generate_series(1, 10500)`,
    [tenant],
  );
  const now = await session.head();
  const asked = ['loud', 'quiet', 'absent'].map((key) => asking(tenant, key, now));
  const answers = await session.recent(asked);
  expect(answers.map(({ complete, changes }) => [complete, changes.length])).toEqual([
    [false, 10_000],
    [true, 1], // without the halves: not complete, and nothing
    [true, 0],
  ]);
});

/** As it is done for whoever reads the log: in a database without statistics, and planned once. */
async function planOf({ text }: Statement, parameters: number): Promise<string> {
  const client = await cluster.pools[A]!.connect();
  await client.query('set enable_seqscan = off; set plan_cache_mode = force_generic_plan');
  await client.query(`prepare looked as ${text}`);
  const nothing = Array.from({ length: parameters }, () => 'null').join(', ');
  const { rows } = await client.query<{ 'QUERY PLAN': string }>(
    `explain execute looked (${nothing})`,
  );
  await client.query('deallocate looked; reset all');
  client.release();
  return rows.map((row) => row['QUERY PLAN']).join('\n');
}

test.each([
  { ...recentChanges, n: 10 },
  { ...recentChangesOfKeys, n: 6 },
  { ...changesSince, n: 1 },
])('$name finds what is new by the index of time, not by reading the log', async (statement) => {
  // With `clock_timestamp()` beside the column no index can be used: it is asked anew for every row.
  const plan = await planOf(statement, statement.n);
  expect(plan).toMatch(/Bitmap Index Scan on changes_by_time/);
  expect(plan).not.toMatch(/Seq Scan on changes c/);
});

test.each([
  { ...firstPage, n: 11, index: /Index Scan on changes_by_xid/ },
  { ...firstPageUntil, n: 12, index: /Index Scan on changes_by_xid/ },
  { ...nextPage, n: 12, index: /Index Scan using changes_pkey/ },
])('$name reads what is new along an index, whatever the sieve', async (statement) => {
  const plan = await planOf(statement, statement.n);
  expect(plan).toMatch(statement.index);
  expect(plan).not.toMatch(/Seq Scan on changes c/);
});
