import { seenNothing } from '../causality/cell.ts';
import type { Deps } from '../coordinator/deps.ts';
import { prefixBounds } from '../coordinator/key-bounds.ts';
import type { Plan } from '../coordinator/plan.ts';
import { range } from '../coordinator/range.ts';
import { writeNewest } from '../coordinator/write.ts';
import type { Cluster } from './cluster.ts';
import type { Keyspace } from './keyspace.ts';
import { planOfSystem, systemKeyspace } from './system-keyspace.ts';

/** One entry of a log: its place among the others, and its text. */
export interface LogEntry {
  readonly place: string;
  readonly text: string;
}

/** Entries that gateways leave for each other and for people, a stream for each tenant. */
export interface EntryLog {
  /** Resolves when a majority holds it. Errors: QUORUM_UNAVAILABLE, WRITE_UNCERTAIN. */
  append(stream: string, text: string): Promise<void>;
  /** The newest first, older than `before`. Errors: QUORUM_UNAVAILABLE, READ_TIMEOUT. */
  page(
    stream: string,
    what: { readonly first: number; readonly before?: string | undefined },
  ): Promise<{ readonly entries: readonly LogEntry[]; readonly more: boolean }>;
}

interface Kind {
  /** The keyspace of `$system` that holds it. */
  readonly name: string;
  /** How long an entry is kept; then it expires, on every replica alike. */
  readonly keptMs: number;
}

/**
 * A log of the system itself, in the replicas, in a keyspace of `$system` which no tenant can name.
 *
 * An entry is a key of its own, named by its time, and never written again: so one upsert is enough
 * for it, without a round of consensus. Repair, hints and the collection of what has expired are
 * those of every keyspace.
 */
export class SystemLog implements EntryLog {
  readonly #deps: Deps;
  readonly #cluster: Cluster;
  readonly #keptMs: number;
  readonly #keyspace: Keyspace;

  constructor(deps: Deps, cluster: Cluster, { name, keptMs }: Kind) {
    this.#deps = deps;
    this.#cluster = cluster;
    this.#keptMs = keptMs;
    this.#keyspace = systemKeyspace(cluster, name, 'LAST_WRITE_WINS');
  }

  async append(stream: string, text: string): Promise<void> {
    const { clock, hybridClock, random, gatewayId } = this.#deps;
    // The hybrid clock never says the same twice, so a gateway needs no counter beside it.
    const place = `${String(hybridClock.tick()).padStart(17, '0')}-${gatewayId}`;
    const change = {
      writeId: random.uuid(),
      value: text,
      seen: seenNothing,
      expiresAtMs: clock.nowMs() + this.#keptMs,
      siblingsMax: 1,
    };
    const placed = this.#cluster.placeKey(this.#keyspace, `${stream}/${place}`);
    await writeNewest(this.#deps, placed, { plan: this.#plan(), change });
  }

  async page(
    stream: string,
    { first, before }: { readonly first: number; readonly before?: string | undefined },
  ): Promise<{ entries: readonly LogEntry[]; more: boolean }> {
    const bounds = prefixBounds(`${stream}/`);
    const to = before === undefined ? bounds.to : `${stream}/${before}`;
    const placed = this.#cluster.placeRange(this.#keyspace, { ...bounds, to });
    const page = await range(this.#deps, placed, {
      plan: this.#plan(),
      limit: first,
      reverse: true,
    });
    const entries = page.rows.flatMap(({ key, cell }) => {
      const text = cell.siblings[0]?.value;
      return text ? [{ place: key.slice(stream.length + 1), text }] : [];
    });
    return { entries, more: page.more };
  }

  #plan(): Plan {
    return planOfSystem(this.#deps.clock, this.#keyspace);
  }
}
