import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Contender, Running, Template, Workplace } from './contender.ts';
import { filler, keyAt } from './load.ts';
import { startPostgres } from './postgres.ts';
import { startServer } from './process.ts';

/** How the product is run this time. */
export interface ProductOptions {
  readonly name?: string;
  readonly replicas?: number;
  readonly workers?: number;
  /** More of the environment: `QUORATE_FAST_LANE=off`. */
  readonly env?: Readonly<Record<string, string>>;
  /** Connections of a gateway to each replica; the defaults where left out. */
  readonly pool?: { readonly readConnections: number; readonly writeConnections: number };
}

const entry = 'entry { key current { value } }';
const main = new URL('../../src/main.ts', import.meta.url).pathname;

/** Quorate: one gateway by `quorate serve` over three plain Postgres, N=3, an API key in every request. */
export function product(options: ProductOptions = {}): Contender {
  const { name = 'quorate', replicas = 3, workers = 1, env = {}, pool } = options;
  return {
    name,
    what: `quorate serve${workers > 1 ? ` --workers ${workers}` : ''}, ${replicas} Postgres, N=3`,
    async start(workplace) {
      const databases = await startPostgres(join(workplace.directory, 'data'), replicas);
      const secret = randomBytes(32).toString('hex');
      const config = join(workplace.directory, 'quorate.json');
      writeFileSync(config, configText(databases.urls, { secret, pool }));
      const profile = workplace.profile
        ? ['--cpu-prof', `--cpu-prof-dir=${workplace.profile}`]
        : [];
      const more = workers > 1 ? ['--workers', String(workers)] : [];
      const command = [process.execPath, ...profile, main, 'serve', '--config', config, ...more];
      const server = await startServer(command as [string, ...string[]], {
        ready: /ready at (http:\S+)/,
        env,
      });
      const origin = server.said;
      await fill(origin, secret, workplace);
      return {
        origin,
        operations: templates({ authorization: `Bearer ${secret}` }),
        pids: () => [server.pid, ...databases.pids()],
        async stop() {
          await server.stop();
          await databases.stop();
        },
      };
    },
  };
}

function configText(
  urls: readonly string[],
  { secret, pool }: { secret: string; pool: ProductOptions['pool'] },
): string {
  const secretHash = createHash('sha256').update(secret).digest('hex');
  return JSON.stringify({
    replicas: urls.map((url, index) => ({ id: `r${index + 1}`, url })),
    signingKeys: [randomBytes(32).toString('hex')],
    listen: { port: 0, host: '127.0.0.1' },
    logLevel: 'warn',
    ...(pool ? { pool } : {}),
    auth: { apiKeys: [{ tenant: 'bench', secretHash, role: 'ADMIN' }] },
    keyspaces: [
      { tenant: 'bench', name: 'newest', conflicts: 'LAST_WRITE_WINS' },
      { tenant: 'bench', name: 'versions', conflicts: 'SIBLINGS' },
    ],
  });
}

function templates(headers: Readonly<Record<string, string>>): Running['operations'] {
  const pair = '"key":"([^"]+)","current":{"value":"([^"]+)"';
  const make = (query: string, variables: string, pairs = 1): Template => ({
    path: '/graphql',
    headers,
    body: `{"query":${JSON.stringify(query)},"variables":${variables}}`,
    answer: { pair, pairs },
  });
  const get = (level: string): Template =>
    make(
      `query Get($k: String!) { get(keyspace: "newest", key: $k, consistency: ${level}) { ${entry} } }`,
      '{"k":"{{key}}"}',
    );
  const put = (level: string, keyspace = 'newest'): Template =>
    make(
      `mutation Put($k: String!, $v: JSON!) { put(keyspace: "${keyspace}", key: $k, value: $v, consistency: ${level}) { ${entry} } }`,
      '{"k":"{{key}}","v":"{{value}}"}',
    );
  const many = Array.from({ length: 20 }, () => '"{{key}}"').join(',');
  return {
    get: get('QUORUM'),
    getOne: get('ONE'),
    getSession: get('SESSION'),
    getCausal: get('CAUSAL'),
    getAll: get('ALL'),
    getLinearizable: make(
      `query Get($k: String!) { get(keyspace: "versions", key: $k, consistency: LINEARIZABLE) { ${entry} } }`,
      '{"k":"{{key}}"}',
    ),
    put: put('QUORUM'),
    put1k: put('QUORUM'),
    putOne: put('ONE'),
    putAll: put('ALL'),
    putVersion: put('QUORUM', 'versions'),
    putLinearizable: put('LINEARIZABLE', 'versions'),
    getMany: make(
      `query Many($k: [String!]!) { getMany(keyspace: "newest", keys: $k, consistency: QUORUM) { entries { key current { value } } } }`,
      `{"k":[${many}]}`,
      20,
    ),
    range: make(
      `query Range($k: String!) { range(keyspace: "newest", from: $k, first: 50, consistency: QUORUM) { nodes { key current { value } } } }`,
      '{"k":"{{key}}"}',
    ),
  };
}

/** The keys that are there before anything is measured, in both keyspaces. */
async function fill(origin: string, secret: string, { keys }: Workplace): Promise<void> {
  const query = `mutation ($s: String!, $i: [PutItem!]!) { putMany(keyspace: $s, items: $i, consistency: ALL, timeoutMs: 30000) { results { error { message } } } }`;
  for (const keyspace of ['newest', 'versions']) {
    for (let from = 0; from < keys; from += 200) {
      const count = Math.min(200, keys - from);
      const items = Array.from({ length: count }, (_, index) => {
        const key = keyAt(from + index);
        return { key, value: key + filler(100) };
      });
      const response = await fetch(`${origin}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${secret}` },
        body: JSON.stringify({ query, variables: { s: keyspace, i: items } }),
      });
      const text = await response.text();
      if (!response.ok || text.includes('"message"'))
        throw new Error(`cannot fill: ${text.slice(0, 500)}`);
    }
  }
}
