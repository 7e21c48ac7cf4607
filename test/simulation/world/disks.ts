import type { RegisterState } from '../../../src/replica/memory-register.ts';
import type { MemoryCopy } from '../../../src/replica/memory-rows.ts';
import type { Random } from '../../../src/runtime/random.ts';
import type { Server } from './server.ts';
import type { World } from './world.ts';

/** Longer than a beat: gateways have told the other replicas how far this one had come. */
const awayMs = 2_500;

/**
 * Disks that are lost, or replaced by older copies of themselves. One at a time: what two of three
 * have acknowledged outlives one disk, and the next one only when the first has its vote again.
 */
export class Disks {
  readonly #world: World;
  readonly #copies = new Map<Server, MemoryCopy>();
  /** The one that was replaced last, and who it was. */
  #replaced: { readonly server: Server; readonly incarnation: string } | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  /** Copies a disk, as a backup does. */
  copyOne(random: Random): void {
    const { servers } = this.#world;
    const server = servers[Math.floor(random.next() * servers.length)]!;
    if (this.#areWhole() && random.next() < 0.3) this.#copies.set(server, server.replica.save());
  }

  /** `behindProxy`: its callers keep their connections. */
  lose(server: Server, behindProxy: boolean): void {
    if (!this.#areWhole() || server.state !== 'UP') return;
    const { nowMs } = this.#world.schedule;
    const { incarnation } = server.replica;
    this.#replaced = { server, incarnation };
    const before = server.replica.register.save();
    server.wipe(this.#world.chance(`disk ${server.id} ${nowMs}`).uuid(), behindProxy);
    this.#hush(server, before);
    this.#world.note(`${server.id} has an empty disk`);
  }

  putBack(server: Server): void {
    const copy = this.#copies.get(server);
    if (!copy || !this.#areWhole() || server.state !== 'UP') return;
    const { incarnation } = server.replica;
    this.#replaced = { server, incarnation };
    server.crash();
    this.#world.note(`${server.id} goes down for an older copy of its disk`);
    this.#world.schedule.after(awayMs, () => {
      const before = server.replica.register.save();
      server.restore(copy);
      this.#hush(server, before);
      server.recover();
      this.#world.note(`${server.id} has an older copy of its disk`);
    });
  }

  /** The control: the disk says that it is the one that was there, and has come as far. */
  #hush({ replica }: Server, before: RegisterState): void {
    if (!this.#world.options.defects.unnoticed) return;
    const incarnation = this.#world.chance(`hush ${this.#world.schedule.nowMs}`).uuid();
    replica.register.load({ ...before, incarnation }, '');
  }

  #areWhole(): boolean {
    if (!this.#replaced) return true;
    const { server, incarnation } = this.#replaced;
    const { register } = server.replica;
    if (register.incarnation === incarnation || register.latest.standing !== 'admitted')
      return false;
    this.#copies.clear(); // of an incarnation that is over
    this.#replaced = undefined;
    return true;
  }
}
