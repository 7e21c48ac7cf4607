import type { Running, Template } from '../harness/contender.ts';
import { peerOnPostgres } from './on-postgres.ts';

const pair = '"key":"([^"]+)","value":"([^"]+)"';
const make = (query: string, variables: string, pairs = 1): Template => ({
  path: '/graphql',
  body: `{"query":${JSON.stringify(query)},"variables":${variables}}`,
  answer: { pair, pairs },
});

const get = make('query ($k: String!) { entryByKey(key: $k) { key value } }', '{"k":"{{key}}"}');
const put = make(
  'mutation ($k: String!, $v: String!) { putEntry(input: { k: $k, v: $v }) { result { key value } } }',
  '{"k":"{{key}}","v":"{{value}}"}',
);
const many = Array.from({ length: 20 }, () => '"{{key}}"').join(',');
const operations: Running['operations'] = {
  get,
  getOne: get,
  getLinearizable: get,
  put,
  putVersion: put,
  putLinearizable: put,
  putRegister: put,
  getMany: make(
    'query ($k: [String!]!) { entriesOf(keys: $k) { nodes { key value } } }',
    `{"k":[${many}]}`,
  ),
  range: make(
    'query ($k: String!) { entriesFrom(k: $k, first: 50) { nodes { key value } } }',
    '{"k":"{{key}}"}',
  ),
};

/**
 * PostGraphile 5 with its recommended preset. It has no upsert of its own: its documentation sends one
 * to a function, which becomes a mutation.
 */
export const postgraphile = peerOnPostgres({
  name: 'postgraphile',
  what: 'PostGraphile 5 on one Postgres',
  server: 'postgraphile.mjs',
  operations,
  sql: `
    create function put_entry(k text, v text) returns entries language sql volatile as
      $$ insert into entries values (k, v) on conflict (key) do update set value = excluded.value returning * $$;
    create function entries_of(keys text[]) returns setof entries language sql stable as
      $$ select * from entries where key = any (keys) $$;
    create function entries_from(k text) returns setof entries language sql stable as
      $$ select * from entries where key >= k order by key $$;
  `,
});
