import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import {
  keepNewestCells,
  prepareBallots,
  readCells,
  swapCells,
} from '../../src/replica/postgres/statements.ts';
import { pageMarks, scanCells } from '../../src/replica/postgres/scan-statements.ts';
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
  [readCells, address],
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

test.each(ways)(
  'a page of a range (%j) goes along the primary key, and no further than its limit',
  async (way) => {
    await client.query(`
    insert into cells (tenant, keyspace, key, siblings, context, digest, stamp, pi, promised)
    select 't', 'k', 'key-' || n, '[]', '{}', 1, '', 0, 0 from generate_series(100, 999) n on conflict do nothing`);
    const types = [...address, 'int[]', 'int8[]', ...(way.bounded ? ['text[]'] : [])];
    await client.query(`prepare scanned (${types.join(', ')}) as ${scanCells(way).text}`);
    const values = ["'{t}'", "'{k}'", "'{key-100}'", "'{10}'", "'{8}'"];
    if (way.bounded) values.push("'{key-900}'");
    const execute = `execute scanned (${values.join(', ')})`;
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(
      `explain (analyze, costs off, timing off) ${execute}`,
    );
    const answer = await client.query<{ found: number; page: string }>(execute);
    await client.query('deallocate scanned');
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(plan).toMatch(/Index Scan (Backward )?using cells_pkey on cells \(actual rows=10\D/);
    // The rows are sorted nowhere, and what is cut off by its bytes is not sent.
    expect(plan).not.toMatch(/Sort Key/);
    const [page] = answer.rows;
    expect(page).toMatchObject({ found: 10 });
    expect(page?.page.split(pageMarks.row)).toHaveLength(2);
  },
);
