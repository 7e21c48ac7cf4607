import { seenOf, type Seen } from '../causality/cell.ts';
import type { Deps } from '../coordinator/deps.ts';
import type { Change } from '../coordinator/minter.ts';
import type { PlacedKey, Plan } from '../coordinator/plan.ts';
import { read } from '../coordinator/read.ts';
import { combineReceipts } from '../coordinator/receipt.ts';
import { write, writeNewest, type WriteResult } from '../coordinator/write.ts';
import { badInput, StoreError } from '../errors.ts';
import { checkKey, checkValue, expiryOf } from './arguments.ts';
import type { Cluster } from './cluster.ts';
import type { Directory } from './directory.ts';
import { entryOf } from './entry.ts';
import type { Keyspace, KeyspaceChanges, KeyspaceSettings } from './keyspace.ts';
import { openContext, sealContext } from './opaque.ts';
import { policies } from './policies.ts';
import { readRange } from './range-page.ts';
import { grant, levelled, refuseUnserved, type Grant, type TimeoutRules } from './request-plan.ts';
import type { Sealer } from './seal.ts';
import { openSession, sealSession } from './session-token.ts';
import type {
  Asked,
  Caller,
  ClusterView,
  CompareAndSetArguments,
  CompareAndSetAnswer,
  DeleteArguments,
  Entry,
  EntryAnswer,
  ItemAnswer,
  KeyRef,
  ManyAnswer,
  PutArguments,
  PutManyArguments,
  RangeAnswer,
  RangeArguments,
  Store,
  WriteAnswer,
  WriteOptions,
} from './store.ts';

export interface DataStoreDeps {
  readonly coordinator: Deps;
  readonly cluster: Cluster;
  readonly directory: Directory;
  readonly sealer: Sealer;
  readonly timeouts: TimeoutRules;
}

const manyMax = 500;

/** The store, over a cluster of replicas: levels become plans here, and answers become entries with receipts. */
export class DataStore implements Store {
  readonly #deps: DataStoreDeps;

  constructor(deps: DataStoreDeps) {
    this.#deps = deps;
  }

  async get(caller: Caller, { keyspace: name, key }: KeyRef, asked: Asked): Promise<EntryAnswer> {
    const { keyspace, granted } = await this.#begin(caller, name, { asked, side: 'read' });
    checkKey(key);
    const { cell, receipt } = await read(this.#deps.coordinator, this.#place(keyspace, key), granted.plan);
    return { entry: this.#entry(keyspace, key, cell), receipt: levelled(keyspace, granted, receipt), session: this.#session(caller, asked) };
  }

  async getMany(caller: Caller, { keyspace: name, keys }: { keyspace: string; keys: readonly string[] }, asked: Asked): Promise<ManyAnswer> {
    const { keyspace, granted } = await this.#begin(caller, name, { asked, side: 'read' });
    checkCount(keys.length, 'keys');
    for (const key of keys) checkKey(key, 'keys');
    // One turn of the event loop: one statement a replica. A key that is asked for twice is read once.
    const reads = new Map([...new Set(keys)].map((key) => [key, read(this.#deps.coordinator, this.#place(keyspace, key), granted.plan)]));
    const results = new Map(await Promise.all([...reads].map(async ([key, result]) => [key, await result] as const)));
    const receipt = combineReceipts([...results.values()].map((result) => result.receipt));
    const entries = keys.flatMap((key) => {
      const cell = results.get(key)?.cell;
      return cell ? [this.#entry(keyspace, key, cell)] : [];
    });
    return { entries, receipt: levelled(keyspace, granted, receipt), session: this.#session(caller, asked) };
  }

  async range(caller: Caller, what: RangeArguments, asked: Asked): Promise<RangeAnswer> {
    const { keyspace, granted } = await this.#begin(caller, what.keyspace, { asked, side: 'read', path: 'range' });
    const { coordinator, cluster, sealer } = this.#deps;
    const page = await readRange({ deps: coordinator, cluster, sealer }, keyspace, { what, plan: granted.plan });
    return { ...page, receipt: levelled(keyspace, granted, page.receipt), session: this.#session(caller, asked) };
  }

  async put(caller: Caller, what: PutArguments, asked: Asked): Promise<WriteAnswer> {
    const { keyspace, granted } = await this.#begin(caller, what.keyspace, { asked, side: 'write' });
    checkValue(keyspace, what.value);
    return this.#write(caller, keyspace, { what, value: what.value, granted, asked });
  }

  async delete(caller: Caller, what: DeleteArguments, asked: Asked): Promise<WriteAnswer> {
    const { keyspace, granted } = await this.#begin(caller, what.keyspace, { asked, side: 'write' });
    return this.#write(caller, keyspace, { what, value: null, granted, asked });
  }

  async putMany(caller: Caller, { keyspace, items }: PutManyArguments, asked: Asked): Promise<{ results: readonly ItemAnswer[]; session: string }> {
    await this.#begin(caller, keyspace, { asked, side: 'write' });
    checkCount(items.length, 'items');
    const results = await Promise.all(
      items.map(async ({ key, ...rest }): Promise<ItemAnswer> => {
        try {
          return { key, answer: await this.put(caller, { keyspace, key, ...rest }, asked) };
        } catch (error) {
          if (!(error instanceof StoreError)) throw error;
          return { key, error: { code: error.code, message: error.message, outcome: error.outcome } };
        }
      }),
    );
    return { results, session: this.#session(caller, asked) };
  }

  async compareAndSet(caller: Caller, what: CompareAndSetArguments): Promise<CompareAndSetAnswer> {
    await this.#deps.directory.require(caller.tenant, what.keyspace);
    refuseUnserved('LINEARIZABLE', 'compareAndSet');
    throw new StoreError('LEVEL_NOT_ALLOWED', 'compareAndSet is not served by this version', {});
  }

  keyspace(caller: Caller, name: string): Promise<Keyspace | undefined> {
    return this.#deps.directory.find(caller.tenant, name);
  }
  keyspaces(caller: Caller): Promise<readonly Keyspace[]> {
    return this.#deps.directory.list(caller.tenant);
  }
  createKeyspace(caller: Caller, name: string, settings: Partial<KeyspaceSettings>): Promise<Keyspace> {
    return this.#deps.directory.create(caller.tenant, name, settings);
  }
  updateKeyspace(caller: Caller, name: string, changes: KeyspaceChanges): Promise<Keyspace> {
    return this.#deps.directory.update(caller.tenant, name, changes);
  }
  dropKeyspace(caller: Caller, name: string): Promise<boolean> {
    return this.#deps.directory.drop(caller.tenant, name);
  }

  contextOf(entry: Entry): string {
    return sealContext(this.#deps.sealer, entry);
  }

  cluster(): ClusterView {
    return this.#deps.cluster.view(Math.min(3, this.#deps.cluster.topology.members.length));
  }

  async #begin(caller: Caller, name: string, how: { asked: Asked; side: 'read' | 'write'; path?: string }): Promise<{ keyspace: Keyspace; granted: Grant }> {
    const { directory, timeouts, coordinator } = this.#deps;
    const keyspace = await directory.require(caller.tenant, name);
    openSession(this.#deps.sealer, caller.tenant, how.asked.session);
    const { asked, ...rest } = how;
    return { keyspace, granted: grant(keyspace, asked, { ...rest, clock: coordinator.clock, timeouts }) };
  }

  async #write(
    caller: Caller,
    keyspace: Keyspace,
    how: { what: KeyRef & WriteOptions; value: string | null; granted: Grant; asked: Asked },
  ): Promise<WriteAnswer> {
    const { what, value, granted, asked } = how;
    const { coordinator, sealer } = this.#deps;
    refuseUnservedOptions(what);
    checkKey(what.key);
    const key = this.#place(keyspace, what.key);
    const given = openContext(sealer, { keyspace, key: what.key }, what.context);
    const seen = value === null && what.context === undefined ? await this.#seenNow(key, granted.plan) : given;
    const change: Change = {
      writeId: coordinator.random.uuid(),
      value,
      seen,
      expiresAtMs: value === null ? undefined : expiryOf(keyspace, what.ttlSeconds, coordinator.clock.nowMs()),
      siblingsMax: keyspace.maxSiblings,
    };
    const { cell, receipt } = await this.#writeBy(keyspace, key, { plan: granted.plan, change });
    return {
      entry: this.#entry(keyspace, what.key, cell),
      writeId: change.writeId,
      receipt: levelled(keyspace, granted, receipt),
      session: this.#session(caller, asked),
    };
  }

  /** A deletion without a context means "what is there now": it lets go of what a read of the same strength sees. */
  async #seenNow(key: PlacedKey, plan: Plan): Promise<Seen> {
    const { cell } = await read(this.#deps.coordinator, key, plan);
    return seenOf(cell);
  }

  async #writeBy(keyspace: Keyspace, key: PlacedKey, how: { plan: Plan; change: Change }): Promise<WriteResult> {
    const { coordinator } = this.#deps;
    if (policies[keyspace.conflicts].mintsDots) return write(coordinator, key, how);
    const result = await writeNewest(coordinator, key, how);
    if (!result.superseded) return result;
    // A version with a greater stamp stands: that is what the answer shows, not the one that lost.
    const standing = await read(coordinator, key, { ...how.plan, need: 1, writeBack: false }).catch(() => undefined);
    return { ...result, cell: standing ? key.convergence.join(result.cell, standing.cell) : result.cell };
  }

  #place(keyspace: Keyspace, key: string): PlacedKey {
    return this.#deps.cluster.placeKey(keyspace, key);
  }

  #entry(keyspace: Keyspace, key: string, cell: Entry['cell']): Entry {
    return entryOf(keyspace, key, { cell, nowMs: this.#deps.coordinator.clock.nowMs() });
  }

  #session(caller: Caller, asked: Asked): string {
    return asked.session ?? sealSession(this.#deps.sealer, caller.tenant);
  }
}

function checkCount(count: number, field: string): void {
  if (count >= 1 && count <= manyMax) return;
  throw badInput(`Argument "${field}" must hold 1 to ${manyMax} items, and it holds ${count}`, field, { limit: manyMax, value: count });
}

/** Arguments of the contract whose promise this version cannot keep yet are refused, never ignored. */
function refuseUnservedOptions({ idempotencyKey, sloppy }: WriteOptions): void {
  if (idempotencyKey !== undefined) throw badInput('Argument "idempotencyKey" is not served by this version', 'idempotencyKey');
  if (sloppy === true) throw badInput('Argument "sloppy" is not served by this version', 'sloppy');
}
