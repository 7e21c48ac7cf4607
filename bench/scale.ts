import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import type { Running } from './harness/contender.ts';
import { secretAt } from './harness/load.ts';
import { usageOf } from './harness/machine.ts';
import { measure } from './harness/measure.ts';
import { workloads } from './harness/operations.ts';
import { product, type ProductOptions } from './harness/product.ts';
import { median } from './harness/table.ts';

export interface ScaleOptions {
  readonly quick: boolean;
  readonly rounds: number;
  readonly seconds: number;
  readonly seed: number;
  readonly connections: number;
  /** Curves by their last word; all where left out. */
  readonly only?: readonly string[] | undefined;
  readonly dataDirectory: string;
}

/** One curve: what grows, and how the product is run at each of its points. */
interface Curve {
  readonly what: string;
  readonly points: readonly number[];
  readonly at: (point: number) => ProductOptions & { keys?: number; subscribers?: number };
}

function curves(quick: boolean): readonly Curve[] {
  const upTo = (...points: readonly number[]) => (quick ? points.slice(0, 2) : points);
  return [
    { what: 'replicas', points: upTo(3, 6, 12), at: (replicas) => ({ replicas }) },
    {
      what: 'keys',
      points: quick ? [1_000, 10_000] : [10_000, 100_000, 1_000_000],
      at: (keys) => ({ keys }),
    },
    {
      what: 'idle subscribers',
      points: upTo(1, 1_000, 10_000),
      at: (subscribers) => ({ subscribers }),
    },
    { what: 'tenants', points: upTo(1, 100, 10_000), at: (tenants) => ({ tenants }) },
    { what: 'workers', points: [1, 2], at: (workers) => ({ workers }) },
  ];
}

const kinds = ['put', 'get'] as const;

/**
 * What a put and a get cost as something else grows: processor time of the product, for one request,
 * and the slope of the line through the points where both axes are logarithms (0: flat, 1: in
 * proportion). Of tenants, `npm run bench:tenants` says what they cost at the start, and in memory.
 */
export async function scale(options: ScaleOptions): Promise<void> {
  const { quick, only } = options;
  for (const curve of curves(quick)) {
    if (only && !only.includes(curve.what.split(' ').at(-1) ?? '')) continue;
    const costs = new Map<string, { point: number; us: number }[]>();
    for (const point of curve.points) {
      for (const [kind, us] of await costAt(curve, point, options))
        costs.set(kind, [...(costs.get(kind) ?? []), { point, us }]);
    }
    for (const [kind, line] of costs) {
      const shown = line.map(({ point, us }) => `${point}: ${Math.round(us)} µs`).join('   ');
      console.log(`${curve.what.padEnd(17)} ${kind}   ${shown}   slope ${slope(line).toFixed(3)}`);
    }
  }
}

async function costAt(
  { what, at }: Curve,
  point: number,
  options: ScaleOptions,
): Promise<ReadonlyMap<string, number>> {
  const { keys = 10_000, subscribers = 0, ...run } = at(point);
  const directory = mkdtempSync(join(options.dataDirectory, 'quorate-scale-'));
  mkdirSync(join(directory, 'plan'));
  const running = await product({ ...run, onlyNewest: true }).start({ directory, keys });
  const sockets: WebSocket[] = [];
  try {
    sockets.push(...(await subscribe(running, subscribers)));
    await untilIdle(running);
    const costs = new Map<string, number>();
    for (const kind of kinds) {
      const workload = workloads.find(({ name }) => name === kind);
      if (!workload) throw new Error(`there is no workload ${kind}`);
      const samples: number[] = [];
      for (let round = 0; round <= options.rounds; round += 1) {
        const asked = { contender: 'quorate', workload, round };
        const sample = await measure(running, asked, {
          ...options,
          seconds: round === 0 ? 2 * options.seconds : options.seconds,
          keys,
          directory,
        });
        process.stderr.write(
          `${what} ${point}  ${kind}  ${Math.round(sample.perSecond)}/s  ${Math.round(sample.ownUs)} µs  ${Math.round(sample.residentMb)} MB\n`,
        );
        if (round > 0) samples.push(sample.ownUs);
      }
      costs.set(kind, median(samples));
    }
    return costs;
  } finally {
    for (const socket of sockets) socket.terminate();
    await running.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** As many as one socket may have. */
const perSocket = 100;

/** Subscribers to keys that nobody writes. */
async function subscribe(running: Running, count: number): Promise<readonly WebSocket[]> {
  const authorization = `Bearer ${secretAt(0)}`;
  const url = `${running.origin.replace('http', 'ws')}/graphql`;
  const sockets: WebSocket[] = [];
  for (let from = 0; from < count; from += perSocket) {
    const socket = new WebSocket(url, 'graphql-transport-ws');
    sockets.push(socket);
    await once(socket, 'open');
    socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization } }));
    await once(socket, 'message');
    for (let nth = from; nth < Math.min(count, from + perSocket); nth += 1) {
      const query = `subscription { changes(keyspace: "newest", key: "quiet${nth}") { __typename } }`;
      socket.send(JSON.stringify({ id: String(nth), type: 'subscribe', payload: { query } }));
      await once(socket, 'message'); // the bookmark that says it is live
    }
  }
  return sockets;
}

/**
 * A new subscription reads what changed lately: thousands that have just begun are not idle yet. Waits
 * until a second takes next to no processor time.
 */
async function untilIdle(running: Running): Promise<void> {
  for (let second = 0; second < idleAfterMax; second += 1) {
    const before = usageOf(running.pids()).cpuMs;
    await sleep(1_000);
    if (usageOf(running.pids()).cpuMs - before < 150) return;
  }
  process.stderr.write(`still busy after ${idleAfterMax} s\n`);
}

const idleAfterMax = 300;

/** Of the least squares line through the logarithms. */
function slope(line: readonly { readonly point: number; readonly us: number }[]): number {
  const logs = line.map(({ point, us }) => [Math.log(point), Math.log(us)] as const);
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, one) => sum + one, 0) / values.length;
  const [x, y] = [mean(logs.map(([one]) => one)), mean(logs.map(([, one]) => one))];
  const above = logs.reduce((sum, [a, b]) => sum + (a - x) * (b - y), 0);
  const below = logs.reduce((sum, [a]) => sum + (a - x) ** 2, 0);
  return below === 0 ? 0 : above / below;
}
