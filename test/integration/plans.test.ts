import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import {
  keepNewestCells,
  prepareBallots,
  readCells,
  swapCells,
} from '../../src/replica/postgres/statements.ts';
import { pageMarks, scanCells, sumCells } from '../../src/replica/postgres/scan-statements.ts';
import { startTestCluster, type TestCluster } from '../support/cluster.ts';

/**
 * What the data path does in a database that nobody has analysed yet. With an index on (tenant,
 * keyspace, …), as there was until migration 0007, all of these read the whole keyspace for every key:
 * create `cells_by_token` again, and they fail.
 */
let cluster: TestCluster;
let client: pg.Client;
beforeAll(async () => {
  cluster = await startTestCluster({ replicas: 1 });
  const [replica] = cluster.replicas;
  const forced =
    '-c enable_hashjoin=off -c enable_mergejoin=off -c enable_seqscan=off -c plan_cache_mode=force_generic_plan';
  client = new pg.Client({ connectionString: replica!.url, options: forced });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await cluster.stop();
});

const address = ['text[]', 'text[]', 'text[]'];
const written = [
  ...address,
  ...['text[]', 'text[]', 'int8[]', 'text[]', 'float8[]', 'int8[]', 'int8[]'],
];
const swapped = [
  ...written,
  ...['int8[]', 'text[]', 'text[]', 'int8[]', 'bool[]', 'int[]', 'int8[]'],
];
const statements = [
  [readCells, [...address, 'bool[]']],
  [swapCells, swapped],
  [keepNewestCells, written],
  [prepareBallots, [...address, 'int8[]', 'float8[]', 'int8[]']],
] as const;

test.each(statements)('$name looks single keys up by the primary key', async (statement, types) => {
  await client.query(`prepare looked (${types.join(', ')}) as ${statement.text}`);
  const nothing = types.map(() => 'null').join(', ');
  const { rows } = await client.query<{ 'QUERY PLAN': string }>(
    `explain execute looked (${nothing})`,
  );
  await client.query('deallocate looked');
  const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
  expect(plan).toMatch(/cells_pkey/);
  expect(plan).not.toMatch(/Index (Only )?Scan using (?!cells_pkey|replica_pkey)/);
  expect(plan).not.toMatch(/Seq Scan on cells/);
});

const ways = [
  { reverse: false, bounded: false },
  { reverse: false, bounded: true },
  { reverse: true, bounded: false },
  { reverse: true, bounded: true },
];

/** How the statement goes through ten rows, and what it answers. */
async function scanned<Answer extends object>(
  text: string,
  { bounded, more = [] }: { bounded: boolean; more?: readonly (readonly [string, string])[] },
): Promise<Answer | undefined> {
  await client.query(`
    insert into cells (tenant, keyspace, key, siblings, context, digest, stamp, pi, promised)
    select 't', 'k', 'key-' || n, '[]', '{}', 1, '', 0, 0 from generate_series(100, 999) n on conflict do nothing`);
  const given = [
    ['text[]', "'{t}'"],
    ['text[]', "'{k}'"],
    ['text[]', "'{key-100}'"],
    ['int[]', "'{10}'"],
    ['int8[]', "'{8}'"],
    ...(bounded ? [['text[]', "'{key-900}'"]] : []),
    ...more,
  ];
  await client.query(`prepare scanned (${given.map(([type]) => type).join(', ')}) as ${text}`);
  const execute = `execute scanned (${given.map(([, value]) => value).join(', ')})`;
  const { rows } = await client.query<{ 'QUERY PLAN': string }>(
    `explain (analyze, costs off, timing off) ${execute}`,
  );
  const answers = await client.query<Answer>(execute);
  await client.query('deallocate scanned');
  const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
  expect(plan).toMatch(/Index Scan (Backward )?using cells_pkey on cells \(actual rows=10\D/);
  // The rows are sorted nowhere.
  expect(plan).not.toMatch(/Sort Key/);
  return answers.rows[0];
}

test.each(ways)(
  'a page of a range (%j) goes along the primary key, and no further than its limit',
  async (way) => {
    const more = [['bool[]', "'{t}'"]] as const;
    const answer = await scanned<{ page: string }>(scanCells(way).text, { ...way, more });
    expect(answer).toMatchObject({ found: 10 });
    // What is cut off by its bytes is not sent.
    expect(answer?.page.split(pageMarks.row)).toHaveLength(2);
  },
);

test.each(ways)('so does what it sums up to (%j), to the same', async (way) => {
  const more = [['bool[]', "'{t}'"]] as const;
  const page = await scanned<{ sum: string }>(scanCells(way).text, { ...way, more });
  const answer = await scanned<{ sum: string }>(sumCells(way).text, way);
  expect(answer).toMatchObject({ found: 10, '?column?': true, sum: page?.sum });
});
