import type { Cell } from '../causality/cell.ts';
import type { Deps } from '../coordinator/deps.ts';
import { prefixBounds, keyAfter } from '../coordinator/key-bounds.ts';
import type { PlacedKey, Plan } from '../coordinator/plan.ts';
import { range } from '../coordinator/range.ts';
import { read } from '../coordinator/read.ts';
import { badInput, StoreError } from '../errors.ts';
import type { Decision } from '../paxos/proposer.ts';
import type { Cluster } from './cluster.ts';
import {
  checkSettings,
  currentRecord,
  keyspaceOf,
  raisedDefaults,
  settingsWith,
  type KeyspaceRecord,
} from './keyspace-record.ts';
import {
  keyspaceDefaults,
  type Keyspace,
  type KeyspaceChanges,
  type KeyspaceSettings,
} from './keyspace.ts';
import { majority } from './levels.ts';
import { checkKey } from './arguments.ts';

interface Cached {
  readonly keyspace: Keyspace | undefined;
  freshUntilMs: number;
}

/**
 * How long a definition is used before it is read again; so a change is seen by every gateway about
 * this soon.
 */
const freshMs = 2_000;
/** How long a request is held up, at most, to see whether its keyspace has changed. */
const rereadMs = 100;
const adminMs = 5_000;
const dropMs = 60_000;

/**
 * Which keyspaces there are. The directory lives in the replicas themselves, in a keyspace of its
 * own that no tenant can name, is written by consensus and read at QUORUM; each gateway keeps what
 * it has read for a bounded time, and goes on with it while no quorum can be reached.
 */
export class Directory {
  readonly #deps: Deps;
  readonly #cluster: Cluster;
  readonly #system: Keyspace;
  readonly #defaultFactor: number;
  readonly #cache = new Map<string, Cached>();
  readonly #loading = new Map<string, Promise<Keyspace | undefined>>();
  readonly #drops = new Set<Promise<void>>();

  constructor(deps: Deps, cluster: Cluster, replicationFactor: number) {
    this.#deps = deps;
    this.#cluster = cluster;
    this.#defaultFactor = replicationFactor;
    this.#system = {
      ...keyspaceDefaults,
      tenant: '$system',
      name: 'keyspaces',
      storageName: 'keyspaces',
      // Not the configured factor: every gateway, however configured, must look in the same places.
      replicationFactor: Math.min(3, cluster.topology.members.length),
    };
  }

  /** The keyspace; KEYSPACE_NOT_FOUND when there is none. Answers from memory on the hot path. */
  async require(tenant: string, name: string): Promise<Keyspace> {
    const keyspace = await this.find(tenant, name);
    if (keyspace) return keyspace;
    const shown = name.slice(0, 64);
    throw new StoreError(
      'KEYSPACE_NOT_FOUND',
      `There is no keyspace "${shown}": createKeyspace makes one`,
      { keyspace: shown },
    );
  }

  find(tenant: string, name: string): Promise<Keyspace | undefined> {
    const id = `${tenant}/${name}`;
    const cached = this.#cache.get(id);
    // An absent keyspace is asked for again each time: another gateway may just have created it.
    if (!cached?.keyspace) return this.#load(tenant, name);
    const staleMs = this.#deps.clock.monotonicMs() - cached.freshUntilMs;
    if (staleMs <= 0) return Promise.resolve(cached.keyspace);
    const loading = this.#load(tenant, name).catch(() => {
      // No quorum says otherwise: what is known goes on being used.
      cached.freshUntilMs = this.#deps.clock.monotonicMs() + freshMs;
      return cached.keyspace;
    });
    // Used once more while it is read anew, so that a busy gateway never waits for the directory;
    // one that was idle waits a little, because the keyspace may have been dropped long ago.
    if (staleMs <= freshMs) return Promise.resolve(cached.keyspace);
    const impatient = this.#deps.clock.sleep(rereadMs).then(() => cached.keyspace);
    return Promise.race([loading, impatient]);
  }

  async list(tenant: string): Promise<readonly Keyspace[]> {
    const found: Keyspace[] = [];
    let bounds = prefixBounds(`${tenant}/`);
    for (;;) {
      const placed = this.#cluster.placeRange(this.#system, bounds);
      const page = await range(this.#deps, placed, {
        plan: this.#plan(),
        limit: 500,
        reverse: false,
      });
      for (const { key, cell } of page.rows) {
        const record = currentRecord(cell);
        if (record && !record.dropped)
          found.push(keyspaceOf(tenant, key.slice(tenant.length + 1), record));
      }
      const last = page.rows.at(-1);
      if (!page.more || !last) return found;
      bounds = { ...bounds, from: keyAfter(last.key) };
    }
  }

  /** BAD_USER_INPUT when the name is taken or a setting cannot be served. */
  async create(tenant: string, name: string, given: Partial<KeyspaceSettings>): Promise<Keyspace> {
    const replicas = this.#cluster.topology.members.length;
    const settings = settingsWith(given, this.#defaultFactor);
    checkSettings(name, settings, replicas);
    const taken = () =>
      badInput(`Cannot create keyspace "${name}": it is there already`, 'name', { value: name });
    const record = await this.#change(tenant, name, (before) => {
      if (before && !before.dropped) return undefined;
      const generation = (before?.generation ?? 0) + 1;
      return { generation, version: 1, dropped: false, settings } as KeyspaceRecord;
    });
    if (!record) throw taken();
    return this.#remember(tenant, name, record) ?? keyspaceOf(tenant, name, record);
  }

  async update(tenant: string, name: string, changes: KeyspaceChanges): Promise<Keyspace> {
    const record = await this.#change(tenant, name, (before) => {
      if (!before || before.dropped) return undefined;
      const named = Object.fromEntries(
        Object.entries(changes).filter(([, value]) => value !== undefined),
      );
      const settings = raisedDefaults({ ...before.settings, ...named });
      checkSettings(name, settings, this.#cluster.topology.members.length);
      return { ...before, version: before.version + 1, settings } as KeyspaceRecord;
    });
    if (!record) return this.require(tenant, name);
    return this.#remember(tenant, name, record) ?? keyspaceOf(tenant, name, record);
  }

  /**
   * False when there is none. The rows go afterwards, in bounded steps; until then nothing can name
   * them.
   */
  async drop(tenant: string, name: string): Promise<boolean> {
    const record = await this.#change(tenant, name, (before) => {
      if (!before || before.dropped) return undefined;
      return { ...before, version: before.version + 1, dropped: true };
    });
    if (!record) return false;
    this.#remember(tenant, name, record);
    const removal = this.#removeRows(keyspaceOf(tenant, name, record)).finally(() =>
      this.#drops.delete(removal),
    );
    this.#drops.add(removal);
    return true;
  }

  /** Resolves when the rows of dropped keyspaces are gone: for a clean shutdown, and for tests. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#drops);
  }

  async #removeRows({ tenant, storageName }: Keyspace): Promise<void> {
    const options = { deadlineMs: this.#deps.clock.monotonicMs() + dropMs };
    await Promise.all(
      this.#cluster.replicas.map((replica) =>
        replica
          .deleteKeyspace({ tenant, keyspace: storageName }, options)
          .catch((error: unknown) => {
            this.#deps.log.warn(
              { error, replica: replica.id, tenant, storageName },
              'rows of a dropped keyspace are left on a replica',
            );
          }),
      ),
    );
  }

  /**
   * Reads, modifies and writes a record in one round of consensus, so that of two gateways that do
   * it at once one comes first. Undefined when `modify` wants no change.
   */
  async #change(
    tenant: string,
    name: string,
    modify: (before: KeyspaceRecord | undefined) => KeyspaceRecord | undefined,
  ): Promise<KeyspaceRecord | undefined> {
    const { consensus, hybridClock, random } = this.#deps;
    const writeId = random.uuid();
    const decide = (state: Cell): Decision<KeyspaceRecord | undefined> => {
      const answer = modify(currentRecord(state));
      if (!answer) return { kind: 'answer', answer };
      const value = JSON.stringify(answer);
      const version = { writeId, writtenAtUs: hybridClock.tick(), value };
      return { kind: 'write', answer, draft: { version } };
    };
    const key = this.#placed(tenant, name);
    const request = { plan: this.#plan(), operation: { decide }, writeId };
    return (await consensus.run(key, request)).answer;
  }

  async #load(tenant: string, name: string): Promise<Keyspace | undefined> {
    const id = `${tenant}/${name}`;
    const loading = this.#loading.get(id);
    if (loading) return loading;
    const load = this.#readForUse(tenant, name)
      .then((record) => this.#remember(tenant, name, record))
      .finally(() => this.#loading.delete(id));
    this.#loading.set(id, load);
    return load;
  }

  #remember(
    tenant: string,
    name: string,
    record: KeyspaceRecord | undefined,
  ): Keyspace | undefined {
    const id = `${tenant}/${name}`;
    if (!record || record.dropped) {
      this.#cache.delete(id);
      return undefined;
    }
    const before = this.#cache.get(id)?.keyspace;
    const read = keyspaceOf(tenant, name, record);
    // The same object while nothing changed: placements hang on it.
    const keyspace = before && JSON.stringify(before) === JSON.stringify(read) ? before : read;
    this.#cache.set(id, { keyspace, freshUntilMs: this.#deps.clock.monotonicMs() + freshMs });
    return keyspace;
  }

  async #read(
    tenant: string,
    name: string,
    weaker: Partial<Plan> = {},
  ): Promise<KeyspaceRecord | undefined> {
    const { cell } = await read(this.#deps, this.#placed(tenant, name), {
      ...this.#plan(),
      ...weaker,
    });
    return currentRecord(cell);
  }

  #placed(tenant: string, name: string): PlacedKey {
    return this.#cluster.placeKey(this.#system, checkKey(`${tenant}/${name}`, 'keyspace'));
  }

  /**
   * A gateway that has never seen the keyspace must still serve ONE while no quorum can be reached.
   * That a keyspace is *not* there takes a quorum to say, and so does everything that is written.
   */
  async #readForUse(tenant: string, name: string): Promise<KeyspaceRecord | undefined> {
    try {
      return await this.#read(tenant, name);
    } catch (error) {
      if (this.#cache.has(`${tenant}/${name}`) || !(error instanceof StoreError)) throw error;
      const found = await this.#read(tenant, name, { need: 1, writeBack: false });
      if (!found || found.dropped) throw error;
      return found;
    }
  }

  #plan(): Plan {
    const startMs = this.#deps.clock.monotonicMs();
    return {
      need: majority(this.#system.replicationFactor),
      writeBack: true,
      startMs,
      deadlineMs: startMs + adminMs,
    };
  }
}
