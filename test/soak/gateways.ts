import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '../../src/local-cluster/free-port.ts';
import type { LocalReplica } from '../../src/local-cluster/cluster.ts';
import { runProgram, type RunningProgram } from '../support/process.ts';

export const tenant = 'soak';
/** How long a gateway gives a request. */
export const requestMs = 1_500;
const readyMs = 30_000;

/** One gateway: a process of its own, which can be killed and started again on the same port. */
export class GatewayProcess {
  readonly name: string;
  readonly port: number;
  readonly #configFile: string;
  #program: RunningProgram | undefined;
  #said = '';

  constructor(name: string, what: { port: number; configFile: string }) {
    this.name = name;
    this.port = what.port;
    this.#configFile = what.configFile;
  }

  async start(): Promise<void> {
    this.#program = runProgram('src/main.ts', ['serve', '--config', this.#configFile]);
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
    this.abandon();
    await this.#program?.ended;
    this.#said += this.#program?.output() ?? '';
  }

  async stop(): Promise<void> {
    this.#program?.child.kill('SIGTERM');
    await this.#program?.ended;
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
  const gateways = ports.map((port, at) => {
    const name = `gateway-${at + 1}`;
    const configFile = join(what.directory, `${name}.json`);
    writeFileSync(configFile, JSON.stringify(configOf(port, what.replicas)), { mode: 0o600 });
    return new GatewayProcess(name, { port, configFile });
  });
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
