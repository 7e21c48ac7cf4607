import { fork, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { startGateway } from '../src/assemble.ts';
import { checkConfig } from '../src/config.ts';
import { silentLog } from '../src/runtime/log.ts';
import { startTestCluster } from '../test/support/cluster.ts';
import { median } from './harness/table.ts';
import type { Figures, PacedJob } from './paced-client.ts';

/**
 * A noisy neighbour: tenant B asks at a steady pace, alone and while tenant A floods with ten times
 * its quota, in turn. In one round the same requests of B come at the same moments either way; what
 * is told is the median of the rounds' ratios, because a machine is not the same all the time.
 * Gateway, databases and clients share one machine, so what the flood itself takes of the processors
 * is in the figures.
 *
 * Usage: node bench/neighbour.ts [quota of A a second] [seconds of a stretch] [rounds] [seed]
 */
const [quota = 50, seconds = 20, rounds = 4, seed = 1] = process.argv.slice(2).map(Number);
const floodPerSecond = 10 * quota;
const pacePerSecond = 100;
/** Before a stretch counts: A may take a second's worth at once, and has by then. */
const settleMs = 2_000;

interface Stretch {
  readonly quiet: Figures;
  readonly noisy: Figures | undefined;
  /** So much of a processor the gateway took. */
  readonly gateway: number;
}

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
const clients: ChildProcess[] = [];
const gateway = await startGateway({ config, log: silentLog, mode: 'serve' });

try {
  const noisy = client(await tenant('noisy', `{ requestsPerSecond: ${quota} }`));
  const quiet = client(await tenant('quiet', '{}'));
  console.log(
    `A asks ${floodPerSecond} a second of its quota of ${quota}, B ${pacePerSecond}; seed ${seed}; ${rounds} rounds of ${seconds} s each way: some ${pacePerSecond * seconds} answers to B in each`,
  );
  const warm = { perSecond: floodPerSecond, forMs: 3_000, skipMs: 0, seed };
  await noisy(warm);
  await quiet(warm);
  const found: { alone: Stretch; beside: Stretch }[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    // Whichever comes second finds what the first has left behind: they take turns in that, too.
    const aloneIsFirst = round % 2 === 1;
    const first = aloneIsFirst ? await alone(round) : undefined;
    const beside = await besideA(round);
    found.push({ alone: first ?? (await alone(round)), beside });
    const latest = found.at(-1);
    if (latest) console.log(`${round}/${rounds}  ${told(latest)}`);
  }
  console.log(summary(found));

  async function alone(round: number): Promise<Stretch> {
    return stretch(() => quiet(paceOf(round)));
  }
  async function besideA(round: number): Promise<Stretch> {
    const forMs = settleMs + seconds * 1_000;
    const flood = { perSecond: floodPerSecond, forMs, skipMs: settleMs, seed: seed + 100 + round };
    return stretch(() => quiet(paceOf(round)), noisy(flood));
  }
} finally {
  for (const child of clients) child.disconnect();
  await gateway.drain();
  await cluster.stop();
}

function paceOf(round: number): PacedJob {
  const forMs = settleMs + seconds * 1_000;
  return { perSecond: pacePerSecond, forMs, skipMs: settleMs, seed: seed + round };
}

async function stretch(quiet: () => Promise<Figures>, noisy?: Promise<Figures>): Promise<Stretch> {
  const before = process.cpuUsage();
  const startMs = performance.now();
  const figures = await quiet();
  const { user, system } = process.cpuUsage(before);
  const busy = (user + system) / 1_000 / (performance.now() - startMs);
  return { quiet: figures, noisy: await noisy, gateway: busy };
}

/** A client in a process of its own, for as long as the bench runs. */
function client(key: string): (job: PacedJob) => Promise<Figures> {
  const { host } = new URL(gateway.url);
  const child = fork(new URL('./paced-client.ts', import.meta.url), [host, key]);
  clients.push(child);
  return (job) =>
    new Promise((resolve, reject) => {
      const ended = (code: number | null): void =>
        reject(new Error(`the client ended with ${String(code)}`));
      child.once('exit', ended);
      child.once('message', (figures) => {
        child.off('exit', ended);
        resolve(figures as Figures);
      });
      child.send(job);
    });
}

function told({ alone, beside }: { alone: Stretch; beside: Stretch }): string {
  const ofB = ({ quiet }: Stretch): string =>
    `p50 ${ms(quiet.times, 0.5)}, p99 ${ms(quiet.times, 0.99)}`;
  const ratio = at(beside.quiet.times, 0.99) / at(alone.quiet.times, 0.99);
  const given = (beside.noisy?.served ?? 0) / seconds;
  const busy = [alone.gateway, beside.gateway, beside.noisy?.busy ?? 0, beside.quiet.busy]
    .map((part) => `${(part * 100).toFixed(0)} %`)
    .join(', ');
  return `B alone ${ofB(alone)}; beside A ${ofB(beside)}, refused ${beside.quiet.refused}: ${ratio.toFixed(2)} times. A was given ${given.toFixed(1)} a second, refused ${((beside.noisy?.refused ?? 0) / seconds).toFixed(0)}. Of a processor: gateway alone and beside, client A, client B: ${busy}`;
}

function summary(found: readonly { alone: Stretch; beside: Stretch }[]): string {
  const ratios = (part: number): number[] =>
    found.map(({ alone, beside }) => at(beside.quiet.times, part) / at(alone.quiet.times, part));
  const all = (which: 'alone' | 'beside'): readonly number[] =>
    found.flatMap((round) => round[which].quiet.times).toSorted((a, b) => a - b);
  const given = found.map(({ beside }) => (beside.noisy?.served ?? 0) / seconds);
  const burst = Math.max(...found.map(({ beside }) => beside.noisy?.servedBefore ?? 0));
  return [
    `A was given ${median(given).toFixed(1)} a second of its ${quota} (median of ${rounds}), after at most ${burst} in the first ${settleMs / 1_000} s`,
    `B's p99 over all rounds: alone ${ms(all('alone'), 0.99)}, beside A ${ms(all('beside'), 0.99)}`,
    `B's p50 beside A is ${median(ratios(0.5)).toFixed(2)} times, its p99 ${median(ratios(0.99)).toFixed(2)} times that alone (medians of ${rounds} rounds; at most 2 is asked for)`,
  ].join('\n');
}

function at(sorted: readonly number[], part: number): number {
  return sorted[Math.floor(sorted.length * part)] ?? NaN;
}

function ms(sorted: readonly number[], part: number): string {
  return `${at(sorted, part).toFixed(1)} ms`;
}

async function tenant(name: string, quotaText: string): Promise<string> {
  await ask(`mutation { createTenant(input: { name: "${name}", quota: ${quotaText} }) { id } }`);
  const text = await ask(`mutation { createApiKey(tenant: "${name}", role: ADMIN) { secret } }`);
  const key = /"secret":"([^"]+)"/.exec(text)?.[1] ?? '';
  await ask('mutation { createKeyspace(input: { name: "carts" }) { id } }', key);
  await ask('mutation { put(keyspace: "carts", key: "k", value: 1) { writeId } }', key);
  return key;
}

async function ask(query: string, key = secret): Promise<string> {
  const response = await fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ query }),
  });
  const text = await response.text();
  if (text.includes('"errors"')) throw new Error(text);
  return text;
}
