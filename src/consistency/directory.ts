import type { Deps } from '../coordinator/deps.ts';
import { badInput, StoreError } from '../errors.ts';
import type { Cluster } from './cluster.ts';
import { DroppedKeyspaces } from './dropped-keyspaces.ts';
import {
  checkSettings,
  currentRecord,
  keyspaceOf,
  raisedDefaults,
  settingsWith,
  withLeft,
  type KeyspaceRecord,
} from './keyspace-record.ts';
import type { Keyspace, KeyspaceChanges, KeyspaceSettings } from './keyspace.ts';
import type { Keeping } from './record-memory.ts';
import { SystemRecords, type WeakerPlan } from './system-records.ts';

/** So a change is seen by every gateway about two seconds later. */
const keeping: Keeping = {
  freshMs: 2_000,
  behindMs: 2_000,
  // One that was idle waits a little, because the keyspace may have been dropped long ago.
  patienceMs: 100,
  keptMs: Infinity,
  // An absent keyspace is asked for each time: another gateway may just have created it.
  absentMs: 0,
  entriesMax: 100_000,
};

/**
 * Which keyspaces there are. The directory lives in the replicas themselves (see `SystemRecords`);
 * each gateway keeps what it has read for a bounded time, and goes on with it while no quorum can
 * be reached.
 */
export class Directory {
  readonly #deps: Deps;
  readonly #cluster: Cluster;
  readonly #defaultFactor: number;
  readonly #records: SystemRecords<KeyspaceRecord>;
  /** One object a record: placements hang on it. */
  readonly #keyspaces = new WeakMap<KeyspaceRecord, Keyspace>();
  readonly #drops = new Set<Promise<boolean>>();
  readonly dropped: DroppedKeyspaces;

  constructor(deps: Deps, cluster: Cluster, replicationFactor: number) {
    this.#deps = deps;
    this.#cluster = cluster;
    this.#defaultFactor = replicationFactor;
    this.#records = new SystemRecords(deps, cluster, {
      name: 'keyspaces',
      decode: currentRecord,
      isShown: ({ dropped }) => !dropped,
      keeping,
    });
    this.dropped = new DroppedKeyspaces({ ...deps, cluster, records: this.#records });
  }

  /**
   * The keyspace; KEYSPACE_NOT_FOUND when there is none. Answers from memory on the hot path; what is
   * not known yet is waited for until `deadlineMs`. Errors: QUORUM_UNAVAILABLE, READ_TIMEOUT.
   */
  async require(tenant: string, name: string, deadlineMs?: number): Promise<Keyspace> {
    const keyspace = await this.find(tenant, name, deadlineMs);
    if (keyspace) return keyspace;
    const shown = name.slice(0, 64);
    throw new StoreError(
      'KEYSPACE_NOT_FOUND',
      `There is no keyspace "${shown}": createKeyspace makes one`,
      { keyspace: shown },
    );
  }

  /** What `require` would answer, where it would from memory: at once, and not a promise later. */
  fresh(tenant: string, name: string): Keyspace | undefined {
    const record = this.#records.fresh(keyOf(tenant, name));
    return record && this.#keyspaceOf(tenant, name, record);
  }

  async find(tenant: string, name: string, deadlineMs?: number): Promise<Keyspace | undefined> {
    const record = await this.#records.find(keyOf(tenant, name), deadlineMs);
    return record && this.#keyspaceOf(tenant, name, record);
  }

  /**
   * The keyspace that rows are filed under; undefined when it was dropped, whatever has its name
   * since. Errors: QUORUM_UNAVAILABLE, READ_TIMEOUT when that cannot be told now.
   */
  async filedUnder(
    tenant: string,
    storageName: string,
    deadlineMs?: number,
  ): Promise<Keyspace | undefined> {
    const system = this.#cluster.systemKeyspaces.filter((one) => one.tenant === tenant);
    const own = system.find((one) => one.storageName === storageName);
    if (own) return own;
    // A newer gateway may keep records of a kind that this one does not know.
    if (system.length > 0) throw new Error(`unknown system keyspace "${storageName}"`);
    const found = await this.find(tenant, storageName.split('@')[0] ?? '', deadlineMs);
    return found?.storageName === storageName ? found : undefined;
  }

  async list(tenant: string): Promise<readonly Keyspace[]> {
    const rows = await this.#records.list(keyOf(tenant, ''));
    return rows
      .filter(({ record }) => !record.dropped)
      .map(({ key, record }) => keyspaceOf(tenant, key.slice(tenant.length + 1), record));
  }

  /**
   * All keyspaces of all tenants, and those in which the system keeps its own records. `weaker`: where
   * no quorum can be had any more, and whatever one replica knows is better than nothing.
   */
  async all(weaker?: WeakerPlan): Promise<readonly Keyspace[]> {
    const rows = await this.#records.list('', weaker);
    const named = rows.flatMap(({ key, record }) => {
      const slash = key.indexOf('/');
      const [tenant, name] = [key.slice(0, slash), key.slice(slash + 1)];
      return record.dropped ? [] : [this.#keyspaceOf(tenant, name, record)];
    });
    return [...this.#cluster.systemKeyspaces, ...named];
  }

  /** BAD_USER_INPUT when the name is taken or a setting cannot be served. */
  async create(tenant: string, name: string, given: Partial<KeyspaceSettings>): Promise<Keyspace> {
    const replicas = this.#cluster.topology.members.length;
    const settings = settingsWith(given, this.#defaultFactor);
    checkSettings(name, settings, replicas);
    const record = await this.#records.change(keyOf(tenant, name), (before) => {
      if (before && !before.dropped) return undefined;
      const generation = (before?.generation ?? 0) + 1;
      const left = before?.left ?? [];
      return { generation, version: 1, dropped: false, settings, left } as KeyspaceRecord;
    });
    if (record) return this.#keyspaceOf(tenant, name, record);
    const problem = `Cannot create keyspace "${name}": it is there already`;
    throw badInput(problem, 'name', { value: name });
  }

  async update(tenant: string, name: string, changes: KeyspaceChanges): Promise<Keyspace> {
    const record = await this.#records.change(keyOf(tenant, name), (before) => {
      if (!before || before.dropped) return undefined;
      const named = Object.fromEntries(
        Object.entries(changes).filter(([, value]) => value !== undefined),
      );
      const settings = raisedDefaults({ ...before.settings, ...named });
      checkSettings(name, settings, this.#cluster.topology.members.length);
      return { ...before, version: before.version + 1, settings } as KeyspaceRecord;
    });
    return record ? this.#keyspaceOf(tenant, name, record) : this.require(tenant, name);
  }

  /**
   * False when there is none. The rows go afterwards, in bounded steps, and what other gateways add
   * meanwhile later (see `DroppedKeyspaces`); until then nothing can name them.
   */
  async drop(tenant: string, name: string): Promise<boolean> {
    const record = await this.#records.change(keyOf(tenant, name), (before) => {
      if (!before || before.dropped) return undefined;
      const { generation, version } = before;
      const left = withLeft(before.left, { generation, droppedAtMs: this.#deps.clock.nowMs() });
      return { ...before, version: version + 1, dropped: true, left: [...left] };
    });
    if (!record) return false;
    const { storageName } = keyspaceOf(tenant, name, record);
    const removal = this.dropped
      .remove(tenant, storageName)
      .finally(() => this.#drops.delete(removal));
    this.#drops.add(removal);
    return true;
  }

  /** Resolves when the rows of dropped keyspaces are gone: for a clean shutdown, and for tests. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#drops);
  }

  #keyspaceOf(tenant: string, name: string, record: KeyspaceRecord): Keyspace {
    const known = this.#keyspaces.get(record);
    if (known) return known;
    const keyspace = keyspaceOf(tenant, name, record);
    this.#keyspaces.set(record, keyspace);
    return keyspace;
  }
}

function keyOf(tenant: string, name: string): string {
  return `${tenant}/${name}`;
}
