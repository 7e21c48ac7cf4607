import { StoreError } from '../errors.ts';
import type { Keyspace } from './keyspace.ts';
import { openWriteId, sealWriteId } from './opaque.ts';
import type { Sealer } from './seal.ts';
import { stillUnknown } from './settler.ts';
import type { Caller, ItemAnswer, KeyRef, Store, WriteRef } from './store.ts';

/**
 * The store as it is seen from outside: ids of writes leave it signed, bound to tenant, keyspace and
 * key, and come back so, or are refused.
 *
 * An id that was invented could be no harm by itself: nothing would be found under it. But a write that
 * is not there is fenced, and a fence is kept for good in the row of the key; so only what was
 * handed out is settled. This is the one place where ids cross: below it they are plain, and the
 * same on every replica.
 */
export function sealWriteIds(store: Store, sealer: Sealer): Store {
  const rules = createRules(store, sealer);
  return {
    put: (caller, what, asked) => rules.writing(caller, what, () => store.put(caller, what, asked)),
    delete: (caller, what, asked) =>
      rules.writing(caller, what, () => store.delete(caller, what, asked)),
    compareAndSet: (caller, what, asked) =>
      rules.writing(caller, what, () => store.compareAndSet(caller, what, asked)),
    async putMany(caller, what, asked) {
      const { results, session } = await store.putMany(caller, what, asked);
      const named = results.map((item) => rules.item(caller, what.keyspace, item));
      return { results: await Promise.all(named), session };
    },
    resolveWrite: (caller, what, asked) =>
      rules.settling(caller, what, (plain) => store.resolveWrite(caller, plain, asked)),
    awaitReplication: (caller, what, asked) =>
      rules.settling(caller, what, (plain) =>
        store.awaitReplication(caller, { ...what, ...plain }, asked),
      ),
    get: (caller, what, asked) => store.get(caller, what, asked),
    getMany: (caller, what, asked) => store.getMany(caller, what, asked),
    range: (caller, what, asked) => store.range(caller, what, asked),
    keyspace: (caller, name) => store.keyspace(caller, name),
    keyspaces: (caller) => store.keyspaces(caller),
    createKeyspace: (caller, name, settings) => store.createKeyspace(caller, name, settings),
    updateKeyspace: (caller, name, changes) => store.updateKeyspace(caller, name, changes),
    dropKeyspace: (caller, name) => store.dropKeyspace(caller, name),
    joinSessions: (caller, tokens) => store.joinSessions(caller, tokens),
    contextOf: (entry) => store.contextOf(entry),
    cluster: () => store.cluster(),
  };
}

interface Answered {
  readonly entry: { readonly keyspace: Keyspace; readonly key: string };
  readonly writeId: string | undefined;
}

/** Signed when somebody looks at it. */
function sealed<T extends Answered>(sealer: Sealer, answer: T): T {
  const { entry, writeId } = answer;
  if (writeId === undefined) return answer;
  const get = (): string => sealWriteId(sealer, entry, writeId);
  return Object.defineProperty(answer, 'writeId', { enumerable: true, get });
}

function createRules(store: Store, sealer: Sealer) {
  /** Without the keyspace it could not be opened again: then it is left out. */
  async function sealedFor(
    caller: Caller,
    at: KeyRef,
    writeId: string,
  ): Promise<string | undefined> {
    const keyspace = await store.keyspace(caller, at.keyspace).catch(() => undefined);
    return keyspace && sealWriteId(sealer, { keyspace, key: at.key }, writeId);
  }

  async function sealedFailure(caller: Caller, at: KeyRef, error: unknown): Promise<unknown> {
    if (!(error instanceof StoreError)) return error;
    const { writeId, ...details } = error.details;
    if (typeof writeId !== 'string') return error;
    const named = await sealedFor(caller, at, writeId);
    const shown = named === undefined ? details : { ...details, writeId: named };
    return new StoreError(error.code, error.message, shown);
  }

  return {
    async writing<T extends Answered>(
      caller: Caller,
      at: KeyRef,
      work: () => Promise<T>,
    ): Promise<T> {
      try {
        return sealed(sealer, await work());
      } catch (error) {
        throw await sealedFailure(caller, at, error);
      }
    },

    async item(caller: Caller, keyspace: string, item: ItemAnswer): Promise<ItemAnswer> {
      if ('answer' in item) return { ...item, answer: sealed(sealer, item.answer) };
      const { writeId, ...rest } = item;
      if (writeId === undefined) return item;
      const named = await sealedFor(caller, { keyspace, key: item.key }, writeId);
      return named === undefined ? rest : { ...rest, writeId: named };
    },

    async settling<T>(
      caller: Caller,
      what: WriteRef,
      work: (plain: WriteRef) => Promise<T>,
    ): Promise<T> {
      const { keyspace: name, key } = what;
      const keyspace = await store.keyspace(caller, name).catch((error: unknown) => {
        throw stillUnknown(error, what.writeId);
      });
      // The store says in its own words that there is none.
      if (!keyspace) return work(what);
      const writeId = openWriteId(sealer, { keyspace, key }, what.writeId);
      try {
        return await work({ keyspace: name, key, writeId });
      } catch (error) {
        throw await sealedFailure(caller, what, error);
      }
    },
  };
}
