import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { startGateway } from '../src/assemble.ts';
import { checkConfig } from '../src/config.ts';
import { silentLog } from '../src/runtime/log.ts';
import type { Figures, PacedJob } from './paced-client.ts';
import { startTestCluster } from '../test/support/cluster.ts';

/**
 * A noisy neighbour: tenant B asks at a steady pace, alone, then while tenant A floods with ten
 * times its quota, then alone again. Prints what A got, and B's latency each time. Gateway, databases and clients share
 * one machine, so what the flood itself takes of the processors is in the figures.
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

try {
  const noisy = await tenant('noisy', `{ requestsPerSecond: ${quota} }`);
  const quiet = await tenant('quiet', '{}');
  await paced({ key: quiet, perSecond: pacePerSecond, forMs: 3_000 }); // warm
  const alone = await paced({ key: quiet, perSecond: pacePerSecond, forMs: seconds * 1_000 });
  const flooding = paced({ key: noisy, perSecond: floodPerSecond, forMs: seconds * 1_000 + 4_000 });
  await paced({ key: quiet, perSecond: pacePerSecond, forMs: 3_000 }); // A's burst is over
  const beside = await paced({ key: quiet, perSecond: pacePerSecond, forMs: seconds * 1_000 });
  const flood = await flooding;
  // Once more alone: where the two differ, the machine was not the same all the time.
  const after = await paced({ key: quiet, perSecond: pacePerSecond, forMs: seconds * 1_000 });
  const served = flood.served / flood.seconds;
  const asked = (flood.served + flood.refused) / flood.seconds;
  const times = ({ p99 }: Figures): string => (beside.p99 / p99).toFixed(2);
  console.log(
    [
      `A asked ${asked.toFixed(0)} a second, was given ${served.toFixed(1)}; its quota is ${quota}`,
      `B alone          p50 ${ms(alone.p50)}  p99 ${ms(alone.p99)}`,
      `B beside A       p50 ${ms(beside.p50)}  p99 ${ms(beside.p99)}  refused ${beside.refused}`,
      `B alone again    p50 ${ms(after.p50)}  p99 ${ms(after.p99)}`,
      `p99 beside A is ${times(alone)} times p99 alone before it, ${times(after)} times after it (at most 2 is asked for)`,
    ].join('\n'),
  );
} finally {
  await gateway.drain();
  await cluster.stop();
}

/** A client in a process of its own. */
function paced(job: Omit<PacedJob, 'url'>): Promise<Figures> {
  const client = fork(new URL('./paced-client.ts', import.meta.url), [
    JSON.stringify({ ...job, url: `${gateway.url}/graphql` }),
  ]);
  return new Promise((resolve, reject) => {
    client.once('message', (figures) => resolve(figures as Figures));
    client.once('exit', (code) => reject(new Error(`the client ended with ${code}`)));
  });
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
  const response = await fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ query }),
  });
  const text = await response.text();
  if (text.includes('"errors"')) throw new Error(text);
  return text;
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`.padStart(9);
}
