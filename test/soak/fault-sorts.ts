import type { Direction } from '../support/tcp-proxy.ts';
import type { Victims } from './faults.ts';

export type FaultKind =
  | 'kill of a replica'
  | 'freeze of a replica'
  | 'kill of a gateway'
  | 'cuts after COMMIT'
  | 'one-way black hole'
  | 'clock step of a gateway'
  | 'full disk'
  | 'wiped disk'
  | 'older copy of a disk';

/** A fault that has found its victim. */
interface Aimed {
  readonly target: string;
  readonly line: string;
  begin(): Promise<void> | void;
  end(): Promise<void> | void;
}

interface FaultSort {
  aim(victims: Victims): Aimed;
  /** No gateway is killed meanwhile. */
  readonly alone?: true;
}

/** Further off than any network is slow; nothing is promised about clocks that are further apart. */
const clockStepMs = 20_000;
/** How often a connection is cut while connections are cut. */
const cutEveryMs = 150;
/** Longer than a forward or a hint that is under way, and than a beat: others have seen how far it is. */
const settledMs = 4_000;
/** Keyspaces whose checkers ask what was ever stored. */
const archived = ['profiles', 'mixed'];

/** THE TABLE of faults. */
export const faultSorts: Readonly<Record<FaultKind, FaultSort>> = {
  'kill of a replica': {
    aim(victims) {
      const { id } = pick(victims, victims.cluster.replicas);
      return {
        target: id,
        line: `kill -9 of ${id}`,
        begin: () => victims.cluster.kill(id),
        end: () => victims.cluster.restart(id),
      };
    },
  },
  'freeze of a replica': {
    aim(victims) {
      const { id } = pick(victims, victims.cluster.replicas);
      return {
        target: id,
        line: `SIGSTOP of ${id} and its sessions`,
        begin: () => victims.cluster.freeze(id),
        end: () => victims.cluster.thaw(id),
      };
    },
  },
  'kill of a gateway': {
    alone: true,
    aim(victims) {
      const gateway = pick(victims, victims.gateways);
      return {
        target: gateway.name,
        line: `kill -9 of ${gateway.name}`,
        begin: () => gateway.kill(),
        end: () => gateway.start(),
      };
    },
  },
  // Each time, a write has been carried out and nobody is told.
  'cuts after COMMIT': {
    aim(victims) {
      const { target, proxy } = pickPath(victims);
      let isOver = false;
      const cut = async (): Promise<void> => {
        const isOn = (): boolean => !isOver;
        while (isOn()) {
          await Promise.race([proxy.cutAfterReply(isWrite), victims.rest(1_000)]);
          await victims.rest(cutEveryMs);
        }
      };
      return {
        target,
        line: `${target}: connections are cut after COMMIT, before the answer`,
        begin: () => void cut(),
        end: () => {
          isOver = true;
          proxy.heal();
        },
      };
    },
  },
  'one-way black hole': {
    aim(victims) {
      const { target, proxy } = pickPath(victims);
      const way = pick<Direction>(victims, ['toServer', 'toClient']);
      return {
        target,
        line: `${target}: nothing arrives ${way === 'toServer' ? 'there' : 'back'}`,
        begin: () => proxy.swallow(way),
        end: () => proxy.heal(),
      };
    },
  },
  'clock step of a gateway': {
    alone: true,
    aim(victims) {
      const gateway = pick(victims, victims.gateways);
      const offMs = Math.round((victims.random.next() * 2 - 1) * clockStepMs);
      return {
        target: gateway.name,
        line: `the clock of ${gateway.name} steps by ${offMs} ms`,
        begin: () => gateway.setClock(offMs),
        end: () => gateway.setClock(0),
      };
    },
  },
  'full disk': {
    aim({ cluster, smallDisk }) {
      if (!smallDisk) throw new Error('there is no disk that may be filled');
      const id = smallDisk.replica;
      return {
        target: id,
        line: `the disk of ${id} is full`,
        begin: () => smallDisk.fill(),
        async end() {
          smallDisk.free();
          // Without room for its log a Postgres ends.
          await cluster.restart(id);
        },
      };
    },
  },
  // An acknowledgement at ONE is one copy until it has been forwarded: nobody writes to a disk that is
  // about to be lost, and no gateway is killed meanwhile.
  'wiped disk': {
    alone: true,
    aim(victims) {
      const { cluster } = victims;
      const id = pickDisk(victims);
      return {
        target: id,
        line: `the disk of ${id} is replaced by an empty one`,
        begin: () => cutOff(victims, id),
        async end() {
          await victims.archive.keep(cluster, id, archived);
          await cluster.disks.wipe(id);
          reconnect(victims, id);
        },
      };
    },
  },
  'older copy of a disk': {
    alone: true,
    aim(victims) {
      const { cluster } = victims;
      const id = pickDisk(victims);
      let copy = '';
      return {
        target: id,
        line: `the disk of ${id} is replaced by an older copy of itself`,
        async begin() {
          copy = await cluster.disks.copyDisk(id);
          await victims.rest(settledMs);
        },
        async end() {
          await cutOff(victims, id);
          await victims.archive.keep(cluster, id, archived);
          await cluster.disks.putDiskBack(id, copy);
          reconnect(victims, id);
        },
      };
    },
  },
};

export const allFaultKinds = Object.keys(faultSorts) as readonly FaultKind[];

/** The statement that swaps cells, by its name: sent once a connection, and then named again and again. */
function isWrite(request: string): boolean {
  return request.includes('quorate_swap');
}

/** No gateway reaches the replica; what they had under way is over. */
async function cutOff({ gateways, rest }: Victims, id: string): Promise<void> {
  for (const { paths } of gateways) paths.to(id).refuse();
  await rest(settledMs);
}

function reconnect({ gateways }: Victims, id: string): void {
  for (const { paths } of gateways) paths.to(id).heal();
}

function pick<T>({ random }: Victims, from: readonly T[]): T {
  return from[Math.floor(random.next() * from.length)]!;
}

/** A disk that can be replaced: not the one that was mounted to be filled. */
function pickDisk(victims: Victims): string {
  const { cluster, smallDisk } = victims;
  return pick(
    victims,
    cluster.replicas.filter(({ id }) => id !== smallDisk?.replica),
  ).id;
}

function pickPath(victims: Victims) {
  const { name, paths } = pick(victims, victims.gateways);
  const { id } = pick(victims, victims.cluster.replicas);
  return { target: `${name} to ${id}`, proxy: paths.to(id) };
}
