import { startGateway } from '../src/assemble.ts';
import { openTenancy, type Tenancy } from '../src/assemble-tenancy.ts';
import { checkConfig, type Config } from '../src/config.ts';
import { silentLog } from '../src/runtime/log.ts';
import { startTestCluster } from '../test/support/cluster.ts';
import { openStore } from '../test/support/store.ts';

/**
 * What many tenants cost: ten, and then ten thousand with a key each, on the same replicas. Start-up,
 * the first request of a key and those after it, and memory, at a gateway that has just started.
 *
 * Usage: node --expose-gc bench/tenants.ts [tenants]
 */
const [many = 10_000] = process.argv.slice(2).map(Number);
const few = 10;
const atOnce = 100;

const cluster = await startTestCluster();
const config = checkConfig(
  {
    replicas: cluster.replicas.map(({ id, url }) => ({ id, url })),
    signingKeys: ['a signing key for benches, long enough'],
    listen: { port: 0, host: '127.0.0.1', httpsOnly: false },
    logLevel: 'silent',
  } satisfies Partial<Config>,
  'bench',
);
const maker = openGateway();
const secrets: string[] = [];
try {
  await make(few);
  await report();
  await make(many);
  await report();
} finally {
  await maker.close();
  await cluster.stop();
}

interface Opened {
  readonly tenancy: Tenancy;
  close(): Promise<void>;
}

/** A gateway without its edge: what authenticates, over the replicas. */
function openGateway(): Opened {
  const assembled = openStore(cluster.replicas);
  const tenancy = openTenancy({ config, mode: 'serve', assembled });
  return {
    tenancy,
    async close() {
      await tenancy.close();
      await assembled.close();
    },
  };
}

async function make(upTo: number): Promise<void> {
  const startedMs = performance.now();
  const before = secrets.length;
  await inGroups(upTo - before, async (nth) => {
    const tenant = `tenant-${before + nth}`;
    await maker.tenancy.tenants.create(tenant, { requestsPerSecond: 100 });
    secrets.push((await maker.tenancy.tenants.createKey({ tenant, role: 'WRITER' })).secret);
  });
  const seconds = (performance.now() - startedMs) / 1000;
  const rate = (upTo - before) / seconds;
  console.log(`made ${upTo - before} tenants with a key each: ${rate.toFixed(0)} a second`);
}

async function report(): Promise<void> {
  const opened = openGateway();
  const { tenancy } = opened;
  await tenancy.authenticator.authenticate(bearer(0));
  const bytesBefore = heapBytes();
  const { first, again } = await sample((nth) => tenancy.authenticator.authenticate(bearer(nth)));
  const bytes = heapBytes() - bytesBefore;
  // After the memory was measured: what is let go of here would be taken from it.
  const starts: number[] = [];
  for (let nth = 0; nth < 5; nth++) {
    starts.push(
      await timed(async () => {
        const gateway = await startGateway({ config, log: silentLog, mode: 'serve' });
        await ask(gateway.url);
        return () => gateway.drain();
      }),
    );
  }
  const startMs = median(starts);
  const listMs = await timed(async () => {
    await tenancy.tenants.list();
    return () => Promise.resolve();
  });
  console.log(
    [
      `${secrets.length} tenants, all of them active:`,
      `  start with a first request, median of five  ${startMs.toFixed(0)} ms`,
      `  first request of a key in 2 s, median       ${(first * 1000).toFixed(0)} µs`,
      `  a request after it, median                  ${(again * 1000).toFixed(1)} µs`,
      `  memory for what is remembered of them       ${(bytes / 1_048_576).toFixed(1)} MiB`,
      `  all tenants, listed                         ${listMs.toFixed(0)} ms`,
    ].join('\n'),
  );
  await opened.close();
}

function bearer(nth: number): string {
  return `Bearer ${secrets[nth] ?? ''}`;
}

/** One after another, each tenant twice: what one request adds. */
async function sample(
  work: (nth: number) => Promise<unknown>,
): Promise<{ first: number; again: number }> {
  const times: [number, number][] = [];
  for (const nth of secrets.keys()) {
    const startedMs = performance.now();
    await work(nth);
    const firstMs = performance.now();
    await work(nth);
    times.push([firstMs - startedMs, performance.now() - firstMs]);
  }
  return { first: median(times.map(([one]) => one)), again: median(times.map(([, two]) => two)) };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

async function timed(work: () => Promise<() => Promise<void>>): Promise<number> {
  const startedMs = performance.now();
  const end = await work();
  const elapsedMs = performance.now() - startedMs;
  await end();
  return elapsedMs;
}

async function ask(url: string): Promise<void> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: bearer(0) },
    body: JSON.stringify({ query: '{ tenant { name } }' }),
  });
  const text = await response.text();
  if (!text.includes('"tenant-')) throw new Error(`expected a tenant, got ${text}`);
}

async function inGroups(count: number, work: (nth: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, worker));
}

function heapBytes(): number {
  (globalThis as { gc?: () => void }).gc?.();
  return process.memoryUsage().heapUsed;
}
