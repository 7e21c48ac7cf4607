import type { AssembledStore } from '../../../src/assemble-store.ts';
import { entryOf } from '../../../src/consistency/entry.ts';
import type { Asked, Store } from '../../../src/consistency/store.ts';
import { read } from '../../../src/coordinator/read.ts';
import { StoreError } from '../../../src/errors.ts';
import type { World } from '../world/world.ts';

/** The store with some of its methods replaced. */
function altered(store: Store, methods: Partial<Store>): Store {
  return new Proxy(store, {
    get(target, name) {
      const own = methods[name as keyof Store];
      const method: unknown = own ?? Reflect.get(target, name);
      return typeof method === 'function'
        ? (method.bind(own ? methods : target) as unknown)
        : method;
    },
  });
}

/** A read that found replicas behind answers before it has repaired any of them. */
export function withoutWriteBack({ store, cluster, deps }: AssembledStore, world: World): Store {
  return altered(store, {
    async get(caller, what, asked) {
      const keyspace = await store.keyspace(caller, what.keyspace);
      if (!keyspace) return store.get(caller, what, asked);
      const startMs = deps.clock.monotonicMs();
      const deadlineMs = startMs + (asked.timeoutMs ?? world.options.requestMs);
      const plan = { need: 2, writeBack: false, startMs, deadlineMs };
      const { cell, receipt } = await read(deps, cluster.placeKey(keyspace, what.key), plan);
      const entry = entryOf(keyspace, what.key, { cell, nowMs: deps.clock.nowMs() });
      return { entry, receipt: { ...receipt, level: asked.level, overlapping: true }, session: '' };
    },
  });
}

/** Hints count as acknowledgements although nobody has asked for it. */
export function withHintsCounted({ store }: AssembledStore): Store {
  return altered(store, {
    put: (caller, what, asked) => store.put(caller, { ...what, sloppy: true }, asked),
    delete: (caller, what, asked) => store.delete(caller, { ...what, sloppy: true }, asked),
  });
}

/** Reads do not look at the session token. */
export function withoutSession({ store }: AssembledStore): Store {
  return altered(store, {
    get: (caller, what, { session: _, ...asked }) => store.get(caller, what, asked),
  });
}

/** LINEARIZABLE reads are served at ONE, in silence. */
export function withStaleReads({ store }: AssembledStore): Store {
  return altered(store, {
    get: (caller, what, asked) => store.get(caller, what, { ...asked, level: 'ONE' }),
  });
}

/** What cannot be had at the level that was asked for is had at ONE, in silence. */
export function downgrading({ store }: AssembledStore): Store {
  return altered(store, {
    get: (caller, what, asked) =>
      store.get(caller, what, asked).catch((error: unknown) => {
        if (!(error instanceof StoreError) || error.outcome !== 'NONE') throw error;
        return store.get(caller, what, { ...asked, level: 'ONE' });
      }),
  });
}

/** What is refused is asked for again, for as long as it takes. */
export function neverRefusing({ store, deps }: AssembledStore): Store {
  const again = async <T>(ask: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        if (!(error instanceof StoreError) || error.outcome !== 'NONE') throw error;
        await deps.clock.sleep(50);
      }
    }
  };
  return altered(store, {
    get: (caller, what, asked) => again(() => store.get(caller, what, asked)),
    put: (caller, what, asked) => again(() => store.put(caller, what, asked)),
  });
}

/** A retry is a new write: idempotency keys are not looked at. */
export function withoutIdempotency({ store }: AssembledStore): Store {
  return altered(store, {
    put: (caller, { idempotencyKey: _, ...what }, asked: Asked) => store.put(caller, what, asked),
    delete: (caller, { idempotencyKey: _, ...what }, asked) => store.delete(caller, what, asked),
    compareAndSet: (caller, { idempotencyKey: _, ...what }, asked) =>
      store.compareAndSet(caller, what, asked),
  });
}
