import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { openQuotas } from '../src/assemble-quotas.ts';
import { openTenancy } from '../src/assemble-tenancy.ts';
import { checkConfig } from '../src/config.ts';
import { startMemoryEdge } from '../test/support/edge.ts';
import { openOverMemory } from '../test/support/over-memory.ts';
import { keyAt, secretAt } from './harness/load.ts';
import { median } from './harness/table.ts';

/**
 * What the gateway itself takes for a get, a put and a getMany of 20, without Postgres: the whole of
 * it over three replicas in memory, asked by 64 plain sockets of the same process. `bare` is what these
 * sockets and `node:http` alone take for an answer as long as a get's: that much of a get is nobody's
 * to save. Processor time and not time: neighbours on the machine disturb little, and the least of
 * several rounds is disturbed least.
 *
 * Usage: node bench/inside.ts [rounds] [requests a round] [get | put | getMany | bare]
 */
const [rounds = 8, requests = 30_000] = process.argv.slice(2, 4).map(Number);
const only = process.argv[4];
const seed = 1;
const connections = 64;
const keys = 2_000;
const fields = 'entry { key current { value } }';
const documents = {
  get: `query Get($k: String!) { get(keyspace: "newest", key: $k, consistency: QUORUM) { ${fields} } }`,
  getMany: `query Many($k: [String!]!) { getMany(keyspace: "newest", keys: $k, consistency: QUORUM) { entries { key current { value } } } }`,
  put: `mutation Put($k: String!, $v: JSON!) { put(keyspace: "newest", key: $k, value: $v, consistency: QUORUM) { ${fields} } }`,
} as const;

const port = await openGateway();
const sockets = await Promise.all(Array.from({ length: connections }, () => open(port)));
const value = (key: string): string => `${key}${'x'.repeat(88)}`;
console.log(`seed ${seed}, ${connections} sockets, ${keys} keys, ${requests} requests a round`);
let state = seed;
for (let key = 0; key < keys; key += connections)
  await Promise.all(sockets.map((socket, index) => ask(socket, 'put', keyAt(key + index))));
const found: Record<string, number[]> = { get: [], put: [], getMany: [], bare: [] };
const bareSockets = await openBare();
for (let round = 0; round <= rounds; round += 1)
  for (const name of ['get', 'put', 'getMany', 'bare'] as const) {
    if (only !== undefined && only !== name) continue;
    const spentUs = await measured(name);
    console.log(
      `${round === 0 ? 'warm' : `${round}/${rounds}`}  ${name}  ${spentUs.toFixed(1)} µs`,
    );
    if (round > 0) found[name]?.push(spentUs);
  }
for (const [name, spent] of Object.entries(found))
  if (spent.length > 0)
    console.log(
      `${name}: least ${Math.min(...spent).toFixed(1)} µs, median ${median(spent).toFixed(1)}`,
    );
process.exit(); // sockets and loops are open still

async function measured(workload: keyof typeof documents | 'bare'): Promise<number> {
  const name = workload === 'bare' ? 'get' : workload;
  const before = process.cpuUsage();
  let left = requests;
  const client = async (socket: Socket): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await ask(socket, name, ...Array.from({ length: name === 'getMany' ? 20 : 1 }, drawnKey));
    }
  };
  await Promise.all((workload === 'bare' ? bareSockets : sockets).map(client));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / requests;
}

function drawnKey(): string {
  state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
  return keyAt((state >>> 8) % keys);
}

/** One request, and its answer verified; it comes in one piece, being short. */
function ask(socket: Socket, name: keyof typeof documents, ...asked: string[]): Promise<void> {
  const key = asked.at(-1) ?? '';
  const variables = {
    get: { k: key },
    put: { k: key, v: value(key) },
    getMany: { k: asked },
  }[name];
  const body = JSON.stringify({ query: documents[name], variables });
  return new Promise((resolve, reject) => {
    socket.once('data', (data: Buffer) => {
      if (data.includes(`"value":"${key}`)) resolve();
      else reject(new Error(`a wrong answer: ${data.toString()}`));
    });
    socket.write(
      `POST /graphql HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nAccept: application/json\r\nAuthorization: Bearer ${secretAt(0)}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
  });
}

function open(to: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port: to, host: '127.0.0.1', noDelay: true }, () => resolve(socket));
    socket.once('error', reject);
  });
}

/** A server that reads the body and writes an answer as long as that of a get, and nothing else. */
async function openBare(): Promise<readonly Socket[]> {
  const server = createServer((request, response) => {
    request.on('data', (chunk: Buffer) => {
      const { variables } = JSON.parse(chunk.toString()) as { variables: { k: string } };
      const text = JSON.stringify({ data: { get: { value: value(variables.k) } } });
      const padding = { 'content-type': 'application/json', 'x-padding': 'x'.repeat(350) };
      response.writeHead(200, { ...padding, 'content-length': text.length }).end(text, 'latin1');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bare = (server.address() as AddressInfo).port;
  return Promise.all(Array.from({ length: connections }, () => open(bare)));
}

/** With the credentials and quotas that `serve` has; only the replicas are in memory. */
async function openGateway(): Promise<number> {
  const assembled = openOverMemory({ requestMs: 5_000 });
  const secretHash = createHash('sha256').update(secretAt(0)).digest('hex');
  const given = checkConfig(
    {
      replicas: [{ id: 'r1', url: 'postgres://nowhere/none' }],
      signingKeys: ['a signing key for benches, long enough'],
      auth: { apiKeys: [{ tenant: 'bench', secretHash, role: 'ADMIN' }] },
    },
    'bench',
  );
  const config = { ...given, replicas: [] };
  await assembled.store.createKeyspace({ tenant: 'bench' }, 'newest', {
    conflicts: 'LAST_WRITE_WINS',
  });
  const tenancy = openTenancy({ config, mode: 'serve', assembled });
  const weights = { of: () => 1 };
  await tenancy.tenants.tenants.ensure('bench');
  const quotas = openQuotas({ config, assembled, tenants: tenancy.tenants, weights });
  const edge = await startMemoryEdge({
    ...quotas.services,
    tenants: tenancy.tenants,
    authenticator: tenancy.authenticator,
    audit: tenancy.audit,
    metrics: assembled.deps.metrics,
    mode: 'serve',
    limits: config.limits,
  });
  return Number(new URL(edge.origin).port);
}
