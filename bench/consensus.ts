import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { AssembledStore } from '../src/assemble-store.ts';
import { seededRandom } from '../src/runtime/random.ts';
import { openOverMemory } from '../test/support/over-memory.ts';
import { openStore } from '../test/support/store.ts';
import { usageOf } from './harness/machine.ts';
import { startPostgres } from './harness/postgres.ts';
import { median } from './harness/table.ts';

/**
 * What a put LINEARIZABLE costs at the store, where it takes two round trips (a keyspace that lets
 * ordinary writes through too, or a key that is new) and where it takes one (`minimumWriteLevel:
 * LINEARIZABLE`, docs/decisions/0032): in turn, over replicas in memory and over three Postgres with
 * `fsync` on. Processor time of this process, and of the three servers.
 *
 * Usage: node bench/consensus.ts [--rounds 5] [--seconds 2] [--clients 64] [--keys 2000] [--seed 1]
 */
const { values: given } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    clients: { type: 'string', default: '64' },
    keys: { type: 'string', default: '2000' },
    seed: { type: 'string', default: '1' },
  },
});
const [rounds, seconds, clients, keys, seed] = [
  ...[given.rounds, given.seconds, given.clients],
  ...[given.keys, given.seed],
].map(Number) as [number, number, number, number, number];
const me = { tenant: 'bench' };
const value = `"${'x'.repeat(98)}"`;
const random = seededRandom(seed);
let fresh = 0;
const draws = {
  'new keys': () => `new-${(fresh += 1)}`,
  'written again': () => `key-${Math.floor(random.next() * keys)}`,
  'one key': () => 'one',
} as const;
const keyspaces = { 'two rounds': 'mixed', 'one round': 'agreed' } as const;

console.log(`${rounds} rounds of ${seconds} s, ${clients} clients, ${keys} keys, seed ${seed}`);
const memory = openOverMemory({ requestMs: 5_000 });
await measureAll('in memory', memory, () => 0);
await memory.close();
const directory = mkdtempSync(join(tmpdir(), 'quorate-consensus-'));
const servers = await startPostgres(directory, 3);
const replicas = servers.urls.map((url, nth) => ({
  id: `replica-${nth + 1}`,
  url,
  zone: undefined,
}));
const gateway = openStore(replicas, { requestMs: 5_000 });
try {
  await measureAll('three Postgres', gateway, () => usageOf(servers.pids()).cpuMs);
} finally {
  await gateway.close();
  await servers.stop();
  rmSync(directory, { recursive: true, force: true });
}

async function measureAll(
  name: string,
  { store }: AssembledStore,
  serversMs: () => number,
): Promise<void> {
  await store.createKeyspace(me, 'mixed', {});
  const agreed = { minimumWriteLevel: 'LINEARIZABLE', defaultWriteLevel: 'LINEARIZABLE' } as const;
  await store.createKeyspace(me, 'agreed', agreed);
  const found = new Map<string, number[][]>();
  for (let round = 0; round <= rounds; round += 1)
    for (const [draw, key] of Object.entries(draws))
      for (const [how, keyspace] of Object.entries(keyspaces)) {
        const what = `${name}, ${draw}, ${how}`;
        const put = () => store.put(me, { keyspace, key: key(), value }, { level: 'LINEARIZABLE' });
        const figures = await measured(put, serversMs);
        if (round > 0) found.set(what, [...(found.get(what) ?? []), figures]);
      }
  for (const [what, rows] of found) {
    const [rate, own, servers] = [0, 1, 2].map((at) => rows.map((row) => row[at] ?? 0)) as [
      number[],
      number[],
      number[],
    ];
    console.log(
      `${what}: ${median(rate).toFixed(0)}/s, gateway ${median(own).toFixed(0)} µs (least ${Math.min(...own).toFixed(0)}), Postgres ${median(servers).toFixed(0)} (${Math.min(...servers).toFixed(0)})`,
    );
  }
}

/** Requests a second, and µs of processor time for one: of this process, and of the servers. */
async function measured(put: () => Promise<unknown>, serversMs: () => number): Promise<number[]> {
  const [before, serversBefore] = [process.cpuUsage(), serversMs()];
  const fromMs = performance.now();
  const untilMs = fromMs + seconds * 1_000;
  let done = 0;
  const client = async (): Promise<void> => {
    while (performance.now() < untilMs) {
      await put();
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  const { user, system } = process.cpuUsage(before);
  const tookMs = performance.now() - fromMs;
  const servers = ((serversMs() - serversBefore) * 1_000) / done;
  return [(done * 1_000) / tookMs, (user + system) / done, servers];
}
