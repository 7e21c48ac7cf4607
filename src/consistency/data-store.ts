import type { Deps } from '../coordinator/deps.ts';
import { valueBytes } from '../coordinator/page-fill.ts';
import { combineReceipts, type Receipt } from '../coordinator/receipt.ts';
import { StoreError } from '../errors.ts';
import { checkCount, checkKey, checkValue } from './arguments.ts';
import { afterMany, afterUnlistedWrite, failedItem, termsFor, type Begun } from './begun.ts';
import type { Cluster } from './cluster.ts';
import type { Directory } from './directory.ts';
import type { Keyspace, KeyspaceChanges } from './keyspace.ts';
import type { Path } from './levels.ts';
import { sealContext } from './opaque.ts';
import { readRange } from './range-page.ts';
import { Reader } from './reader.ts';
import { grant, levelled, timesOf, type TimeoutRules } from './request-plan.ts';
import type { Sealer } from './seal.ts';
import { SessionKeeper } from './session-keeper.ts';
import { Settler } from './settler.ts';
import type { Session } from './session.ts';
import type {
  Asked,
  Caller,
  ClusterView,
  CompareAndSetAnswer,
  CompareAndSetArguments,
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
import { openExpectation, writeOrder } from './write-order.ts';
import { compareAndSet, writeVersion, type Written } from './writer.ts';

export interface DataStoreDeps {
  readonly coordinator: Deps;
  readonly cluster: Cluster;
  readonly directory: Directory;
  readonly sealer: Sealer;
  readonly timeouts: TimeoutRules;
}

/**
 * The store, over a cluster of replicas: levels become plans here, and answers become entries with
 * receipts and sessions.
 */
export class DataStore implements Store {
  readonly #deps: DataStoreDeps;
  readonly #keeper: SessionKeeper;
  readonly #reader: Reader;
  readonly #settler: Settler;

  constructor(deps: DataStoreDeps) {
    this.#deps = deps;
    this.#keeper = new SessionKeeper(deps);
    this.#reader = new Reader({ ...deps, keeper: this.#keeper });
    this.#settler = new Settler(deps);
  }

  async get(caller: Caller, { keyspace: name, key }: KeyRef, asked: Asked): Promise<EntryAnswer> {
    const begun = await this.#begin(caller, name, { asked, path: 'read' });
    checkKey(key);
    const { keyspace, granted, session } = begun;
    const { entry, receipt } = await this.#reader.read({ keyspace, key }, { ...granted, session });
    asked.answer?.add(valueBytes(entry.cell));
    const after = this.#keeper.afterRead(session, entry, { ...granted, receipt });
    const next = this.#bounded(begun, after);
    return this.#answer(begun, next instanceof Promise ? await next : next, {
      entry,
      receipt: levelled(keyspace, granted, receipt),
    });
  }

  async getMany(
    caller: Caller,
    { keyspace: name, keys }: { keyspace: string; keys: readonly string[] },
    asked: Asked,
  ): Promise<ManyAnswer> {
    checkCount(keys.length, 'keys');
    const begun = await this.#begin(caller, name, { asked, path: 'read', keys });
    for (const key of keys) checkKey(key, 'keys');
    const { keyspace, granted, session } = begun;
    const terms = { ...granted, session };
    const { answer } = asked;
    const results = await this.#reader.readMany({ keyspace, keys }, { terms, answer });
    const reads = [...results.values()];
    // Keys that were read as one have one receipt.
    const receipt = combineReceipts([...new Set(reads.map((one) => one.receipt))]);
    const entries = keys.flatMap((key) => results.get(key)?.entry ?? []);
    const versions = entries.flatMap(({ cell }) => cell.siblings);
    const next = begun.isListed
      ? this.#keeper.afterReads(session, reads, granted)
      : afterMany(begun, versions);
    return this.#answer(begun, await this.#bounded(begun, next), {
      entries,
      receipt: levelled(keyspace, granted, receipt),
    });
  }

  async range(caller: Caller, what: RangeArguments, asked: Asked): Promise<RangeAnswer> {
    const begun = await this.#begin(caller, what.keyspace, { asked, path: 'range' });
    const { keyspace, granted } = begun;
    const { coordinator, cluster, sealer } = this.#deps;
    const terms = { ...granted, session: begun.session };
    const { session, ...page } = await readRange(
      { deps: coordinator, cluster, sealer, reader: this.#reader },
      keyspace,
      { what, terms },
    );
    for (const { entry } of page.edges) asked.answer?.add(valueBytes(entry.cell));
    return this.#answer(begun, await this.#bounded(begun, session), {
      ...page,
      receipt: levelled(keyspace, granted, page.receipt),
    });
  }

  async put(caller: Caller, what: PutArguments, asked: Asked): Promise<WriteAnswer> {
    const begun = await this.#beginWrite(caller, what, asked);
    const value = checkValue(begun.keyspace, what.value);
    const { answer, after } = await this.#write(begun, what, value);
    return this.#answer(begun, after(begun.session), answer);
  }

  async delete(caller: Caller, what: DeleteArguments, asked: Asked): Promise<WriteAnswer> {
    const begun = await this.#beginWrite(caller, what, asked);
    const { answer, after } = await this.#write(begun, what, null);
    return this.#answer(begun, after(begun.session), answer);
  }

  async putMany(
    caller: Caller,
    { keyspace, items }: PutManyArguments,
    asked: Asked,
  ): Promise<{ results: readonly ItemAnswer[]; session: string }> {
    checkCount(items.length, 'items');
    const keys = items.map(({ key }) => key);
    const begun = await this.#begin(caller, keyspace, { asked, path: 'write', keys });
    let { session } = begun;
    const results = await Promise.all(
      items.map(async ({ key, value, ...options }): Promise<ItemAnswer> => {
        try {
          const checked = checkValue(begun.keyspace, value);
          const { answer, after } = await this.#write(
            begun,
            { keyspace, key, ...options },
            checked,
          );
          session = after(session);
          return { key, answer: this.#answer(begun, session, answer) };
        } catch (error) {
          if (!(error instanceof StoreError)) throw error;
          return failedItem(key, error);
        }
      }),
    );
    return this.#answer(begun, session, { results });
  }

  async compareAndSet(
    caller: Caller,
    what: CompareAndSetArguments,
    asked: Asked,
  ): Promise<CompareAndSetAnswer> {
    const begun = await this.#beginWrite(caller, what, {
      ...asked,
      level: 'LINEARIZABLE',
      replicas: undefined,
    });
    const { keyspace, granted, session } = begun;
    const value = what.value === undefined ? null : checkValue(keyspace, what.value);
    const order = writeOrder(this.#deps, begun, { what, value, says: [what.expect] });
    const { cell, receipt, applied } = await compareAndSet(
      this.#deps.coordinator,
      order,
      openExpectation(this.#deps.sealer, keyspace, what),
    );
    const entry = this.#reader.entry({ keyspace, key: what.key }, cell);
    const { writeId } = order.change;
    const after = applied
      ? this.#afterWrite(begun, session, { entry, writeId, receipt })
      : // It is shown what stands there, and may inherit more than a token holds: nothing was written.
        await this.#bounded(begun, this.#keeper.afterRead(session, entry, { ...granted, receipt }));
    return this.#answer(begun, after, {
      applied,
      entry,
      writeId: applied ? writeId : undefined,
      receipt: levelled(keyspace, granted, receipt),
    });
  }

  resolveWrite: Store['resolveWrite'] = (...request) => this.#settler.resolve(...request);
  awaitReplication: Store['awaitReplication'] = (...request) => this.#settler.replicate(...request);

  keyspace(caller: Caller, name: string): Promise<Keyspace | undefined> {
    const { directory, timeouts, coordinator } = this.#deps;
    const { deadlineMs } = timesOf({}, coordinator.clock, timeouts);
    return directory.find(caller.tenant, name, deadlineMs);
  }
  keyspaces(caller: Caller): Promise<readonly Keyspace[]> {
    return this.#deps.directory.list(caller.tenant);
  }
  createKeyspace: Store['createKeyspace'] = ({ tenant }, name, settings) =>
    this.#deps.directory.create(tenant, name, settings);
  updateKeyspace(caller: Caller, name: string, changes: KeyspaceChanges): Promise<Keyspace> {
    return this.#deps.directory.update(caller.tenant, name, changes);
  }
  dropKeyspace(caller: Caller, name: string): Promise<boolean> {
    return this.#deps.directory.drop(caller.tenant, name);
  }

  joinSessions(caller: Caller, tokens: readonly string[]): Promise<string> {
    return this.#keeper.join(caller.tenant, tokens, this.#deps.timeouts.requestMs);
  }

  contextOf(entry: Entry): string {
    return sealContext(this.#deps.sealer, entry);
  }

  cluster(): ClusterView {
    const { cluster, coordinator } = this.#deps;
    const factor = Math.min(3, cluster.topology.members.length);
    return cluster.view(factor, coordinator.clock.monotonicMs());
  }

  #beginWrite(caller: Caller, { keyspace, key }: KeyRef, asked: Asked): Promise<Begun> {
    return this.#begin(caller, keyspace, { asked, path: 'write', keys: [key] });
  }

  /** `keys`: those that its session will list, if they are not too much; of one read, none. */
  async #begin(
    caller: Caller,
    name: string,
    { asked, path, keys = [] }: { asked: Asked; path: Path; keys?: readonly string[] },
  ): Promise<Begun> {
    const { directory, timeouts, coordinator } = this.#deps;
    // Its time runs from here, not from when the directory has answered.
    const times = timesOf(asked, coordinator.clock, timeouts);
    const keyspace =
      directory.fresh(caller.tenant, name) ??
      (await directory.require(caller.tenant, name, times.deadlineMs));
    const carriesSession = asked.session !== undefined;
    const asks = { path, keys, carriesSession };
    const terms = termsFor(keyspace, grant(keyspace, asked, { path, times }), asks);
    const { granted, isListed, isUnlistedOnQuorum, room } = terms;
    const opening = { plan: granted.plan, room };
    const opened = this.#keeper.open(caller.tenant, asked.session, opening);
    const session = opened instanceof Promise ? await opened : opened;
    return { caller, keyspace, granted, session, isListed, isUnlistedOnQuorum };
  }

  /** One ordinary or consensus write of a begun request; `after` is what it adds to a session. */
  async #write(
    begun: Begun,
    what: KeyRef & WriteOptions,
    value: string | null,
  ): Promise<{ answer: Omit<WriteAnswer, 'session'>; after: (session: Session) => Session }> {
    const { keyspace, granted } = begun;
    const order = writeOrder(this.#deps, begun, { what, value, says: [] });
    const { cell, receipt }: Written = await writeVersion(this.#deps.coordinator, order);
    const entry = this.#reader.entry({ keyspace, key: what.key }, cell);
    const { writeId } = order.change;
    return {
      answer: { entry, writeId, receipt: levelled(keyspace, granted, receipt) },
      after: (session) => this.#afterWrite(begun, session, { entry, writeId, receipt }),
    };
  }

  #afterWrite(
    begun: Begun,
    session: Session,
    written: { entry: Entry; writeId: string; receipt: Receipt },
  ): Session {
    if (begun.isListed)
      return this.#keeper.afterWrite(session, written.entry, { ...begun.granted, ...written });
    const { writeId, entry } = written;
    return afterUnlistedWrite({ ...begun, session }, { writeId, versions: entry.cell.siblings });
  }

  /** A read may have inherited more than a token holds. */
  #bounded({ caller, granted }: Begun, session: Session): Session | Promise<Session> {
    return this.#keeper.bounded(caller.tenant, session, granted);
  }

  /** Adds the token of what was seen; signed when somebody looks at it. */
  #answer<T extends object>(
    { caller }: Begun,
    session: Session,
    answer: T,
  ): T & { session: string } {
    return Object.assign(this.#keeper.leaving(caller.tenant, session), answer);
  }
}
