import type { LevelName } from '../consistency/levels.ts';
import type { Asked, Caller, Store } from '../consistency/store.ts';
import type { Quota } from '../tenancy/tenant-record.ts';
import type { Admission } from './admission.ts';
import { checkAsked, checkLevel } from './allowed-levels.ts';
import { limitExceeded } from './refusal.ts';
import { StoredRoom } from './stored-room.ts';
import type { StoredSizes } from './stored-sizes.ts';

interface Parts {
  readonly store: Store;
  readonly admission: Admission;
  readonly sizes: StoredSizes;
}

/**
 * The store behind what tenants may keep and ask for: levels, keyspaces, the size of a value, keys,
 * bytes. Everything that reads or writes for a tenant goes through here; repair and hints do not, they
 * are the service's own.
 *
 * A tenant without such quotas pays a look at his account and nothing else.
 */
export function limitStore(parts: Parts): Store {
  const { store } = parts;
  const rules = createRules(parts);
  const room = new StoredRoom(parts);
  return {
    get(caller, what, asked) {
      const checked = rules.level(caller, what.keyspace, { asked, side: 'read' });
      if (!checked) return store.get(caller, what, asked);
      return checked.then(() => store.get(caller, what, asked));
    },
    async getMany(caller, what, asked) {
      await rules.level(caller, what.keyspace, { asked, side: 'read' });
      return store.getMany(caller, what, asked);
    },
    async range(caller, what, asked) {
      await rules.level(caller, what.keyspace, { asked, side: 'read' });
      return store.range(caller, what, asked);
    },
    put(caller, what, asked) {
      const checked = rules.level(caller, what.keyspace, { asked, side: 'write' });
      const put = () => store.put(caller, what, asked);
      const grow = () => room.growing(caller, [what], put);
      return checked ? checked.then(grow) : grow();
    },
    async delete(caller, what, asked) {
      await rules.level(caller, what.keyspace, { asked, side: 'write' });
      return store.delete(caller, what, asked);
    },
    async putMany(caller, what, asked) {
      await rules.level(caller, what.keyspace, { asked, side: 'write' });
      const items = what.items.map((item) => ({ ...item, keyspace: what.keyspace }));
      return room.growing(caller, items, () => store.putMany(caller, what, asked));
    },
    async compareAndSet(caller, what, asked) {
      const { value } = what;
      rules.linearizable(caller);
      if (value === undefined) return store.compareAndSet(caller, what, asked);
      const act = () => store.compareAndSet(caller, what, asked);
      return room.growing(caller, [{ ...what, value }], act);
    },
    // Settling is asked of no level: it ends a request that was allowed.
    resolveWrite: (caller, what, asked) => store.resolveWrite(caller, what, asked),
    async awaitReplication(caller, what, asked) {
      const level = { ...asked, level: what.level };
      await rules.level(caller, what.keyspace, { asked: level, side: 'write' });
      return store.awaitReplication(caller, what, asked);
    },
    async createKeyspace(caller, name, settings) {
      await rules.oneMoreKeyspace(caller);
      return store.createKeyspace(caller, name, settings);
    },
    keyspace: (caller, name) => store.keyspace(caller, name),
    keyspaces: (caller) => store.keyspaces(caller),
    updateKeyspace: (caller, name, changes) => store.updateKeyspace(caller, name, changes),
    dropKeyspace: (caller, name) => store.dropKeyspace(caller, name),
    joinSessions: (caller, tokens) => store.joinSessions(caller, tokens),
    contextOf: (entry) => store.contextOf(entry),
    cluster: () => store.cluster(),
  };
}

/** What is asked of the store, in the order of the arguments that matter. */
interface Asking {
  readonly asked: Asked;
  readonly side: 'read' | 'write';
}

function createRules({ store, admission }: Parts) {
  const quotaOf = ({ tenant }: Caller): Quota => admission.of(tenant).quota;

  async function checkLater(
    caller: Caller,
    name: string,
    { asked, side, allowed }: Asking & { readonly allowed: readonly LevelName[] },
  ): Promise<void> {
    const keyspace = await store.keyspace(caller, name);
    if (keyspace) checkAsked(allowed, asked, { keyspace, side });
  }

  return {
    /** Errors: LEVEL_NOT_ALLOWED. A keyspace that is not there is for the store to say. */
    level(caller: Caller, name: string, asking: Asking): Promise<void> | undefined {
      const allowed = quotaOf(caller).allowedLevels;
      return allowed && checkLater(caller, name, { ...asking, allowed });
    },

    linearizable(caller: Caller): void {
      const { allowedLevels } = quotaOf(caller);
      if (allowedLevels) checkLevel(allowedLevels, 'LINEARIZABLE');
    },

    /** Errors: LIMIT_EXCEEDED. Two gateways at the same moment may let one too many through. */
    async oneMoreKeyspace(caller: Caller): Promise<void> {
      const limit = quotaOf(caller).keyspaces;
      if (limit === undefined) return;
      const used = (await store.keyspaces(caller)).length;
      if (used < limit) return;
      const refusal = { quota: 'keyspaces', limit, used } as const;
      throw limitExceeded(admission.of(caller.tenant).refuse(refusal));
    },
  };
}
