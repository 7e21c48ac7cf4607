import cluster, { type Worker } from 'node:cluster';
import { freePorts } from '../local-cluster/free-port.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { numberOf, type GivenOptions } from './command-line.ts';
import { startGateway, type RunningGateway } from './gateway.ts';
import type { Surroundings } from './surroundings.ts';
import type { FromWorker, ToWorker, WorkerOrder } from './worker-messages.ts';

const workersMax = 64;
/** A worker that dies is replaced; one that dies young, a little later each time. */
const again = { firstMs: 100, mostMs: 30_000, grownUpMs: 10_000 } as const;
const countMs = 2_000;

/** How many gateways are wanted behind the port. */
export function workersOf(given: GivenOptions): number {
  return numberOf(given, 'workers', { min: 1, max: workersMax }) ?? 1;
}

/** A gateway in this process, or several in processes of their own. */
export function startOneOrMore(
  start: WorkerOrder & { readonly log: Log },
  { count, around }: { count: number; around: Surroundings },
): Promise<RunningGateway> {
  return count === 1 ? startGateway(start) : startWorkers({ ...start, count, ...around });
}

interface WorkersOptions extends WorkerOrder {
  readonly count: number;
  readonly log: Log;
  readonly clock: Clock;
}

/**
 * Several gateways behind one port, as one: for machines with more cores than one. The processes know
 * nothing of each other; a connection stays with the worker that it was dealt to.
 *
 * The first one is started alone: when it cannot, that is the answer.
 */
async function startWorkers(options: WorkersOptions): Promise<RunningGateway> {
  const { count, config } = options;
  cluster.setupPrimary({ serialization: 'advanced' });
  // Where any port would do, it is chosen here: a worker that comes later must find the same one.
  const [port = 0] = config.listen.port === 0 ? await freePorts([undefined]) : [config.listen.port];
  const crew = new Crew({ ...options, config: { ...config, listen: { ...config.listen, port } } });
  try {
    const first = await crew.start();
    await Promise.all(Array.from({ length: count - 1 }, () => crew.start()));
    return { ...first, drain: () => crew.end() };
  } catch (error) {
    await crew.end();
    throw error;
  }
}

interface Place {
  readonly url: string;
  readonly port: number;
}

class Crew {
  readonly #options: WorkersOptions;
  readonly #workers = new Set<Worker>();
  readonly #counting = new Map<number, (figures: readonly object[]) => void>();
  readonly #order: WorkerOrder;
  #isEnding = false;
  #diedYoung = 0;
  #asked = 0;

  constructor(options: WorkersOptions) {
    this.#options = options;
    this.#order = { config: options.config, mode: options.mode };
  }

  /** Resolves when it answers; rejects with its own sentence when it cannot. */
  start(): Promise<Place> {
    const { clock, log } = this.#options;
    return new Promise((resolve, reject) => {
      const bornMs = clock.monotonicMs();
      let isReady = false;
      let sentence: string | undefined;
      const worker = cluster.fork();
      this.#workers.add(worker);
      worker.on('message', (message: FromWorker) => {
        if (message.kind === 'awake') tell(worker, { kind: 'begin', order: this.#order });
        if (message.kind === 'failed') sentence = message.message;
        if (message.kind === 'counted') this.#counting.get(message.asked)?.(message.figures);
        if (message.kind === 'wants figures')
          this.#count(worker, message.asked).catch((error: unknown) =>
            // Whoever asked goes on without the others when its time is up.
            log.warn({ err: error }, 'metrics of the workers could not be added up'),
          );
        if (message.kind !== 'ready') return;
        isReady = true;
        resolve(message);
      });
      // One that has just died takes no message: its end is told below, and is not the end of all.
      worker.on('error', (error) =>
        log.warn({ err: error }, 'a worker could not be told something'),
      );
      worker.on('exit', (code, signal) => {
        this.#workers.delete(worker);
        const how = signal || `exit code ${code}`;
        if (!isReady) return reject(new Error(sentence ?? `a worker ended at its start: ${how}`));
        this.#replace({ how, ageMs: clock.monotonicMs() - bornMs });
      });
    });
  }

  /** Asks all to drain; resolves when all are gone. */
  async end(): Promise<void> {
    this.#isEnding = true;
    const gone = [...this.#workers].map(
      (worker) => new Promise<void>((resolve) => worker.once('exit', () => resolve())),
    );
    for (const worker of this.#workers) worker.process.kill('SIGTERM');
    await Promise.all(gone);
  }

  #replace({ how, ageMs }: { how: string; ageMs: number }): void {
    const { clock, log } = this.#options;
    if (this.#isEnding) return;
    this.#diedYoung = ageMs < again.grownUpMs ? this.#diedYoung + 1 : 0;
    const pauseMs = Math.min(again.mostMs, again.firstMs * 2 ** this.#diedYoung);
    log.error(
      { how, ageMs: Math.round(ageMs), pauseMs },
      'a worker is gone; another takes its place',
    );
    clock.after(pauseMs, () => {
      if (this.#isEnding) return;
      this.start().catch((error: unknown) => {
        log.error({ err: error }, 'a worker could not be replaced');
        this.#replace({ how: 'it did not start', ageMs: 0 });
      });
    });
  }

  /** The figures of all who answer in time, added up; averages are averaged. */
  async #count(worker: Worker, asked: number): Promise<void> {
    const figures = await Promise.all([...this.#workers].map((one) => this.#figuresOf(one)));
    const answered = figures.filter((one) => one !== undefined);
    const { AggregatorRegistry } = await import('prom-client'); // seldom needed, and slow to load
    const together = AggregatorRegistry.aggregate(answered);
    tell(worker, { kind: 'figures', asked, text: await together.metrics() });
  }

  #figuresOf(worker: Worker): Promise<readonly object[] | undefined> {
    const number = (this.#asked += 1);
    return new Promise((resolve) => {
      const end = (figures: readonly object[] | undefined): void => {
        this.#counting.delete(number);
        cancel();
        resolve(figures);
      };
      const cancel = this.#options.clock.after(countMs, () => end(undefined));
      this.#counting.set(number, end);
      tell(worker, { kind: 'count', asked: number });
    });
  }
}

function tell(worker: Worker, message: ToWorker): void {
  if (worker.isConnected()) worker.send(message);
}
