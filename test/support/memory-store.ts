import { emptyCell, seenNothing, seenOf, write, type Seen } from '../../src/causality/cell.ts';
import { nextCounter } from '../../src/causality/minting.ts';
import { entryOf } from '../../src/consistency/entry.ts';
import { keyspaceDefaults, type Keyspace } from '../../src/consistency/keyspace.ts';
import type {
  Asked,
  Caller,
  EntryAnswer,
  LevelledReceipt,
  Store,
} from '../../src/consistency/store.ts';
import { badInput, StoreError } from '../../src/errors.ts';
import type { Cell } from '../../src/causality/cell.ts';
import type { ChangeEvent, Feed } from '../../src/feed/feed.ts';

/** Every call, with what the edge asked: tests of precedence and batching look here. */
export interface Call {
  readonly method: string;
  readonly caller: Caller;
  readonly what: unknown;
  readonly asked: Asked | undefined;
}

export interface MemoryStore {
  readonly store: Store;
  readonly feed: Feed;
  readonly calls: Call[];
  /** The next call of the store fails with this. */
  failWith(error: unknown): void;
  /** Subscribers that wait now. */
  listeners(): number;
}

/**
 * A store of one process, one copy and no network: what the edge is developed and tested on when only the edge is meant.
 * Its contexts are not signed, and its receipts tell of one replica.
 */
export function createMemoryStore(names: readonly string[] = ['demo', 'profiles']): MemoryStore {
  const cells = new Map<string, { keyspace: Keyspace; key: string; cell: Cell }>();
  const keyspaces = new Map<string, Keyspace>();
  const contexts = new Map<string, Seen>();
  const calls: Call[] = [];
  const { feed, publish, listeners } = createMemoryFeed();
  let failure: { error: unknown } | undefined;
  let nowUs = 1_767_225_600_000_000;
  for (const name of names) keyspaces.set(`demo/${name}`, keyspaceOf('demo', name));

  function arrive(
    method: string,
    caller: Caller,
    { what, asked }: { what: unknown; asked?: Asked },
  ): void {
    calls.push({ method, caller, what, asked });
    if (failure !== undefined) {
      const { error } = failure;
      failure = undefined;
      throw error;
    }
  }
  function keyspaceNamed({ tenant }: Caller, name: string): Keyspace {
    const found = keyspaces.get(`${tenant}/${name}`);
    if (found === undefined)
      throw new StoreError('KEYSPACE_NOT_FOUND', `There is no keyspace "${name}"`, {
        keyspace: name,
      });
    return found;
  }
  function entry(keyspace: Keyspace, key: string) {
    if (key === '' || Buffer.byteLength(key) > 1024)
      throw badInput('Argument "key" must be 1 to 1024 bytes', 'key');
    const cell = cells.get(`${keyspace.tenant}/${keyspace.name}/${key}`)?.cell ?? emptyCell;
    return entryOf(keyspace, key, { cell, nowMs: Date.now() });
  }
  const answer = (keyspace: Keyspace, key: string, asked: Asked): EntryAnswer => ({
    entry: entry(keyspace, key),
    receipt: receipt(asked),
    session: 'session-token',
  });
  function change(
    keyspace: Keyspace,
    what: { key: string; value: string | null; context?: string | undefined },
  ): string {
    const { key, value, context } = what;
    const { cell } = entry(keyspace, key);
    const seen = context === undefined ? seenNothing : contexts.get(context);
    if (seen === undefined) throw badInput('Argument "context" is not ours', 'context');
    nowUs += 1;
    const dot = { actor: 'memory', counter: nextCounter(cell, seen, { actor: 'memory', nowUs }) };
    const writeId = `write-${nowUs}`;
    const next = write(cell, seen, { dot, writeId, writtenAtUs: nowUs, value });
    cells.set(`${keyspace.tenant}/${keyspace.name}/${key}`, { keyspace, key, cell: next });
    publish(keyspace, key, { entry: entry(keyspace, key), at: nowUs });
    return writeId;
  }

  const store: Store = {
    joinSessions: (_caller, tokens) =>
      Promise.resolve(tokens.flatMap((token) => token.split(',')).join('+')),
    async get(caller, what, asked) {
      arrive('get', caller, { what, asked });
      return answer(keyspaceNamed(caller, what.keyspace), what.key, asked);
    },
    async getMany(caller, what, asked) {
      arrive('getMany', caller, { what, asked });
      const keyspace = keyspaceNamed(caller, what.keyspace);
      return {
        entries: what.keys.map((key) => entry(keyspace, key)),
        receipt: receipt(asked),
        session: 'session-token',
      };
    },
    async range(caller, what, asked) {
      arrive('range', caller, { what, asked });
      const keyspace = keyspaceNamed(caller, what.keyspace);
      const found = [...cells.values()]
        .filter((held) => held.keyspace === keyspace)
        .sort((a, b) => (a.key < b.key ? -1 : 1));
      const edges = found
        .slice(0, what.first ?? 100)
        .map(({ key }) => ({ entry: entry(keyspace, key), cursor: `at-${key}` }));
      return {
        edges,
        hasNextPage: edges.length < found.length,
        hasPreviousPage: false,
        receipt: receipt(asked),
        session: 'session-token',
      };
    },
    async put(caller, what, asked) {
      arrive('put', caller, { what, asked });
      const keyspace = keyspaceNamed(caller, what.keyspace);
      const writeId = change(keyspace, what);
      return { ...answer(keyspace, what.key, asked), writeId };
    },
    async delete(caller, what, asked) {
      arrive('delete', caller, { what, asked });
      const keyspace = keyspaceNamed(caller, what.keyspace);
      const writeId = change(keyspace, { ...what, value: null });
      return { ...answer(keyspace, what.key, asked), writeId };
    },
    async putMany(caller, what, asked) {
      arrive('putMany', caller, { what, asked });
      const keyspace = keyspaceNamed(caller, what.keyspace);
      const results = what.items.map((item) => {
        if (item.key === '')
          return {
            key: '',
            error: { code: 'BAD_USER_INPUT', message: 'empty key', outcome: 'NONE' as const },
          };
        const writeId = change(keyspace, item);
        return { key: item.key, answer: { ...answer(keyspace, item.key, asked), writeId } };
      });
      return { results, session: 'session-token' };
    },
    async compareAndSet(caller, what, asked) {
      arrive('compareAndSet', caller, { what, asked });
      throw new StoreError('LEVEL_NOT_ALLOWED', 'LINEARIZABLE is not served');
    },
    async resolveWrite(caller, what, asked) {
      arrive('resolveWrite', caller, { what, asked });
      const { cell } = entry(keyspaceNamed(caller, what.keyspace), what.key);
      return cell.siblings.some(({ writeId }) => writeId === what.writeId) ? 'APPLIED' : 'NEVER';
    },
    async awaitReplication(caller, what, asked) {
      arrive('awaitReplication', caller, { what, asked });
      return receipt({ level: what.level });
    },
    keyspace: async ({ tenant }, name) => keyspaces.get(`${tenant}/${name}`),
    keyspaces: async ({ tenant }) =>
      [...keyspaces.values()].filter((keyspace) => keyspace.tenant === tenant),
    async createKeyspace(caller, name, settings) {
      arrive('createKeyspace', caller, { what: { name, settings } });
      const keyspace = { ...keyspaceOf(caller.tenant, name), ...settings };
      keyspaces.set(`${caller.tenant}/${name}`, keyspace);
      return keyspace;
    },
    async updateKeyspace(caller, name, changes) {
      arrive('updateKeyspace', caller, { what: { name, changes } });
      const keyspace = { ...keyspaceNamed(caller, name), ...changes };
      keyspaces.set(`${caller.tenant}/${name}`, keyspace);
      return keyspace;
    },
    dropKeyspace: async ({ tenant }, name) => keyspaces.delete(`${tenant}/${name}`),
    contextOf({ key, cell }) {
      const context = `context-of-${key}-${cell.siblings.length}-${nowUs}`;
      contexts.set(context, seenOf(cell));
      return context;
    },
    cluster: () => ({ epoch: 1, partitions: 256, replicas: [] }),
  };
  return { store, feed, calls, failWith: (error) => void (failure = { error }), listeners };
}

function keyspaceOf(tenant: string, name: string): Keyspace {
  return { ...keyspaceDefaults, tenant, name, storageName: name };
}

function receipt({ level, replicas }: Asked): LevelledReceipt {
  return {
    level: replicas === undefined ? (level ?? 'QUORUM') : undefined,
    overlapping: true,
    replicationFactor: 1,
    required: 1,
    answered: 1,
    stale: 0,
    repaired: 0,
    hinted: 0,
    replicas: [{ replica: 'memory', role: 'PRIMARY', status: 'OK', elapsedMs: 0.1 }],
    epoch: 1,
    elapsedMs: 0.1,
  };
}

type Publish = (
  keyspace: Keyspace,
  key: string,
  what: { entry: EntryAnswer['entry']; at: number },
) => void;

function createMemoryFeed(): { feed: Feed; publish: Publish; listeners: () => number } {
  const open = new Set<{
    keyspace: string;
    key: string | undefined;
    push: (event: ChangeEvent) => void;
    end: () => void;
  }>();
  const feed: Feed = {
    async subscribe(_caller, { keyspace, key }) {
      const queue: ChangeEvent[] = [{ __typename: 'FeedBookmark', cursor: 'start' }];
      let wake = (): void => {};
      let isOver = false;
      const listener = {
        keyspace,
        key: key ?? undefined,
        push: (event: ChangeEvent) => {
          queue.push(event);
          wake();
        },
        end: () => {
          isOver = true;
          open.delete(listener);
          wake();
        },
      };
      open.add(listener);
      const iterator: AsyncIterableIterator<ChangeEvent> = {
        [Symbol.asyncIterator]: () => iterator,
        async next() {
          while (queue.length === 0 && !isOver)
            await new Promise<void>((resolve) => (wake = resolve));
          const event = queue.shift();
          return isOver || event === undefined
            ? { done: true, value: undefined }
            : { done: false, value: event };
        },
        async return() {
          listener.end();
          return { done: true, value: undefined };
        },
      };
      return iterator;
    },
    close: async () => open.forEach(({ end }) => end()),
  };
  const publish: Publish = (keyspace, key, { entry, at }) => {
    for (const listener of open) {
      if (
        listener.keyspace !== keyspace.name ||
        (listener.key !== undefined && listener.key !== key)
      )
        continue;
      listener.push({
        __typename: 'EntryChanged',
        cursor: `c${at}`,
        entry,
        confirmedBy: 1,
        session: 'session-token',
      });
    }
  };
  return { feed, publish, listeners: () => open.size };
}
