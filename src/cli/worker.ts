import cluster from 'node:cluster';
import { createLog, type Log } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';
import { startGateway } from './gateway.ts';
import { beginLifetime, drainWithin } from './lifetime.ts';
import type { Surroundings } from './surroundings.ts';
import type { FromWorker, ToWorker, WorkerOrder } from './worker-messages.ts';

/** Whether this process was started by another one of ours, to be a worker. */
export const isWorker = cluster.isWorker;

/**
 * One of several gateways behind one port: a gateway like any other, in a process of its own. It has
 * its own connections, its own memory and its own name towards the replicas; all that it shares with
 * the others is the port, and Postgres.
 */
export async function workerCommand(around: Surroundings): Promise<number> {
  const { config, mode } = await firstOrder();
  const log = createLog(config.logLevel).child({ worker: cluster.worker?.id });
  const lifetime = beginLifetime(log, around);
  try {
    const figures = createFigures(around, log);
    const gateway = await startGateway({ config, log, mode, metricsText: figures.text });
    figures.of(gateway.metrics);
    send({ kind: 'ready', url: gateway.url, port: gateway.port });
    const code = await lifetime.ending;
    await drainWithin(gateway, { clock: around.clock, log, shutdown: config.shutdown });
    return code;
  } catch (error) {
    send({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
    await around.clock.sleep(100); // the message must be gone before the process is
    return 1;
  }
}

function firstOrder(): Promise<WorkerOrder> {
  return new Promise((resolve) => {
    listen((message) => {
      if (message.kind === 'begin') resolve(message.order);
    });
    send({ kind: 'awake' });
  });
}

function listen(take: (message: ToWorker) => void): void {
  process.on('message', (message) => take(message as ToWorker));
}

function send(message: FromWorker): void {
  // Without the one who started us there is nobody to tell; `cluster` ends this process then.
  if (process.connected) process.send?.(message);
}

const answerMs = 5_000;

/** The metrics of all workers together, which only the one who started them can gather. */
function createFigures({ clock }: Surroundings, log: Log) {
  const waiting = new Map<number, (text: string | undefined) => void>();
  let metrics: Metrics | undefined;
  let asked = 0;
  listen((message) => {
    if (message.kind === 'figures') waiting.get(message.asked)?.(message.text);
    if (message.kind !== 'count' || !metrics) return;
    metrics.registry.getMetricsAsJSON().then(
      (figures) => send({ kind: 'counted', asked: message.asked, figures }),
      // The others are told without it, when its time is up.
      (error: unknown) => log.warn({ err: error }, 'metrics could not be read'),
    );
  });
  return {
    of(own: Metrics): void {
      metrics = own;
    },
    /** Undefined when nobody has gathered them in time. */
    text: (): Promise<string | undefined> => {
      const number = (asked += 1);
      return new Promise((resolve) => {
        const end = (text: string | undefined): void => {
          waiting.delete(number);
          cancel();
          resolve(text);
        };
        const cancel = clock.after(answerMs, () => end(undefined));
        waiting.set(number, end);
        send({ kind: 'wants figures', asked: number });
      });
    },
  };
}
