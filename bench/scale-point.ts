import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Running } from './harness/contender.ts';
import { freePort, heldBy } from './harness/heap.ts';
import { usageOf } from './harness/machine.ts';
import { product, type ProductOptions } from './harness/product.ts';
import { subscribe } from './subscribers.ts';

/** How the product is run at one point of a curve. */
export interface PointOptions extends ProductOptions {
  readonly keys?: number;
  readonly subscribers?: number;
  /** Connections of the load, as a part of what was asked for; 1 where left out. */
  readonly share?: number;
}

/** The product as it runs at one point. */
export interface Point {
  readonly point: number;
  readonly running: Running;
  readonly keys: number;
  readonly directory: string;
  readonly share: number;
  /** What one of its subscribers takes, where there are any. */
  readonly each: string | undefined;
  stop(): Promise<void>;
}

/** Starts it, fills it, and waits until nothing of that is under way any more. */
export async function startPoint(
  point: number,
  options: PointOptions,
  dataDirectory: string,
): Promise<Point> {
  const { keys = 10_000, subscribers, share = 1, ...run } = options;
  const directory = mkdtempSync(join(dataDirectory, 'quorate-scale-'));
  mkdirSync(join(directory, 'plan'));
  const port = await freePort();
  const env = { NODE_OPTIONS: `--inspect-port=127.0.0.1:${port}` };
  const contender = product({ ...run, onlyNewest: true, ...(subscribers ? { env } : {}) });
  const running = await contender.start({ directory, keys });
  const stops: (() => void)[] = [];
  const stop = async (): Promise<void> => {
    for (const end of stops) end();
    await running.stop();
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await untilIdle(running);
    const each = subscribers ? await subscribed(running, { subscribers, port, stops }) : undefined;
    return { point, running, keys, directory, share, each, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function subscribed(
  running: Running,
  what: { subscribers: number; port: number; stops: (() => void)[] },
): Promise<string> {
  const { subscribers: count, port, stops } = what;
  const [gateway = 0] = running.pids();
  const before = await heldBy(gateway, port);
  const startedMs = performance.now();
  const sockets = await subscribe(running, { first: 0, count });
  stops.push(() => sockets.forEach((socket) => socket.terminate()));
  const liveMs = performance.now() - startedMs;
  await untilIdle(running, count);
  const after = await heldBy(gateway, port);
  const kb = (now: number, then: number): string => ((now - then) / count).toFixed(1);
  return `live in ${(liveMs / 1_000).toFixed(1)} s, idle in ${((performance.now() - startedMs) / 1_000).toFixed(1)} s; each ${kb(after.heapKb, before.heapKb)} KB of heap, ${kb(after.residentKb, before.residentKb)} KB resident (${sockets.length} sockets)`;
}

/**
 * What has just begun is not idle yet. Waits until a second takes next to no processor time: but
 * thousands of subscribers that are told every 30 s where they stand are never quite idle.
 */
async function untilIdle(running: Running, subscribers = 0): Promise<void> {
  const idleMs = 150 + subscribers / 20;
  for (let second = 0; second < idleAfterMax; second += 1) {
    const before = usageOf(running.pids()).cpuMs;
    await sleep(1_000);
    if (usageOf(running.pids()).cpuMs - before < idleMs) return;
  }
  process.stderr.write(`still busy after ${idleAfterMax} s\n`);
}

const idleAfterMax = 120;
