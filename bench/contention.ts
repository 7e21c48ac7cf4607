import type { AssembledStore } from '../src/assemble-store.ts';
import { StoreError } from '../src/errors.ts';
import { startTestCluster } from '../test/support/cluster.ts';
import { openStore } from '../test/support/store.ts';

/**
 * How much a counter slows down when many clients increment it by compare-and-set at once, through
 * two gateways, compared with one client alone: in turn, on the same replicas, with `fsync` on.
 *
 * Usage: node bench/contention.ts [rounds] [seconds]
 */
const [rounds = 3, seconds = 10] = process.argv.slice(2).map(Number);
const clients = 32;
const me = { tenant: 'bench' };
const at = { keyspace: 'counters', key: 'one' };
const linearizable = { level: 'LINEARIZABLE' } as const;

interface Counted {
  confirmed: number;
  refused: number;
  unknown: number;
}

const cluster = await startTestCluster({ settings: { fsync: 'on', synchronous_commit: 'on' } });
const gateways = [openStore(cluster.replicas), openStore(cluster.replicas)] as const;
try {
  await gateways[0].store.createKeyspace(me, at.keyspace, {});
  await gateways[0].store.put(me, { ...at, value: '0' }, linearizable);
  const ratios: number[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    const alone = await count(1, seconds / 3);
    const together = await count(clients, seconds);
    ratios.push(together / alone);
  }
  const median = ratios.toSorted((a, b) => a - b)[Math.floor(ratios.length / 2)] ?? 0;
  console.log(`${clients} clients against one, median of ${rounds}: ${median.toFixed(2)}`);
} finally {
  await Promise.all(gateways.map((gateway) => gateway.close()));
  await cluster.stop();
}

/** Confirmed increments a second. Throws when the counter does not say what was confirmed. */
async function count(howMany: number, forSeconds: number): Promise<number> {
  const counted: Counted = { confirmed: 0, refused: 0, unknown: 0 };
  const before = await valueOf(gateways[0]);
  const untilMs = performance.now() + forSeconds * 1_000;
  await Promise.all(
    Array.from({ length: howMany }, (_, index) =>
      client(gateways[index % 2 === 0 ? 0 : 1], untilMs, counted),
    ),
  );
  const grown = (await valueOf(gateways[1])) - before;
  const { confirmed, refused, unknown } = counted;
  if (grown < confirmed || grown > confirmed + unknown) {
    throw new Error(`the counter grew by ${grown}, and ${confirmed} increments were confirmed`);
  }
  const rate = confirmed / forSeconds;
  console.log(
    `${howMany} clients: ${rate.toFixed(0)}/s confirmed, ${refused} refused, ${unknown} unknown`,
  );
  return rate;
}

async function client(gateway: AssembledStore, untilMs: number, counted: Counted): Promise<void> {
  let now = await valueOf(gateway);
  while (performance.now() < untilMs) {
    try {
      const what = { ...at, expect: { value: String(now) }, value: String(now + 1) };
      const { applied, entry } = await gateway.store.compareAndSet(me, what, {});
      counted[applied ? 'confirmed' : 'refused'] += 1;
      now = Number(entry.live[0]?.value);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      if (error.outcome === 'UNKNOWN') counted.unknown += 1;
      now = await valueOf(gateway);
    }
  }
}

async function valueOf({ store }: AssembledStore): Promise<number> {
  const { entry } = await store.get(me, at, linearizable);
  return Number(entry.live[0]?.value);
}
