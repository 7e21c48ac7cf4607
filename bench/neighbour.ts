import { createHash } from 'node:crypto';
import { Agent, request } from 'node:http';
import { startGateway } from '../src/assemble.ts';
import { checkConfig } from '../src/config.ts';
import { silentLog } from '../src/runtime/log.ts';
import { startTestCluster } from '../test/support/cluster.ts';

/**
 * A noisy neighbour: tenant B asks at a steady pace, alone, and then while tenant A floods with ten
 * times its quota. Prints what A got, and B's latency both times. All of it in one process and on one
 * machine, gateway, databases and both tenants, so the flood takes processor time from B's client too.
 *
 * Usage: node bench/neighbour.ts [quota of A, requests a second] [seconds]
 */
const [quota = 100, seconds = 10] = process.argv.slice(2).map(Number);
const floodPerSecond = 10 * quota;
const pacePerSecond = 50;

const secret = 'the-key-of-the-operator';
const cluster = await startTestCluster();
const config = checkConfig(
  {
    replicas: cluster.replicas.map(({ id, url }) => ({ id, url })),
    signingKeys: ['a signing key for benches, long enough'],
    listen: { port: 0, host: '127.0.0.1' },
    auth: {
      apiKeys: [
        {
          tenant: 'house',
          role: 'OPERATOR',
          secretHash: createHash('sha256').update(secret).digest('hex'),
        },
      ],
    },
  },
  'bench',
);
const gateway = await startGateway({ config, log: silentLog, mode: 'serve' });
const agent = new Agent({ keepAlive: true, maxSockets: 64 });
const get =
  '{ get(keyspace: "carts", key: "k") { entry { current { value } } receipt { stale } } }';

try {
  const noisy = await tenant('noisy', `{ requestsPerSecond: ${quota} }`);
  const quiet = await tenant('quiet', '{}');
  await paced({ key: quiet, perSecond: pacePerSecond, forMs: 3_000 }); // warm
  const alone = await paced({ key: quiet, perSecond: pacePerSecond, forMs: seconds * 1_000 });
  const flooding = paced({ key: noisy, perSecond: floodPerSecond, forMs: seconds * 1_000 + 4_000 });
  await paced({ key: quiet, perSecond: pacePerSecond, forMs: 3_000 }); // A's burst is over
  const beside = await paced({ key: quiet, perSecond: pacePerSecond, forMs: seconds * 1_000 });
  const flood = await flooding;
  const served = flood.served / flood.seconds;
  const asked = (flood.served + flood.refused) / flood.seconds;
  const ratio = beside.p99 / alone.p99;
  console.log(
    [
      `A asked ${asked.toFixed(0)} a second, was given ${served.toFixed(1)}; its quota is ${quota}`,
      `B alone          p50 ${ms(alone.p50)}  p99 ${ms(alone.p99)}`,
      `B beside A       p50 ${ms(beside.p50)}  p99 ${ms(beside.p99)}  refused ${beside.refused}`,
      `p99 beside A is ${ratio.toFixed(2)} times p99 alone (at most 2 is asked for)`,
    ].join('\n'),
  );
} finally {
  agent.destroy();
  await gateway.drain();
  await cluster.stop();
}

interface Paced {
  readonly key: string;
  readonly perSecond: number;
  readonly forMs: number;
}

interface Figures {
  readonly p50: number;
  readonly p99: number;
  readonly served: number;
  readonly refused: number;
  readonly seconds: number;
}

/** Asks at a pace, whether it is answered or not, and measures from when it should have asked. */
async function paced({ key, perSecond, forMs }: Paced): Promise<Figures> {
  const times: number[] = [];
  let refused = 0;
  const startMs = performance.now();
  const open: Promise<void>[] = [];
  for (let nth = 0; (nth / perSecond) * 1_000 < forMs; nth += 1) {
    const dueMs = startMs + (nth / perSecond) * 1_000;
    const waitMs = dueMs - performance.now();
    if (waitMs > 1) await new Promise((wake) => setTimeout(wake, waitMs));
    open.push(
      ask(get, key).then((text) => {
        if (text.includes('LIMIT_EXCEEDED')) refused += 1;
        else if (text.includes('"errors"')) throw new Error(text);
        else times.push(performance.now() - dueMs);
      }),
    );
  }
  await Promise.all(open);
  const sorted = times.toSorted((a, b) => a - b);
  const at = (part: number): number => sorted[Math.floor(sorted.length * part)] ?? NaN;
  const elapsed = (performance.now() - startMs) / 1_000;
  return { p50: at(0.5), p99: at(0.99), served: times.length, refused, seconds: elapsed };
}

async function tenant(name: string, quotaText: string): Promise<string> {
  await told(`mutation { createTenant(input: { name: "${name}", quota: ${quotaText} }) { id } }`);
  const text = await told(`mutation { createApiKey(tenant: "${name}", role: ADMIN) { secret } }`);
  const key = /"secret":"([^"]+)"/.exec(text)?.[1] ?? '';
  await told('mutation { createKeyspace(input: { name: "carts" }) { id } }', key);
  await told('mutation { put(keyspace: "carts", key: "k", value: 1) { writeId } }', key);
  return key;
}

async function told(query: string, key = secret): Promise<string> {
  const text = await ask(query, key);
  if (text.includes('"errors"')) throw new Error(text);
  return text;
}

function ask(query: string, key: string): Promise<string> {
  const body = JSON.stringify({ query });
  return new Promise((resolve, reject) => {
    const sent = request(
      `${gateway.url}/graphql`,
      {
        agent,
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          authorization: `Bearer ${key}`,
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => resolve(Buffer.concat(chunks).toString()));
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`.padStart(9);
}
