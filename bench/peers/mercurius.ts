import { join } from 'node:path';
import type { Running, Template } from '../harness/contender.ts';
import { startWithStandbys } from '../harness/postgres.ts';
import { peerOnPostgres } from './on-postgres.ts';

const pair = '"key":"([^"]+)","value":"([^"]+)"';
const make = (query: string, variables: string, pairs = 1): Template => ({
  path: '/graphql',
  body: `{"query":${JSON.stringify(query)},"variables":${variables}}`,
  answer: { pair, pairs },
});

const get = make('query Get($k: String!) { get(key: $k) { key value } }', '{"k":"{{key}}"}');
const put = make(
  'mutation Put($k: String!, $v: String!) { put(key: $k, value: $v) { key value } }',
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
    'query Many($k: [String!]!) { getMany(keys: $k) { key value } }',
    `{"k":[${many}]}`,
  ),
  range: make(
    'query Range($k: String!) { range(from: $k, first: 50) { key value } }',
    '{"k":"{{key}}"}',
  ),
};
const server = { server: 'mercurius.mjs', operations } as const;

/** What an engineer writes by hand: Fastify, Mercurius with its JIT on, pg's pool, prepared statements. */
export const mercurius = peerOnPostgres({
  ...server,
  name: 'mercurius',
  what: 'Fastify + Mercurius (JIT) + pg on one Postgres',
});

/** The same, with the durability of a write at QUORUM: two standbys, and every commit waits for one. */
export const mercuriusStandbys = peerOnPostgres({
  ...server,
  name: 'mercurius+standbys',
  what: 'the same on one Postgres with two synchronous standbys (ANY 1)',
  databases: (directory) => startWithStandbys(join(directory), ['standby_1', 'standby_2']),
});
