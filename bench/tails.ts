import { parseArgs } from 'node:util';
import { StoreError } from '../src/errors.ts';
import { seededRandom } from '../src/runtime/random.ts';
import { startTestCluster } from '../test/support/cluster.ts';
import { openStore } from '../test/support/store.ts';
import { openDelayProxy } from './delay-proxy.ts';

/**
 * What one replica that answers late costs: latencies of reads and writes without and with it, in
 * turn (A B A B …), in one run, on real Postgres with `fsync` on. The late one is another one each
 * time, and comes first for a third of the keys.
 *
 * Usage: npm run bench:tails -- [--rounds 6] [--seconds 5] [--late-ms 500] [--clients 8] [--seed 1]
 */
const { values: given } = parseArgs({
  options: {
    rounds: { type: 'string', default: '6' },
    seconds: { type: 'string', default: '5' },
    'late-ms': { type: 'string', default: '500' },
    clients: { type: 'string', default: '8' },
    seed: { type: 'string', default: '1' },
  },
});
const options = {
  rounds: Number(given.rounds),
  seconds: Number(given.seconds),
  lateMs: Number(given['late-ms']),
  clients: Number(given.clients),
  seed: Number(given.seed),
};
const keyCount = 500;
const settleMs = 2_000;
const me = { tenant: 'bench' };
const random = seededRandom(options.seed);

const cluster = await startTestCluster({ settings: { fsync: 'on', synchronous_commit: 'on' } });
const proxies = await Promise.all(cluster.replicas.map(({ url }) => openDelayProxy(url)));
const replicas = cluster.replicas.map((replica, nth) => ({
  ...replica,
  url: proxies[nth]?.url ?? replica.url,
}));
const gateway = openStore(replicas);
const { store } = gateway;

const key = (): string => `key-${Math.floor(random.next() * keyCount)}`;
const at = () => ({ keyspace: 'tails', key: key() });
const value = `"${'x'.repeat(200)}"`;
/** Each is one request of a client that then asks the next. */
const kinds = {
  'get QUORUM': () => store.get(me, at(), { level: 'QUORUM' }),
  'get ONE': () => store.get(me, at(), { level: 'ONE' }),
  'put QUORUM': async () => {
    const where = at();
    const { entry } = await store.get(me, where, { level: 'QUORUM' });
    return store.put(me, { ...where, value, context: store.contextOf(entry) }, { level: 'QUORUM' });
  },
  'get LINEARIZABLE': () => store.get(me, at(), { level: 'LINEARIZABLE' }),
} as const;
type Kind = keyof typeof kinds;

interface Figures {
  readonly asked: number;
  readonly failed: number;
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
}

try {
  console.log(JSON.stringify(options));
  await store.createKeyspace(me, 'tails', {});
  for (let nth = 0; nth < keyCount; nth += 1) {
    await store.put(me, { keyspace: 'tails', key: `key-${nth}`, value }, { level: 'ALL' });
  }
  await load('get QUORUM', settleMs); // so that nothing is measured while code is being compiled
  console.log(row(['', 'round', 'replicas', 'asked', 'failed', 'p50', 'p99', 'max']));
  for (const kind of Object.keys(kinds) as Kind[]) await compare(kind);
} finally {
  for (const proxy of proxies) proxy.delayAnswers(0);
  await gateway.close();
  await Promise.all(proxies.map((proxy) => proxy.close()));
  await cluster.stop();
}

/** A B A B …, and the ratio of the medians of their 99th percentiles. */
async function compare(kind: Kind): Promise<void> {
  const tails: { well: number[]; late: number[] } = { well: [], late: [] };
  for (let round = 0; round < options.rounds; round += 1) {
    const isLate = round % 2 === 1;
    const which = (round >> 1) % proxies.length;
    if (isLate) proxies[which]?.delayAnswers(options.lateMs);
    const figures = await load(kind, options.seconds * 1_000);
    for (const proxy of proxies) proxy.delayAnswers(0);
    tails[isLate ? 'late' : 'well'].push(figures.p99);
    const who = isLate ? `${cluster.replicas[which]?.id} late` : 'all well';
    const { asked, failed, p50, p99, most } = figures;
    console.log(row([kind, round + 1, who, asked, failed, ms(p50), ms(p99), ms(most)]));
    await new Promise((wake) => setTimeout(wake, settleMs)); // late answers come in
  }
  const [well, late] = [median(tails.well), median(tails.late)];
  console.log(
    `${kind}: p99 ${ms(well)} → ${ms(late)} with a late one, ${(late / well).toFixed(2)} times\n`,
  );
}

async function load(kind: Kind, forMs: number): Promise<Figures> {
  const taken: number[] = [];
  let failed = 0;
  const untilMs = performance.now() + forMs;
  const client = async (): Promise<void> => {
    while (performance.now() < untilMs) {
      const startMs = performance.now();
      try {
        await kinds[kind]();
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        failed += 1;
      }
      taken.push(performance.now() - startMs);
    }
  };
  await Promise.all(Array.from({ length: options.clients }, client));
  const sorted = taken.sort((a, b) => a - b);
  const quantile = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
  return {
    asked: sorted.length,
    failed,
    p50: quantile(0.5),
    p99: quantile(0.99),
    most: quantile(1),
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[(values.length - 1) >> 1] ?? 0;
}

function ms(latency: number): string {
  return `${latency.toFixed(1)} ms`;
}

function row(cells: readonly (string | number)[]): string {
  const widths = [17, 5, 14, 7, 6, 9, 9, 10];
  return cells
    .map((cell, column) =>
      column === 0 || column === 2
        ? String(cell).padEnd(widths[column] ?? 0)
        : String(cell).padStart(widths[column] ?? 0),
    )
    .join('  ');
}
