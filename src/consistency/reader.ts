import type { Cell } from '../causality/cell.ts';
import { includes, nothingSeen, type VersionVector } from '../causality/version-vector.ts';
import type { Deps } from '../coordinator/deps.ts';
import { valueBytes } from '../coordinator/page-fill.ts';
import type { PlacedKey, Plan } from '../coordinator/plan.ts';
import { readCovering } from '../coordinator/read-covering.ts';
import { read, readIf } from '../coordinator/read.ts';
import type { Receipt } from '../coordinator/receipt.ts';
import { agree } from '../paxos/proposer.ts';
import type { Cluster } from './cluster.ts';
import { entryOf } from './entry.ts';
import type { Keyspace } from './keyspace.ts';
import type { Level } from './levels.ts';
import type { SessionKeeper } from './session-keeper.ts';
import type { Session } from './session.ts';
import type { AnswerWeight, Entry } from './store.ts';

const readAtOnceMin = 64;

export interface EntryRead {
  readonly entry: Entry;
  readonly receipt: Receipt;
}

/** How one key is to be read. */
export interface ReadTerms {
  readonly level: Level;
  readonly plan: Plan;
  readonly session: Session;
}

/**
 * Reads entries at a level, for a session. Errors: those of `read`, `readCovering` and consensus.
 */
export class Reader {
  readonly #deps: {
    readonly coordinator: Deps;
    readonly cluster: Cluster;
    readonly keeper: SessionKeeper;
  };

  constructor(deps: { coordinator: Deps; cluster: Cluster; keeper: SessionKeeper }) {
    this.#deps = deps;
  }

  async read(at: { keyspace: Keyspace; key: string }, terms: ReadTerms): Promise<EntryRead> {
    const { coordinator, cluster, keeper } = this.#deps;
    const key = cluster.placeKey(at.keyspace, at.key);
    const { level, session } = terms;
    if (level.route === 'consensus') return this.#agreed(at, key, terms.plan);
    const floor = keeper.floor(session, level, at);
    const plan = keeper.planFor(session, level, { at, plan: terms.plan });
    const { cell, receipt } = await read(coordinator, key, plan);
    return this.#covering(at, {
      terms: { ...terms, plan },
      floor,
      found: { entry: this.entry(at, cell), receipt },
    });
  }

  /**
   * Many keys, each of them once. So many at a time as one page of the largest values that the
   * keyspace takes, and `readAtOnceMin` in any case: each group is one statement a replica, and is
   * weighed before the next one is read.
   */
  async readMany(
    { keyspace, keys }: { keyspace: Keyspace; keys: readonly string[] },
    { terms, answer }: { terms: ReadTerms; answer: AnswerWeight | undefined },
  ): Promise<ReadonlyMap<string, EntryRead>> {
    const { pageBytes } = this.#deps.coordinator;
    const atOnce = Math.max(readAtOnceMin, Math.floor(pageBytes / keyspace.maxValueBytes));
    const left = [...new Set(keys)];
    const found = new Map<string, EntryRead>();
    while (left.length > 0) {
      const reading = left
        .splice(0, atOnce)
        .map(async (key) => [key, await this.read({ keyspace, key }, terms)] as const);
      for (const [key, result] of await Promise.all(reading)) {
        found.set(key, result);
        answer?.add(valueBytes(result.entry.cell));
      }
    }
    return found;
  }

  /**
   * A row of a range, read again by itself when it does not show what the session, or its own
   * versions, say must be seen.
   */
  async cover(
    at: { keyspace: Keyspace; key: string },
    terms: ReadTerms,
    found: Cell | undefined,
  ): Promise<Entry | undefined> {
    const { cluster, coordinator, keeper } = this.#deps;
    const floor = keeper.floor(terms.session, terms.level, at);
    if (found && keeper.isCovered(this.entry(at, found), floor, terms.level)) return undefined;
    const key = cluster.placeKey(at.keyspace, at.key);
    const { cell } = await readCovering(coordinator, key, {
      plan: terms.plan,
      found,
      covers: (one) => keeper.isCovered(this.entry(at, one), floor, terms.level),
    });
    return this.entry(at, cell);
  }

  entry({ keyspace, key }: { keyspace: Keyspace; key: string }, cell: Cell): Entry {
    return entryOf(keyspace, key, { cell, nowMs: this.#deps.coordinator.clock.nowMs() });
  }

  /**
   * One round where a quorum agrees on the consensus part, which is then the chosen value; a full
   * round of CASPaxos otherwise.
   */
  async #agreed(
    at: { keyspace: Keyspace; key: string },
    key: PlacedKey,
    plan: Plan,
  ): Promise<EntryRead> {
    const { coordinator } = this.#deps;
    const result = await readIf(coordinator, key, { plan, usable: agree });
    if (result) return { entry: this.entry(at, result.cell), receipt: result.receipt };
    const operation = { decide: () => ({ kind: 'answer', answer: undefined }) as const };
    const { cell, receipt } = await coordinator.consensus.run(key, { plan, operation });
    return { entry: this.entry(at, cell), receipt };
  }

  async #covering(
    at: { keyspace: Keyspace; key: string },
    what: { terms: ReadTerms; floor: VersionVector; found: EntryRead },
  ): Promise<EntryRead> {
    const { terms, floor, found } = what;
    const { cluster, coordinator, keeper } = this.#deps;
    if (includes(nothingSeen, floor) && terms.level.floor !== 'all') return found;
    if (keeper.isCovered(found.entry, floor, terms.level)) return found;
    const covers = (cell: Cell): boolean =>
      keeper.isCovered(this.entry(at, cell), floor, terms.level);
    const { cell, receipt } = await readCovering(
      coordinator,
      cluster.placeKey(at.keyspace, at.key),
      { plan: terms.plan, covers, found: found.entry.cell },
    );
    return { entry: this.entry(at, cell), receipt };
  }
}
