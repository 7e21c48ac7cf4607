import type { Keyspace } from '../../../src/consistency/keyspace.ts';
import { joinInto } from '../../../src/repair/join-into.ts';
import type { CellRef, Replica } from '../../../src/replica/replica.ts';
import type { Random } from '../../../src/runtime/random.ts';
import { Process } from './process.ts';
import type { Server } from './server.ts';
import { convergenceOf, type World } from './world.ts';

interface Path {
  readonly from: Server;
  readonly fromLink: Replica;
  readonly toLink: Replica;
}

/**
 * Anti-entropy as the product does it in the end — read here, join there — only far more often, and with reads that are old by the
 * time they are joined: much of the power of the checkers comes from here.
 */
export class AntiEntropy {
  readonly #world: World;
  readonly #process: Process;
  readonly #random: Random;
  readonly #links: readonly Replica[];
  #stopped = false;

  constructor(world: World) {
    this.#world = world;
    this.#process = new Process(world.schedule, { name: 'ae' });
    this.#random = world.chance('anti-entropy');
    this.#links = world.servers.map((server) => world.link(this.#process, server));
  }

  /** Several loops at a time: what is under way for long is what finds things. */
  start(everyMs: number, loops: number): void {
    if (this.#world.options.defects.noAntiEntropy) return;
    for (let loop = 0; loop < loops; loop += 1) void this.#loop(everyMs);
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Joins everything everywhere, on a calm network: nobody is behind afterwards. */
  async settle(): Promise<void> {
    if (this.#world.options.defects.noAntiEntropy) return;
    for (let round = 0; round < 2; round += 1) {
      for (const path of this.#paths()) {
        await Promise.all(this.#cells(path.from).map((cell) => this.#copySurely(path, cell)));
      }
    }
  }

  /** Brings all that one replica holds to the others in no time, before it is wiped. */
  async rescue(from: Server): Promise<void> {
    const { clock } = this.#process;
    for (const { ref, keyspace } of this.#cells(from)) {
      const { cell } = await from.replica.read(ref);
      const request = { ref, cell, convergence: convergenceOf(keyspace) };
      const owners = this.#world.owners(keyspace, ref.key);
      for (const { id, replica } of this.#world.servers) {
        if (id === from.id || !owners.includes(id)) continue;
        await joinInto(replica, request, { deadlineMs: clock.monotonicMs() + 1e9 });
      }
    }
  }

  async #loop(everyMs: number): Promise<void> {
    const random = this.#random;
    while (!this.#stopped) {
      await this.#world.sleep(random.next() * everyMs);
      const paths = this.#paths();
      const path = paths[Math.floor(random.next() * paths.length)];
      const cells = path ? this.#cells(path.from) : [];
      const cell = cells[Math.floor(random.next() * cells.length)];
      if (path && cell) await this.#copy(path, cell, 600).catch(() => undefined);
    }
  }

  #paths(): readonly Path[] {
    const { servers } = this.#world;
    return servers.flatMap((from, at) =>
      servers.flatMap((to, there) =>
        to === from ? [] : [{ from, fromLink: this.#links[at]!, toLink: this.#links[there]! }],
      ),
    );
  }

  #cells(server: Server): readonly { ref: CellRef; keyspace: Keyspace }[] {
    return [...server.replica.snapshot().keys()].flatMap((name) => {
      const [tenant = '', storageName = '', key = ''] = name.split('\0');
      const keyspace = this.#world.keyspaces.find(
        (one) => one.tenant === tenant && one.storageName === storageName,
      );
      return keyspace ? [{ ref: { tenant, keyspace: storageName, key }, keyspace }] : [];
    });
  }

  /** The first call after a crash meets the broken connection of before. */
  async #copySurely(path: Path, what: { ref: CellRef; keyspace: Keyspace }): Promise<void> {
    const again = (): Promise<void> => this.#copy(path, what, 5_000);
    await again().catch(again).catch(again);
  }

  async #copy(
    path: Path,
    what: { ref: CellRef; keyspace: Keyspace },
    withinMs: number,
  ): Promise<void> {
    const { clock } = this.#process;
    const { ref, keyspace } = what;
    if (!this.#world.owners(keyspace, ref.key).includes(path.toLink.id)) return;
    const found = await path.fromLink.read(ref, { deadlineMs: clock.monotonicMs() + withinMs });
    const request = { ref, cell: found.cell, convergence: convergenceOf(keyspace) };
    await joinInto(path.toLink, request, { deadlineMs: clock.monotonicMs() + withinMs });
  }
}
