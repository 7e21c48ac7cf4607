import type { Cell } from '../causality/cell.ts';
import { includes, nothingSeen } from '../causality/version-vector.ts';
import type { Deps } from '../coordinator/deps.ts';
import { valueBytes } from '../coordinator/page-fill.ts';
import type { Plan } from '../coordinator/plan.ts';
import { readCovering } from '../coordinator/read-covering.ts';
import { readMany } from '../coordinator/read-many.ts';
import { read, readIf, type ReadResult } from '../coordinator/read.ts';
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

interface At {
  readonly keyspace: Keyspace;
  readonly key: string;
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

  async read(at: At, terms: ReadTerms): Promise<EntryRead> {
    const { coordinator, cluster, keeper } = this.#deps;
    const key = cluster.placeKey(at.keyspace, at.key);
    const { level, session } = terms;
    if (level.route === 'consensus') {
      const { plan } = terms;
      const result = await readIf(coordinator, key, { plan, usable: agree });
      return this.#concluded(at, { terms, plan, result });
    }
    const plan = keeper.planFor(session, level, { at, plan: terms.plan });
    return this.#concluded(at, { terms, plan, result: await read(coordinator, key, plan) });
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
      const together = left.splice(0, atOnce).map((key) => ({ keyspace, key }));
      for (const result of await this.#readTogether(together, terms)) {
        found.set(result.entry.key, result);
        answer?.add(valueBytes(result.entry.cell));
      }
    }
    return found;
  }

  /**
   * A row of a range, read again by itself when it does not show what the session, or its own
   * versions, say must be seen.
   */
  async cover(at: At, terms: ReadTerms, found: Cell | undefined): Promise<Entry | undefined> {
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

  /** Like `read`, for many keys: those that are read by the same plan go together. */
  async #readTogether(all: readonly At[], terms: ReadTerms): Promise<readonly EntryRead[]> {
    const { coordinator, cluster, keeper } = this.#deps;
    const { level, session } = terms;
    const isAgreed = level.route === 'consensus';
    const planned = new Map<string, { plan: Plan; ats: At[] }>();
    for (const at of all) {
      const plan = isAgreed ? terms.plan : keeper.planFor(session, level, { at, plan: terms.plan });
      const name = `${plan.need} ${plan.writeBack}`;
      const same = planned.get(name);
      if (same) same.ats.push(at);
      else planned.set(name, { plan, ats: [at] });
    }
    const reading = [...planned.values()].map(async ({ plan, ats }) => {
      const keys = ats.map((at) => cluster.placeKey(at.keyspace, at.key));
      const usable = isAgreed ? { usable: agree } : {};
      const results = await readMany(coordinator, keys, { plan, ...usable });
      return Promise.all(
        ats.map(async (at, index) => this.#concluded(at, { terms, plan, result: results[index] })),
      );
    });
    return (await Promise.all(reading)).flat();
  }

  /** What is still to be done for a key that was read, if anything. */
  #concluded(
    at: At,
    what: { terms: ReadTerms; plan: Plan; result: ReadResult | undefined },
  ): EntryRead | Promise<EntryRead> {
    const { terms, plan, result } = what;
    if (!result) return this.#inRound(at, plan);
    const found = this.#entryRead(at, result);
    if (terms.level.route === 'consensus') return found;
    const missed = this.#missed(at, terms, found.entry);
    return missed ? this.#covering(at, { plan, covers: missed, found: found.entry.cell }) : found;
  }

  #entryRead(at: At, { cell, receipt }: ReadResult): EntryRead {
    return { entry: this.entry(at, cell), receipt };
  }

  /** Where a quorum does not agree on the consensus part, a full round of CASPaxos says what is chosen. */
  async #inRound(at: At, plan: Plan): Promise<EntryRead> {
    const { cluster, coordinator } = this.#deps;
    const key = cluster.placeKey(at.keyspace, at.key);
    const operation = { decide: () => ({ kind: 'answer', answer: undefined }) as const };
    return this.#entryRead(at, await coordinator.consensus.run(key, { plan, operation }));
  }

  /** What more the entry must show, where it does not show what this session must see of it. */
  #missed(
    at: At,
    { level, session }: ReadTerms,
    entry: Entry,
  ): ((cell: Cell) => boolean) | undefined {
    const { keeper } = this.#deps;
    const floor = keeper.floor(session, level, at);
    if (includes(nothingSeen, floor) && level.floor !== 'all') return undefined;
    if (keeper.isCovered(entry, floor, level)) return undefined;
    return (cell) => keeper.isCovered(this.entry(at, cell), floor, level);
  }

  async #covering(
    at: At,
    what: { plan: Plan; covers: (cell: Cell) => boolean; found: Cell },
  ): Promise<EntryRead> {
    const { cluster, coordinator } = this.#deps;
    const key = cluster.placeKey(at.keyspace, at.key);
    return this.#entryRead(at, await readCovering(coordinator, key, what));
  }
}
