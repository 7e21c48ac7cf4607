import type { Cell } from '../causality/cell.ts';
import type { Deps } from '../coordinator/deps.ts';
import { keyAfter, prefixBounds } from '../coordinator/key-bounds.ts';
import type { PlacedKey, Plan } from '../coordinator/plan.ts';
import { range } from '../coordinator/range.ts';
import { read } from '../coordinator/read.ts';
import { StoreError } from '../errors.ts';
import type { Decision } from '../paxos/proposer.ts';
import { checkKey } from './arguments.ts';
import type { Cluster } from './cluster.ts';
import type { Keyspace } from './keyspace.ts';
import { RecordMemory, type Keeping } from './record-memory.ts';
import { planOfSystem, systemKeyspace } from './system-keyspace.ts';

/** One kind of records that gateways share through the replicas. */
export interface RecordKind<R extends object> {
  /** The keyspace of `$system` that holds them. */
  readonly name: string;
  /** The record that counts in a cell; undefined when there is none. Throws when it is not ours. */
  readonly decode: (cell: Cell) => R | undefined;
  /** Whether `find` shows it: a record that only says that something is gone may be hidden. */
  readonly isShown: (record: R) => boolean;
  readonly keeping: Keeping;
}

/** What `modify` leaves of a record; undefined: it stays as it is. */
export type Modified<R> = R | 'REMOVED' | undefined;

/** How a read asks for less than a quorum. */
export type WeakerPlan = Partial<Pick<Plan, 'need' | 'writeBack'>>;

/** Records as their readers and writers see them. */
export interface Records<R extends object> {
  /**
   * The record as it was at most a bounded time ago: from memory where that is young enough. Errors:
   * QUORUM_UNAVAILABLE, READ_TIMEOUT when it is not known and no majority can be asked, by
   * `deadlineMs` if one is given.
   */
  find(key: string, deadlineMs?: number): Promise<R | undefined>;
  /** Whether `find` would answer without asking a replica for something never seen. */
  isKnown(key: string): boolean;
  /** The record where `find` would answer with it and ask nobody: at once, and not a promise later. */
  fresh(key: string): R | undefined;
  /** The record as it was last read, at once; undefined when it is not held. */
  peek(key: string): R | undefined;
  /**
   * Reads, modifies and writes a record in one round of consensus, so that of two gateways that do
   * it at once one comes first. The new record; undefined when `modify` wants no change, or removes
   * it.
   */
  change(key: string, modify: (before: R | undefined) => Modified<R>): Promise<R | undefined>;
  /** All records whose key begins so, in byte order, hidden ones too; read at QUORUM, unless told otherwise. */
  list(
    prefix: string,
    weaker?: WeakerPlan,
  ): Promise<readonly { readonly key: string; readonly record: R }[]>;
}

const pageRows = 500;

/**
 * Records of the system itself: they live in the replicas, in a keyspace of `$system`, which no
 * tenant can name; written by consensus, read at QUORUM, and remembered for a bounded time.
 */
export class SystemRecords<R extends object> implements Records<R> {
  readonly #deps: Deps;
  readonly #cluster: Cluster;
  readonly #kind: RecordKind<R>;
  readonly #keyspace: Keyspace;
  readonly #memory: RecordMemory<R>;

  constructor(deps: Deps, cluster: Cluster, kind: RecordKind<R>) {
    this.#deps = deps;
    this.#cluster = cluster;
    this.#kind = kind;
    this.#memory = new RecordMemory(deps.clock, kind.keeping);
    this.#keyspace = systemKeyspace(cluster, kind.name);
  }

  find(key: string, deadlineMs?: number): Promise<R | undefined> {
    const found = this.#memory.find(key, () => this.#readForUse(key), deadlineMs);
    // Of what is held nobody waits for long.
    if (deadlineMs === undefined || this.#memory.holds(key)) return found;
    return this.#inTime(key, { found, deadlineMs });
  }

  isKnown(key: string): boolean {
    return this.#memory.isKnown(key);
  }

  fresh(key: string): R | undefined {
    return this.#memory.fresh(key);
  }

  peek(key: string): R | undefined {
    return this.#memory.peek(key);
  }

  async change(
    key: string,
    modify: (before: R | undefined) => Modified<R>,
  ): Promise<R | undefined> {
    const { consensus, hybridClock, random, clock } = this.#deps;
    const writeId = random.uuid();
    const decide = (state: Cell): Decision<Modified<R>> => {
      const answer = modify(this.#kind.decode(state));
      if (answer === undefined) return { kind: 'answer', answer };
      const value = answer === 'REMOVED' ? null : JSON.stringify(answer);
      const version = { writeId, writtenAtUs: hybridClock.tick(), value };
      return { kind: 'write', answer, draft: { version } };
    };
    const readMs = clock.monotonicMs();
    const request = { plan: this.#plan(), operation: { decide }, writeId };
    const { answer } = await consensus.run(this.#placed(key), request);
    if (answer === undefined) return undefined;
    const record = answer === 'REMOVED' ? undefined : answer;
    this.#memory.changed(key, this.#shown(record), readMs);
    return record;
  }

  async list(
    prefix: string,
    weaker: WeakerPlan = {},
  ): Promise<readonly { key: string; record: R }[]> {
    const found: { key: string; record: R }[] = [];
    let bounds = prefixBounds(prefix);
    for (;;) {
      const placed = this.#cluster.placeRange(this.#keyspace, bounds);
      const plan = { ...this.#plan(), ...weaker };
      const terms = { plan, limit: pageRows, reverse: false };
      const page = await range(this.#deps, placed, terms);
      for (const { key, cell } of page.rows) {
        const record = this.#kind.decode(cell);
        if (record) found.push({ key, record });
      }
      const last = page.rows.at(-1);
      if (!page.more || !last) return found;
      bounds = { ...bounds, from: keyAfter(last.key) };
    }
  }

  /**
   * A gateway that has never seen a record must still serve ONE while no quorum can be reached.
   * That a record is *not* there takes a quorum to say, and so does everything that is written.
   */
  async #readForUse(key: string): Promise<R | undefined> {
    try {
      return this.#shown(await this.#read(key));
    } catch (error) {
      if (this.#memory.holds(key) || !(error instanceof StoreError)) throw error;
      const found = this.#shown(await this.#read(key, { need: 1, writeBack: false }));
      if (found === undefined) throw error;
      return found;
    }
  }

  /**
   * What all who ask for this record wait for, or, from half of this caller's time on, what it finds
   * out by itself. The other half is left for its request.
   */
  async #inTime(
    key: string,
    { found, deadlineMs }: { found: Promise<R | undefined>; deadlineMs: number },
  ): Promise<R | undefined> {
    const { clock } = this.#deps;
    const half = Promise.withResolvers<'half'>();
    const halfMs = (deadlineMs - clock.monotonicMs()) / 2;
    const cancel = clock.after(halfMs, () => half.resolve('half'));
    const first = await Promise.race([found.then(() => 'found'), half.promise]).finally(cancel);
    if (first === 'found') return found;
    const shown = (weaker: Partial<Plan>): Promise<R | undefined> =>
      this.#read(key, { ...weaker, deadlineMs }).then((record) => this.#shown(record));
    const any = shown({ need: 1, writeBack: false }).catch(() => undefined);
    const own = shown({}).catch(async (error: unknown) => {
      const record = await any;
      if (record === undefined) throw error;
      return record;
    });
    // One replica cannot say that there is no record.
    const there = any.then((record) => record ?? own);
    return Promise.race([found.catch(() => own), own, there]);
  }

  async #read(key: string, weaker: Partial<Plan> = {}): Promise<R | undefined> {
    const plan = { ...this.#plan(), ...weaker };
    const { cell } = await read(this.#deps, this.#placed(key), plan);
    return this.#kind.decode(cell);
  }

  #shown(record: R | undefined): R | undefined {
    return record !== undefined && this.#kind.isShown(record) ? record : undefined;
  }

  #placed(key: string): PlacedKey {
    return this.#cluster.placeKey(this.#keyspace, checkKey(key, this.#kind.name));
  }

  #plan(): Plan {
    return planOfSystem(this.#deps.clock, this.#keyspace);
  }
}
