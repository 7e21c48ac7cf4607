import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type * as graphql from 'graphql';
import pg from 'pg';
import {
  keepNewestCells,
  readCells,
  type Statement,
} from '../../src/replica/postgres/statements.ts';
import { migrate } from '../../src/replica/postgres/migrate.ts';
import { fieldMark } from '../../src/replica/postgres/rows.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { tokenOf } from '../../src/placement/token.ts';
import { filler, keyAt } from '../harness/load.ts';

/**
 * A server that does what a put and a get at QUORUM cost in SQL and HTTP, and nothing else: documents
 * compiled by graphql-jit, node:http, one batch a turn of the event loop and replica.
 */
const require = createRequire(new URL('../peers/package.json', import.meta.url));
const { buildSchema, parse } = require('graphql') as typeof graphql;
const { compileQuery } = require('graphql-jit') as {
  compileQuery: (...args: unknown[]) => {
    query(root: unknown, context: unknown, variables: unknown): Promise<unknown>;
  };
};

type Reply = readonly unknown[];
interface Call {
  readonly key: string;
  readonly columns: readonly unknown[];
  readonly resolve: (row: Reply) => void;
  readonly reject: (error: unknown) => void;
}

const connections = 4;
const batchMax = 256;

/** One lane of one replica: what arrives in one turn is one statement; no key twice in a batch. */
class Lane {
  #queue: Call[] = [];
  #planned = false;
  readonly #free: pg.Client[];
  readonly #statement: Statement;

  constructor(clients: pg.Client[], statement: Statement) {
    this.#free = clients;
    this.#statement = statement;
  }

  call(key: string, columns: readonly unknown[]): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ key, columns, resolve, reject });
      if (this.#planned) return;
      this.#planned = true;
      setImmediate(() => {
        this.#planned = false;
        this.#pump();
      });
    });
  }

  #pump(): void {
    while (this.#queue.length > 0) {
      const client = this.#free.pop();
      if (!client) return;
      const keys = new Set<string>();
      const [batch, rest]: [Call[], Call[]] = [[], []];
      for (const call of this.#queue) {
        const fits = batch.length < batchMax && !keys.has(call.key);
        keys.add(call.key);
        (fits ? batch : rest).push(call);
      }
      this.#queue = rest;
      batch.sort((a, b) => (a.key < b.key ? -1 : 1));
      void this.#send(client, batch);
    }
  }

  async #send(client: pg.Client, batch: readonly Call[]): Promise<void> {
    const width = batch[0]?.columns.length ?? 0;
    const values = Array.from({ length: width }, (_, at) =>
      batch.map(({ columns }) => columns[at]),
    );
    try {
      const { rows } = await client.query<unknown[]>({
        ...this.#statement,
        rowMode: 'array',
        values,
      });
      for (const row of rows) batch[Number(row[0]) - 1]?.resolve(row);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
    this.#free.push(client);
    this.#pump();
  }
}

const urls = (process.env['DATABASE_URLS'] ?? '').split(' ');
await Promise.all(
  urls.map((url) => migrate(url, { replica: url, log: silentLog, timeoutMs: 30_000 })),
);
const open = async (url: string): Promise<pg.Client> => {
  const forced = '-c plan_cache_mode=force_generic_plan -c jit=off -c enable_hashjoin=off';
  const client = new pg.Client({ connectionString: url, options: forced });
  await client.connect();
  return client;
};
const lane = async (url: string, statement: Statement): Promise<Lane> =>
  new Lane(await Promise.all(Array.from({ length: connections }, () => open(url))), statement);
const reads = await Promise.all(urls.map((url) => lane(url, readCells)));
const writes = await Promise.all(urls.map((url) => lane(url, keepNewestCells)));

/** The first two answers of three. */
function two(calls: readonly Promise<Reply>[]): Promise<readonly Reply[]> {
  return new Promise((resolve, reject) => {
    const answers: Reply[] = [];
    for (const call of calls)
      call.then((row) => {
        answers.push(row);
        if (answers.length === 2) resolve(answers);
      }, reject);
  });
}

async function get({ key }: { key: string }): Promise<unknown> {
  const [a, b] = await two(reads.map((one) => one.call(key, ['floor', 'floor', key, false])));
  const newest = String(a?.[1]) >= String(b?.[1]) ? a : b;
  const siblings = String(newest?.[1]).split(fieldMark)[3] ?? '';
  return { key, value: (JSON.parse(siblings) as [string])[0] };
}

let last = 0;
async function put({ key, value }: { key: string; value: string }): Promise<unknown> {
  last = Math.max(last + 1, Date.now() * 1_000);
  const siblings = JSON.stringify([value]);
  const digest = createHash('sha1').update(siblings).digest().readBigInt64BE();
  const deadline = Date.now() + 2_000;
  const columns = [
    'floor', 'floor', key, siblings, `{"floor":${last}}`, digest, String(last), deadline, tokenOf(key), null,
  ]; // prettier-ignore
  await two(writes.map((one) => one.call(key, columns)));
  return { key, value };
}

const schema = buildSchema(`
  type Entry { key: String! value: String! }
  type Query { get(key: String!): Entry }
  type Mutation { put(key: String!, value: String!): Entry! }
`);
const resolvers = { Query: { get }, Mutation: { put } } as const;
for (const [type, fields] of Object.entries(resolvers)) {
  const found = (schema.getType(type) as graphql.GraphQLObjectType).getFields();
  for (const [name, resolve] of Object.entries(fields)) {
    const field = found[name];
    if (field) field.resolve = (_root, args) => resolve(args as { key: string; value: string });
  }
}
const compiled = new Map<string, ReturnType<typeof compileQuery>>();

async function answer(text: string): Promise<string> {
  const { query, variables } = JSON.parse(text) as { query: string; variables: unknown };
  let plan = compiled.get(query);
  if (!plan) {
    plan = compileQuery(schema, parse(query));
    compiled.set(query, plan);
  }
  return JSON.stringify(await plan.query({}, {}, variables));
}

const keys = Number(process.argv[2] ?? 0);
for (let from = 0; from < keys; from += 200) {
  const numbers = Array.from({ length: Math.min(200, keys - from) }, (_, at) => from + at);
  await Promise.all(numbers.map((n) => put({ key: keyAt(n), value: keyAt(n) + filler(100) })));
}

function bodyOf(request: IncomingMessage, done: (text: string) => void): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => done(Buffer.concat(chunks).toString()));
}

const server = createServer((request, response) => {
  bodyOf(request, (text) => {
    answer(text).then(
      (body) => {
        const headers = {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
        };
        response.writeHead(200, headers).end(body);
      },
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
});
server.listen(0, '127.0.0.1', () =>
  console.log(`ready at http://127.0.0.1:${(server.address() as AddressInfo).port}`),
);
process.on('SIGTERM', () => process.exit(0));
