import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { repeat, type Loop } from '../runtime/loop.ts';
import type { Cluster } from './cluster.ts';
import { keyspaceOf, type Generation, type KeyspaceRecord } from './keyspace-record.ts';
import type { Records } from './system-records.ts';

/** What the removal of rows works with. */
export interface DroppedParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly cluster: Cluster;
  readonly records: Records<KeyspaceRecord>;
}

interface Leftover {
  /** Of the record. */
  readonly key: string;
  readonly record: KeyspaceRecord;
  readonly left: Generation;
}

const removeMs = 60_000;
const sweepEveryMs = 300_000;
/**
 * So long rows are looked for. A gateway that has not heard of the drop still writes some: for
 * seconds, or for as long as it is cut off from the directory.
 */
const settleMs = 24 * 3_600_000;

/**
 * Removes the rows of keyspaces that were dropped, on every replica, until none can come any more.
 *
 * One removal at the drop is not enough: other gateways go on writing for a moment, and a replica
 * that is away keeps all it has. So the record says which generations were dropped, until a day has
 * passed and every replica has removed what it held after that.
 */
export class DroppedKeyspaces {
  readonly #parts: DroppedParts;
  /** When a leftover is looked for again: ever more rarely as it grows older. */
  readonly #nextMs = new Map<string, number>();

  constructor(parts: DroppedParts) {
    this.#parts = parts;
  }

  /** Sweeps from time to time. Several gateways may: what is gone is gone. */
  start(): Loop {
    const { clock, log } = this.#parts;
    const options = { clock, log, name: 'dropped keyspaces', everyMs: sweepEveryMs };
    return repeat(options, () => this.sweep());
  }

  /** Goes once through all that is left. Errors: QUORUM_UNAVAILABLE, READ_TIMEOUT of the directory. */
  async sweep(): Promise<void> {
    const rows = await this.#parts.records.list('');
    const all = rows.flatMap(({ key, record }) =>
      record.left.map((left): Leftover => ({ key, record, left })),
    );
    const named = new Set(all.map(nameOf));
    for (const name of this.#nextMs.keys()) if (!named.has(name)) this.#nextMs.delete(name);
    for (const leftover of all) await this.#look(leftover);
  }

  /** In bounded steps, on all replicas; false when one of them may still hold some. */
  async remove(tenant: string, storageName: string): Promise<boolean> {
    const { clock, cluster, log } = this.#parts;
    const options = { deadlineMs: clock.monotonicMs() + removeMs };
    const removals = cluster.replicas.map(async (replica) => {
      try {
        await replica.deleteKeyspace({ tenant, keyspace: storageName }, options);
        return true;
      } catch (error) {
        const where = { error, replica: replica.id, tenant, storageName };
        log.warn(where, 'rows of a dropped keyspace are left on a replica for now');
        return false;
      }
    });
    return (await Promise.all(removals)).every((isDone) => isDone);
  }

  async #look(leftover: Leftover): Promise<void> {
    const { clock, records } = this.#parts;
    const { key, record, left } = leftover;
    const startMs = clock.nowMs();
    if (startMs < (this.#nextMs.get(nameOf(leftover)) ?? 0)) return;
    const slash = key.indexOf('/');
    const [tenant, name] = [key.slice(0, slash), key.slice(slash + 1)];
    for (
      let generation = left.from ?? left.generation;
      generation <= left.generation;
      generation += 1
    ) {
      const { storageName } = keyspaceOf(tenant, name, { ...record, generation });
      if (!(await this.remove(tenant, storageName))) return;
    }
    const ageMs = startMs - left.droppedAtMs;
    this.#nextMs.set(nameOf(leftover), startMs + ageMs / 4);
    if (ageMs < settleMs) return;
    await records.change(key, (before) => {
      const rest = before?.left.filter(
        ({ generation, from }) => generation !== left.generation || from !== left.from,
      );
      return before && rest ? { ...before, left: rest } : undefined;
    });
  }
}

function nameOf({ key, left }: Leftover): string {
  return `${key}@${left.generation}`;
}
