import {
  keyspaceDefaults,
  type Keyspace,
  type KeyspaceSettings,
} from '../../../src/consistency/keyspace.ts';
import type { Cell } from '../../../src/causality/cell.ts';
import { policies } from '../../../src/consistency/policies.ts';
import type { StoreParts } from '../../../src/assemble-store.ts';
import { MemoryReplica } from '../../../src/replica/memory-replica.ts';
import type { Replica } from '../../../src/replica/replica.ts';
import { seededRandom, type Random } from '../../../src/runtime/random.ts';
import type { Defects } from '../controls/defects.ts';
import { History } from '../history.ts';
import { Gateway, type FeedOptions } from './gateway.ts';
import { Link } from './link.ts';
import { calm, Network, type Weather } from './network.ts';
import { Process } from './process.ts';
import { Rounds } from './rounds.ts';
import { Schedule } from './schedule.ts';
import { Server, type OpenTransactions } from './server.ts';
import { createTrace, type Trace } from './trace.ts';

/** The cluster that a scenario runs on. */
export interface WorldOptions {
  readonly seed: number;
  readonly replicas: number;
  readonly gateways: number;
  readonly weather: Weather;
  /** Wall clocks of gateways are up to this far from the truth, either way. */
  readonly skewMaxMs: number;
  readonly requestMs: number;
  readonly mintMs: number;
  /** Of values, on one page of a range. */
  readonly pageBytes: number;
  /** The product's own anti-entropy; 0 for none, where the simulator's hostile one takes its place. */
  readonly antiEntropyEveryMs: number;
  readonly tombstoneGraceMs: number;
  /** How a replica that lost something is brought up to date. */
  readonly identity: NonNullable<StoreParts['identity']>;
  /** Transactions that commit late, and so out of order. */
  readonly open: OpenTransactions;
  /** The change feed of each gateway. */
  readonly feed: (world: World, gateway: string) => FeedOptions;
  /** No operation after this many: how a failing run is made shorter. */
  readonly operationsMax: number;
  readonly trace: 'none' | 'hash' | 'lines';
  readonly defects: Defects;
}

/** One simulated cluster: gateways and replicas as processes on a bad network, under virtual time. */
export class World {
  readonly options: WorldOptions;
  readonly schedule = new Schedule();
  readonly trace: Trace;
  readonly network: Network;
  readonly history: History;
  readonly servers: readonly Server[];
  readonly gateways: Gateway[] = [];
  /** All that anti-entropy looks after: the directory of keyspaces too. */
  readonly keyspaces: Keyspace[];
  /** Every version that was offered to a replica where the newest wins. */
  readonly offered: { key: string; cell: Cell }[] = [];
  readonly rounds: Rounds;
  /** Things that must never happen, whatever the workload: a request that hangs, an unknown error. */
  readonly problems: string[] = [];
  #gatewaysMade = 0;
  #operations = 0;
  #isAfterwards = false;
  #processes = 0;
  #values = 0;

  constructor(options: WorldOptions) {
    this.options = options;
    this.rounds = new Rounds(options.replicas);
    this.trace = createTrace(options.trace);
    this.network = new Network({
      data: this.chance('network'),
      hints: this.chance('network of hints'),
      register: this.chance('network of registers'),
    });
    this.history = new History(() => this.schedule.nowMs);
    this.servers = Array.from({ length: options.replicas }, (_, index) => this.#startServer(index));
    const system = { tenant: '$system', name: 'keyspaces', storageName: 'keyspaces' };
    this.keyspaces = [
      { ...keyspaceDefaults, ...system, replicationFactor: Math.min(3, options.replicas) },
    ];
    for (let index = 0; index < options.gateways; index += 1)
      this.gateways.push(this.#startGateway());
  }

  /** A stream of chance of its own for each part, so that parts do not disturb each other's. */
  chance(part: string): Random {
    let hash = this.options.seed >>> 0;
    for (const char of part) hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193) >>> 0;
    const random = seededRandom(hash);
    for (let round = 0; round < 4; round += 1) random.next();
    return random;
  }

  note(line: string): void {
    this.trace.add(this.schedule.nowMs, line);
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((wake) => this.schedule.after(delayMs, wake));
  }

  /** Whether one more operation may begin; after the last one clients stop, and so do the faults. */
  admit(): boolean {
    if (this.#isAfterwards) return true;
    if (this.#operations >= this.options.operationsMax) return false;
    this.#operations += 1;
    return true;
  }

  /** What is done after the storm does not count. */
  afterwards(): void {
    this.#isAfterwards = true;
  }

  /** The number of one more client; a client gets a new one after an unknown outcome. */
  newProcess(): number {
    return ++this.#processes;
  }

  /** A value that nobody has written yet. */
  newValue(): number {
    return ++this.#values;
  }

  get operations(): number {
    return this.#operations;
  }

  /** A keyspace, made in calm weather and known to every gateway. */
  async createKeyspace(
    tenant: string,
    name: string,
    settings: Partial<KeyspaceSettings>,
  ): Promise<Keyspace> {
    const [first] = this.gateways;
    const keyspace = await first!.store.createKeyspace({ tenant }, name, settings);
    await Promise.all(this.gateways.map(({ store }) => store.keyspace({ tenant }, name)));
    this.keyspaces.push(keyspace);
    return keyspace;
  }

  /** The ids of the primaries of a key. */
  owners(keyspace: Keyspace, key: string): readonly string[] {
    const { targets } = this.gateways[0]!.assembled.cluster.placeKey(keyspace, key);
    return targets.map(({ replica }) => replica.id);
  }

  storm(): void {
    this.network.weather = this.options.weather;
  }

  /** Ends every fault. */
  calm(): void {
    this.network.weather = calm;
    this.network.heal();
    for (const server of this.servers) if (server.state !== 'UP') server.recover();
  }

  /** Kills a gateway, and starts another one in its place, with an id of its own. */
  async replaceGateway(index: number): Promise<void> {
    const gateway = this.gateways[index]!;
    const next = this.#startGateway();
    await this.#ready(next);
    this.note(`${gateway.name} is killed, and ${next.name} takes its place`);
    gateway.kill();
    this.gateways[index] = next;
  }

  /** Gets no requests before it knows its keyspaces, as behind a proxy that asks whether it is ready. */
  async #ready(gateway: Gateway): Promise<void> {
    for (const { tenant, name } of this.keyspaces.slice(1)) {
      const found = (): Promise<Keyspace | undefined> =>
        gateway.store.keyspace({ tenant }, name).catch(() => undefined);
      while (!(await found())) await this.sleep(20);
    }
  }

  /** A link from any process, with what the control breaks about it. */
  link(process: Process, server: Server): Replica {
    const link = new Link(this, process, server);
    return this.options.defects.link?.(link, { process, world: this }) ?? link;
  }

  #startServer(index: number): Server {
    const random = this.chance(`server${index}`);
    const process = new Process(this.schedule, {
      name: `r${index}`,
      originMs: Math.floor(random.next() * 1e6),
    });
    const options = {
      id: process.name,
      incarnation: random.uuid(),
      clock: process.clock,
      // Every other one takes all cells for large, and is told by their digests where it is asked briefly.
      ...(index % 2 === 0 ? { largeBytes: 0 } : {}),
    };
    const replica = this.options.defects.replica?.(options) ?? new MemoryReplica(options);
    const { open } = this.options;
    const time = { schedule: this.schedule, random: this.chance(`commits ${index}`), open };
    return new Server({ process, replica }, time);
  }

  #startGateway(): Gateway {
    const number = ++this.#gatewaysMade;
    const random = this.chance(`gateway${number}`);
    const process = new Process(this.schedule, {
      name: `g${number}`,
      originMs: Math.floor(random.next() * 1e6),
      skewMs: Math.round((random.next() * 2 - 1) * this.options.skewMaxMs),
    });
    return new Gateway(this, process, random);
  }
}

/** How the versions of a keyspace converge. */
export function convergenceOf(keyspace: Keyspace) {
  return policies[keyspace.conflicts];
}
