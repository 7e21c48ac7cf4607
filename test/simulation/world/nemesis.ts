import type { AntiEntropy } from './anti-entropy.ts';
import { Disks } from './disks.ts';
import type { World } from './world.ts';

/** Faults that a scenario lets happen, each with its weight; 0 or absent is never. */
export interface Faults {
  readonly crash?: number;
  readonly freeze?: number;
  /** Three replicas go down together, and come back together. */
  readonly outage?: number;
  /** One replica is cut off from everyone. */
  readonly isolate?: number;
  /** One replica is cut off as soon as it has committed something, before it can say so. */
  readonly strand?: number;
  /** One gateway's messages to one replica, or back, are dropped: one direction only. */
  readonly oneWay?: number;
  readonly gatewayCrash?: number;
  readonly wipe?: number;
  /** An empty disk, or an older copy, in the place of one; nobody is told. */
  readonly newDisk?: number;
  readonly oldDisk?: number;
  readonly clockStep?: number;
  /** A new fault about this often. */
  readonly everyMs: number;
  /** How long one lasts at most. */
  readonly lastMs: number;
}

type FaultName = Exclude<keyof Faults, 'everyMs' | 'lastMs'>;

/** Lets faults happen, at most one at a time at each replica, until it is stopped. */
export class Nemesis {
  readonly #world: World;
  readonly #faults: Faults;
  readonly #repair: AntiEntropy;
  readonly #disks: Disks;
  #stopped = false;

  constructor(world: World, faults: Faults, repair: AntiEntropy) {
    this.#world = world;
    this.#faults = faults;
    this.#repair = repair;
    this.#disks = new Disks(world);
  }

  async run(): Promise<void> {
    const random = this.#world.chance('nemesis');
    const wipe = this.#world.options.defects.wipes ? { wipe: 3 } : {};
    const weights: readonly (readonly [string, number])[] = Object.entries({
      ...this.#faults,
      ...wipe,
    }).filter(([name]) => !name.endsWith('Ms'));
    const total = weights.reduce((sum, [, weight]) => sum + weight, 0);
    for (const isOver = (): boolean => this.#stopped; total > 0 && !isOver();) {
      await this.#world.sleep(random.next() * 2 * this.#faults.everyMs);
      if (isOver()) return;
      if (this.#faults.oldDisk) this.#disks.copyOne(random);
      let at = random.next() * total;
      const found = weights.find(([, weight]) => (at -= weight) < 0);
      const who = random.next();
      const howLongMs = random.next() * this.#faults.lastMs;
      if (found) await this.#happen(found[0] as FaultName, { who, howLongMs, coin: random.next() });
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  async #happen(
    fault: FaultName,
    how: { who: number; howLongMs: number; coin: number },
  ): Promise<void> {
    const world = this.#world;
    const server = world.servers[Math.floor(how.who * world.servers.length)]!;
    const index = Math.floor(how.coin * world.gateways.length);
    const gateway = world.gateways[index]!;
    world.note(`fault ${fault} ${server.id} ${gateway.name} for ${how.howLongMs.toFixed(1)}`);
    const undo = (task: () => void): void => void world.schedule.after(how.howLongMs, task);
    switch (fault) {
      case 'crash':
      case 'freeze':
        if (server.state !== 'UP') return;
        if (fault === 'crash') server.crash();
        else server.freeze();
        undo(() => server.recover());
        return;
      case 'outage':
        this.#outage(how.who, undo);
        return;
      case 'isolate':
        this.#isolate(server.id, undo);
        return;
      case 'strand':
        server.afterNextChange(() => this.#isolate(server.id, undo));
        return;
      case 'oneWay': {
        const ends: [string, string] =
          how.howLongMs % 2 < 1 ? [gateway.name, server.id] : [server.id, gateway.name];
        world.network.cut(...ends);
        undo(() => world.network.mend(...ends));
        return;
      }
      case 'gatewayCrash':
        return world.replaceGateway(index);
      case 'wipe':
        return this.#wipe(server.id, how.coin < 0.5);
      case 'newDisk':
        this.#disks.lose(server, how.coin < 0.5);
        return;
      case 'oldDisk':
        this.#disks.putBack(server);
        return;
      case 'clockStep':
        gateway.process.skewMs = (how.coin * 2 - 1) * world.options.skewMaxMs;
    }
  }

  #outage(who: number, undo: (task: () => void) => void): void {
    const { servers } = this.#world;
    const first = Math.floor(who * servers.length);
    const gone = [0, 1, 2]
      .map((step) => servers[(first + step) % servers.length]!)
      .filter(({ state }) => state === 'UP');
    for (const server of gone) server.crash();
    undo(() => {
      for (const server of gone) server.recover();
    });
  }

  #isolate(id: string, undo: (task: () => void) => void): void {
    if (this.#stopped) return;
    const { network, gateways } = this.#world;
    const others = ['ae', ...gateways.map(({ name }) => name)];
    for (const name of others) {
      network.cut(name, id);
      network.cut(id, name);
    }
    undo(() => {
      for (const name of others) {
        network.mend(name, id);
        network.mend(id, name);
      }
    });
  }

  /** All that is acknowledged is elsewhere first: one copy alone cannot outlive its disk, and no level says it does. */
  async #wipe(id: string, behindProxy: boolean): Promise<void> {
    const { servers, options } = this.#world;
    const server = servers.find((one) => one.id === id);
    if (server?.state !== 'UP') return;
    await this.#repair.rescue(server);
    const incarnation = options.defects.keepsIncarnation
      ? server.replica.incarnation
      : this.#world.chance(`wipe ${id} ${this.#world.schedule.nowMs}`).uuid();
    const before = server.replica.register.save();
    server.wipe(incarnation, behindProxy);
    // As if its row had been written by hand.
    if (options.defects.unnoticed) server.replica.register.load({ ...before, incarnation }, '');
  }
}
