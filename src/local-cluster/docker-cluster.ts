import type * as Testcontainers from 'testcontainers';
import type { GenericContainer, StartedTestContainer } from 'testcontainers';
import { type Clock, systemClock } from '../runtime/clock.ts';
import {
  ClusterError,
  type LocalCluster,
  type LocalReplica,
  type ReplicaProvider,
  type WantedReplica,
} from './cluster.ts';
import { freePorts } from './free-port.ts';

const image = 'postgres:18';
const secret = 'quorate'; // a container of a test, on this machine, gone when the test is
const restartMs = 60_000;

/**
 * A Postgres container for each replica: for tests, on machines where a Docker engine answers.
 *
 * The library is a development dependency, and is loaded only here: an installed Quorate runs
 * without it.
 */
export function dockerProvider(clock: Clock = systemClock): ReplicaProvider {
  return {
    async start(wanted): Promise<LocalCluster> {
      const library = await loadLibrary();
      const ports = await freePorts(wanted.map(() => undefined));
      const starts = wanted.map(async (replica, index) => {
        const port = ports[index] ?? 0;
        const container = await describeContainer(library.GenericContainer, port, replica).start();
        return { replica, port, container };
      });
      const results = await Promise.allSettled(starts);
      const started = results.filter((one) => one.status === 'fulfilled').map((one) => one.value);
      const failure = results.find((one) => one.status === 'rejected');
      if (failure === undefined) return new DockerCluster(started, { clock, library });
      await Promise.all(started.map(({ container }) => container.stop()));
      throw new ClusterError(`Docker could not start Postgres: ${messageOf(failure.reason)}.`);
    },
  };
}

/** Whether a Docker engine answers here. */
export async function dockerAnswers(): Promise<boolean> {
  try {
    const { getContainerRuntimeClient } = await loadLibrary();
    await getContainerRuntimeClient();
    return true;
  } catch {
    return false;
  }
}

type Library = typeof Testcontainers;

interface Member {
  readonly replica: WantedReplica;
  readonly port: number;
  readonly container: StartedTestContainer;
}

async function loadLibrary(): Promise<Library> {
  try {
    return await import('testcontainers');
  } catch {
    throw new ClusterError('Docker containers need the development dependency "testcontainers".');
  }
}

/**
 * A fixed host port: Docker would give a restarted container another one, and its URL must not
 * change.
 */
function describeContainer(
  Container: typeof GenericContainer,
  port: number,
  { id }: WantedReplica,
): GenericContainer {
  return new Container(image)
    .withExposedPorts({ container: 5432, host: port })
    .withEnvironment({
      POSTGRES_USER: 'quorate',
      POSTGRES_DB: 'quorate',
      POSTGRES_PASSWORD: secret,
      POSTGRES_INITDB_ARGS: '--encoding=UTF8 --locale=C',
    })
    .withLabels({ 'quorate.replica': id })
    .withHealthCheck({
      // Over TCP: the image first runs a server on its Unix socket only, to set up the database.
      test: ['CMD-SHELL', 'pg_isready --host=127.0.0.1 --username=quorate'],
      interval: 200,
      timeout: 2_000,
      retries: 300,
    });
}

/** Containers; a fault is Docker's own: kill, pause, unpause, start. */
class DockerCluster implements LocalCluster {
  readonly replicas: readonly LocalReplica[];
  readonly #members: readonly Member[];
  readonly #clock: Clock;
  readonly #library: Library;

  constructor(members: readonly Member[], { clock, library }: { clock: Clock; library: Library }) {
    this.#members = members;
    this.#clock = clock;
    this.#library = library;
    this.replicas = members.map(({ replica: { id, zone }, port, container }) => {
      const url = `postgres://quorate:${secret}@${container.getHost()}:${port}/quorate`;
      return { id, zone, url };
    });
  }

  async kill(id: string): Promise<void> {
    const { handle } = await this.#find(id);
    await handle.kill();
  }

  async freeze(id: string): Promise<void> {
    const { handle } = await this.#find(id);
    await handle.pause();
  }

  async thaw(id: string): Promise<void> {
    const { handle } = await this.#find(id);
    await handle.unpause();
  }

  async restart(id: string): Promise<void> {
    const { handle, container } = await this.#find(id);
    const { State: state } = await handle.inspect();
    if (state.Paused) await handle.unpause();
    if (state.Running) await handle.stop();
    await handle.start();
    const deadlineMs = this.#clock.monotonicMs() + restartMs;
    for (;;) {
      const { exitCode } = await container.exec(['pg_isready', '--host=127.0.0.1']);
      if (exitCode === 0) return;
      if (this.#clock.monotonicMs() > deadlineMs) {
        throw new ClusterError(`The container of ${id} was not ready after ${restartMs / 1000} s.`);
      }
      await this.#clock.sleep(100);
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#members.map(({ container }) => container.stop()));
  }

  async #find(id: string) {
    const member = this.#members.find(({ replica }) => replica.id === id);
    if (member === undefined) throw new ClusterError(`There is no replica called ${id}.`);
    const engine = await this.#library.getContainerRuntimeClient();
    return { ...member, handle: engine.container.getById(member.container.getId()) };
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
