import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Random } from '../runtime/random.ts';
import {
  ClusterError,
  type LocalCluster,
  type LocalReplica,
  type ReplicaProvider,
  type WantedReplica,
} from './cluster.ts';
import {
  type RememberedReplica,
  inDirectory,
  openDataDirectory,
  readClusterRecord,
  refuseOtherTopology,
  rememberedSecret,
  urlOf,
  writeClusterRecord,
} from './data-directory.ts';
import { explainFileError } from './explain.ts';
import { freePorts } from './free-port.ts';
import { lockDirectory } from './lock.ts';
import { type PostgresBinaries, findBinaries } from './postgres-binaries.ts';
import { PortTaken, Postmaster } from './postmaster.ts';
import { type FillDirectory, copyDirectory, ensureDirectory } from './replica-directory.ts';
import { type UnprivilegedUser, ownerOf, unprivilegedUser } from './unprivileged-user.ts';

export interface EmbeddedOptions {
  /** Replica r lives in `<dataDirectory>/r/`, its log beside it. */
  readonly dataDirectory: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Postgres settings over the ones below; the tests turn fsync off. */
  readonly settings?: Readonly<Record<string, string>>;
  /** How a new data directory is filled, if not by `initdb`; the tests copy one. */
  readonly fill?: FillDirectory;
}

/**
 * Postgres on a developer's machine: durable, small, reachable from this machine only. What is not here
 * is left as Postgres has it: `commit_delay` (0; the gateway's batches are the group commit, and a lone
 * write must not wait), `wal_buffers` (2 MB of these 64, many batches), and the costs of the planner,
 * of which the data path asks nothing (`replica/postgres/connection`).
 */
const smallMachine: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '', // its path would be too long in a deep directory
  // Never traded: an acknowledgement is a replica that holds the state durably.
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  max_connections: '100', // eight, or nine, a gateway
  shared_buffers: '64MB', // three replicas share a laptop with everything else
  // A quarter of Postgres's own: three replicas fill a disk three times; checkpoints come sooner.
  max_wal_size: '256MB',
  min_wal_size: '32MB',
  io_method: 'sync', // spares three worker processes a replica
  jit: 'off', // compiling costs more than any statement here
  max_parallel_workers_per_gather: '0', // the other cores have the other replicas
  log_checkpoints: 'off',
  log_line_prefix: '%m [%p] ',
};

/** A provider whose clusters can also be left in a hurry. */
export interface EmbeddedProvider extends ReplicaProvider {
  start(wanted: readonly WantedReplica[]): Promise<EmbeddedCluster>;
}

/** Postgres from the binaries that npm installed: nothing else needs to be on the machine. */
export function embeddedProvider(options: EmbeddedOptions): EmbeddedProvider {
  return { start: (wanted) => startEmbedded(options, wanted) };
}

async function startEmbedded(
  options: EmbeddedOptions,
  wanted: readonly WantedReplica[],
): Promise<EmbeddedCluster> {
  const directory = openDataDirectory(options.dataDirectory);
  const lock = inDirectory(directory, () => lockDirectory(directory));
  const members: Member[] = [];
  try {
    const record = readClusterRecord(directory);
    if (record !== undefined) refuseOtherTopology(directory, record, wanted);
    const password = rememberedSecret(directory, 'password', options.random);
    const user = unprivilegedUser();
    const binaries = findBinaries(user);
    for (const { id, zone } of wanted) {
      const port = record?.replicas.find((known) => known.id === id)?.port;
      members.push(prepare(options, { id, zone, port, directory, password, user, binaries }));
    }
    await allOrFirstFailure(members.map((member) => member.makeReady()));
    await startAll(members, options.log);
    const replicas = members.map(({ id, zone, port }) => ({ id, zone, port }) as RememberedReplica);
    writeClusterRecord(directory, { replicas });
    return new EmbeddedCluster(members, { password, release: () => lock.release() });
  } catch (error) {
    await Promise.all(members.map(({ postmaster }) => postmaster.stop()));
    lock.release();
    throw explainFileError(error, directory);
  }
}

interface Member {
  readonly id: string;
  readonly zone: string | undefined;
  readonly directory: string;
  readonly postmaster: Postmaster;
  port: number | undefined;
  /** Makes the data directory, and ends what an earlier gateway left running in it. */
  makeReady(): Promise<void>;
}

interface MemberOptions extends WantedReplica {
  readonly port: number | undefined;
  readonly directory: string;
  readonly password: string;
  readonly user: UnprivilegedUser | undefined;
  readonly binaries: PostgresBinaries;
}

function prepare({ clock, log, settings, fill }: EmbeddedOptions, wanted: MemberOptions): Member {
  const { id, zone, port, password, user: preferred, binaries } = wanted;
  const directory = join(wanted.directory, id);
  const logFile = join(wanted.directory, `${id}.log`);
  const onLost = (how: string): void =>
    log.warn({ replica: id, how }, `the Postgres of ${id} is gone; the next start brings it back`);
  const common = { id, directory, logFile, clock, onLost, program: binaries.postgres };
  const own = { ...smallMachine, cluster_name: id, ...settings };
  const user = inDirectory(wanted.directory, () => ownerOf(directory)) ?? preferred;
  const postmaster = new Postmaster({ ...common, user, settings: own });
  const makeReady = async (): Promise<void> => {
    await ensureDirectory({ id, directory, logFile, password, binaries, user }, fill);
    if (await postmaster.replaceOrphan())
      log.info({ replica: id }, 'replaced a left-over Postgres');
  };
  return { id, zone, directory, postmaster, port, makeReady };
}

/** Ports are found for all at once; when one is taken in the meantime, that one gets another. */
async function startAll(members: readonly Member[], log: Log): Promise<void> {
  let waiting = members;
  for (let attempt = 0; waiting.length > 0; attempt += 1) {
    const ports = await freePorts(waiting.map(({ port }) => port));
    const taken: Member[] = [];
    await allOrFirstFailure(
      waiting.map(async (member, index) => {
        const port = ports[index] ?? 0;
        if (member.port !== undefined && member.port !== port) {
          log.warn({ replica: member.id }, `port ${member.port} is taken, using ${port} instead`);
        }
        member.port = port;
        try {
          await member.postmaster.start(port);
        } catch (error) {
          if (!(error instanceof PortTaken) || attempt >= 2) throw error;
          taken.push(member);
        }
      }),
    );
    waiting = taken;
  }
}

/** Waits for all, so that nothing is still being started when the failure is told. */
async function allOrFirstFailure(work: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(work);
  const failure = results.find((result) => result.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
}

/** A local cluster of embedded databases, which holds its data directory until it is stopped. */
export class EmbeddedCluster implements LocalCluster {
  readonly replicas: readonly LocalReplica[];
  readonly #members: readonly Member[];
  readonly #release: () => void;

  constructor(members: readonly Member[], more: { password: string; release: () => void }) {
    this.#members = members;
    this.#release = more.release;
    this.replicas = members.map(({ id, zone, port }) => {
      return { id, zone, url: urlOf(port ?? 0, more.password) };
    });
  }

  async kill(id: string): Promise<void> {
    await this.#member(id).postmaster.kill();
  }

  async freeze(id: string): Promise<void> {
    this.#member(id).postmaster.freeze();
  }

  async thaw(id: string): Promise<void> {
    this.#member(id).postmaster.thaw();
  }

  async restart(id: string): Promise<void> {
    const { postmaster, port } = this.#member(id);
    await postmaster.stop();
    await postmaster.start(port ?? 0);
  }

  /** A new, empty disk in the place of the present one. */
  async wipe(id: string): Promise<void> {
    const member = this.#member(id);
    await member.postmaster.kill();
    rmSync(member.directory, { recursive: true, force: true });
    await member.makeReady();
    await member.postmaster.start(member.port ?? 0);
  }

  /** Copies the disk while the database is stopped for it, and answers with where the copy is. */
  async copyDisk(id: string): Promise<string> {
    const { postmaster, directory, port } = this.#member(id);
    const copy = `${directory}.copy`;
    await postmaster.stop();
    rmSync(copy, { recursive: true, force: true });
    await copyDirectory(directory, copy);
    await postmaster.start(port ?? 0);
    return copy;
  }

  /** Puts a copy in the place of the present disk, as the restoring of a backup does. */
  async putDiskBack(id: string, copy: string): Promise<void> {
    const { postmaster, directory, port } = this.#member(id);
    await postmaster.stop();
    rmSync(directory, { recursive: true, force: true });
    await copyDirectory(copy, directory);
    await postmaster.start(port ?? 0);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#members.map(({ postmaster }) => postmaster.stop()));
    this.#release();
  }

  /** For the exit that does not wait; the next start recovers what was committed. */
  abandon(): void {
    for (const { postmaster } of this.#members) postmaster.abandon();
    this.#release();
  }

  #member(id: string): Member {
    const found = this.#members.find((member) => member.id === id);
    if (found === undefined) throw new ClusterError(`There is no replica called ${id}.`);
    return found;
  }
}
