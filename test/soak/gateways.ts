import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '../../src/local-cluster/free-port.ts';
import type { LocalReplica } from '../../src/local-cluster/cluster.ts';
import { runProgram, type RunningProgram } from '../support/process.ts';
import { fileURLToPath } from 'node:url';
import { Paths } from './paths.ts';
import { addRepairs, repairsIn, type Repairs } from './repairs.ts';

export const tenant = 'soak';
/** How long a gateway gives a request. */
export const requestMs = 1_500;
const readyMs = 30_000;

/** One gateway: a process of its own, which can be killed and started again on the same port. */
export class GatewayProcess {
  readonly name: string;
  readonly port: number;
  readonly paths: Paths;
  readonly #configFile: string;
  readonly #clockFile: string;
  #program: RunningProgram | undefined;
  #said = '';
  /** Of the lives that have ended. */
  #repairs: Repairs = {};

  constructor(name: string, what: { port: number; paths: Paths; directory: string }) {
    this.name = name;
    this.port = what.port;
    this.paths = what.paths;
    this.#configFile = join(what.directory, `${name}.json`);
    this.#clockFile = join(what.directory, `${name}.clock`);
    const config = JSON.stringify(configOf(this.port, this.paths.replicas));
    writeFileSync(this.#configFile, config, { mode: 0o600 });
    this.setClock(0);
  }

  /** Its wall clock is so far off the right time from now on. */
  setClock(offMs: number): void {
    writeFileSync(this.#clockFile, String(offMs));
  }

  async start(): Promise<void> {
    this.#program = runProgram('src/main.ts', ['serve', '--config', this.#configFile], {
      NODE_OPTIONS: `--import=${fileURLToPath(new URL('skewed-clock.ts', import.meta.url))}`,
      QUORATE_SOAK_CLOCK: this.#clockFile,
    });
    const untilMs = performance.now() + readyMs;
    while (!(await this.#isReady())) {
      if (this.#program.child.exitCode !== null || performance.now() > untilMs) {
        throw new Error(`${this.name} did not become ready:\n${this.said()}`);
      }
      await new Promise((wake) => setTimeout(wake, 50));
    }
  }

  /** SIGKILL: what it was doing is left as it is. */
  async kill(): Promise<void> {
    this.#repairs = await this.repairs();
    this.abandon();
    await this.#program?.ended;
    this.#said += this.#program?.output() ?? '';
  }

  async stop(): Promise<void> {
    this.#program?.child.kill('SIGTERM');
    await this.#program?.ended;
    await this.paths.close();
  }

  /** What it has repaired, over all its lives. */
  async repairs(): Promise<Repairs> {
    const text = await fetch(`http://127.0.0.1:${this.port}/metrics`)
      .then((answer) => answer.text())
      .catch(() => '');
    return addRepairs(this.#repairs, repairsIn(text));
  }

  abandon(): void {
    this.#program?.child.kill('SIGKILL');
  }

  /** Whether a load balancer would send it requests: it reaches a majority of the replicas. */
  async #isReady(): Promise<boolean> {
    const answer = await fetch(`http://127.0.0.1:${this.port}/readyz`).catch(() => undefined);
    await answer?.body?.cancel();
    return answer?.ok ?? false;
  }

  /** What it wrote to its log, over all its lives. */
  said(): string {
    return this.#said + (this.#program?.output() ?? '');
  }
}

/** Gateways over the same databases, with the same signing keys. */
export async function prepareGateways(
  count: number,
  what: { replicas: readonly LocalReplica[]; directory: string },
): Promise<readonly GatewayProcess[]> {
  const ports = await freePorts(Array.from({ length: count }, () => undefined));
  const gateways = await Promise.all(
    ports.map(async (port, at) => {
      const paths = await Paths.open(what.replicas);
      return new GatewayProcess(`gateway-${at + 1}`, { port, paths, directory: what.directory });
    }),
  );
  process.once('exit', () => gateways.forEach((gateway) => gateway.abandon()));
  return gateways;
}

function configOf(port: number, replicas: readonly LocalReplica[]): object {
  return {
    replicas: replicas.map(({ id, url }) => ({ id, url })),
    signingKeys: ['the key that all gateways of this soak share'],
    listen: { port, host: '127.0.0.1' },
    timeouts: { requestMs },
    logLevel: 'error',
    auth: { anonymousTenant: tenant },
  };
}
