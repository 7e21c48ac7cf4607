import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Contender, Running, Template } from './contender.ts';
import { fill, send } from './fill.ts';
import { secretAt } from './load.ts';
import { startPostgres } from './postgres.ts';
import { startServer } from './process.ts';

/** How the product is run this time. */
export interface ProductOptions {
  readonly name?: string;
  readonly replicas?: number;
  readonly workers?: number;
  /** More of the environment: `QUORATE_FAST_LANE=off`. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whose keys they are, in turn; each has a keyspace, and a credential that his requests carry. */
  readonly tenants?: number;
  /** Only what where the last write wins asks for. */
  readonly onlyNewest?: true;
  readonly onlyAims?: true;
  /** Connections of a gateway to each replica; the defaults where left out. */
  readonly pool?: { readonly readConnections: number; readonly writeConnections: number };
}

/** What only rounds of consensus write; the same keys again and again, as peers are asked for a put. */
const createRegisters =
  'mutation { createKeyspace(input: { name: "registers", minimumWriteLevel: LINEARIZABLE }) { name } }';

const entry = 'entry { key current { value } }';
const main = new URL('../../src/main.ts', import.meta.url).pathname;

/** Quorate: one gateway by `quorate serve` over three plain Postgres, N=3, an API key in every request. */
export function product(options: ProductOptions = {}): Contender {
  const { name = 'quorate', replicas = 3, workers = 1, tenants = 1, env = {}, pool } = options;
  return {
    name,
    ...(options.onlyAims ? { onlyAims: true } : {}),
    what: `quorate serve${workers > 1 ? ` --workers ${workers}` : ''}, ${replicas} Postgres, N=3`,
    async start(workplace) {
      const databases = await startPostgres(join(workplace.directory, 'data'), replicas);
      const config = join(workplace.directory, 'quorate.json');
      writeFileSync(config, configText(databases.urls, { tenants, pool }));
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
      const keyspaces = options.onlyNewest ? ['newest'] : ['newest', 'versions'];
      await fill({ origin, keyspaces, tenants, keys: workplace.keys });
      await send(origin, 0, { query: createRegisters });
      return {
        origin,
        tenants,
        operations: templates({ authorization: 'Bearer {{secret}}' }),
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
  { tenants, pool }: { tenants: number; pool: ProductOptions['pool'] },
): string {
  const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');
  const apiKeys = Array.from({ length: tenants }, (_, number) => ({
    tenant: number === 0 ? 'bench' : `bench-${number}`,
    secretHash: hashOf(secretAt(number)),
    role: 'ADMIN',
  }));
  return JSON.stringify({
    replicas: urls.map((url, index) => ({ id: `r${index + 1}`, url })),
    signingKeys: [randomBytes(32).toString('hex')],
    listen: { port: 0, host: '127.0.0.1' },
    logLevel: 'warn',
    ...(pool ? { pool } : {}),
    auth: { apiKeys },
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
    putOne: put('ONE'),
    putSession: put('SESSION'),
    putCausal: put('CAUSAL'),
    putAll: put('ALL'),
    putVersion: put('QUORUM', 'versions'),
    putLinearizable: put('LINEARIZABLE', 'versions'),
    putRegister: put('LINEARIZABLE', 'registers'),
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
