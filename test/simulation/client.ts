import { emptyCell } from '../../src/causality/cell.ts';
import type {
  Asked,
  CompareAndSetAnswer,
  Entry,
  EntryAnswer,
  Store,
} from '../../src/consistency/store.ts';
import type { LevelName } from '../../src/consistency/levels.ts';
import { StoreError, type FailureCode } from '../../src/errors.ts';
import type { Random } from '../../src/runtime/random.ts';
import type { Operation, Resolved, Shown } from './history.ts';
import { GatewayGone, type Gateway } from './world/gateway.ts';
import type { World } from './world/world.ts';

/** How a client asks. */
export interface Habits {
  readonly keyspace: string;
  readonly tenant?: string;
  readonly read: LevelName;
  readonly write: LevelName;
  readonly timeoutMs?: number;
  /** Carries its session token from request to request. */
  readonly session?: boolean;
  /** Hints may count in place of primaries. */
  readonly sloppy?: boolean;
  /** Names of the gateways that it can reach; all of them when left out. */
  readonly gateways?: readonly string[];
  /** Which of them it asks, by their places: one that is killed is followed by another in its place. */
  readonly places?: readonly number[];
  /** Some reads are pages of a range that the key is on, or is not. */
  readonly pages?: boolean;
  /** Writes and deletes whatever is there, with no context at all. */
  readonly blind?: boolean;
  /** How often a write of unknown outcome is sent again, with its idempotency key, through any gateway. */
  readonly retries?: number;
}

/** Failures that a storm explains; any other one is a bug, whatever the workload. */
const expected: readonly FailureCode[] = [
  'QUORUM_UNAVAILABLE',
  'READ_TIMEOUT',
  'SESSION_UNSATISFIED',
  'CONTENDED',
  'WRITE_UNCERTAIN',
  'OVERLOADED',
];

interface Known {
  readonly values: readonly number[];
  readonly context: string;
}

/**
 * One client: it asks one gateway after the other, remembers what it was shown, and writes down what it did.
 * After an unknown outcome it goes on under a new name, as the rules of histories want it.
 */
export class Client {
  readonly world: World;
  readonly habits: Habits;
  readonly random: Random;
  process: number;
  /** The session token of its last answer. */
  token: string | undefined;
  /** The operation whose answer the token came with. */
  tokenOf: Operation | undefined;
  readonly sessionName: string;
  readonly #known = new Map<string, Known>();
  readonly #asked = new Set<string>();
  /** A stream of its own, so that everything else is as if keys were asked for one by one. */
  readonly #company: Random;

  constructor(world: World, habits: Habits) {
    this.world = world;
    this.habits = habits;
    this.process = world.newProcess();
    this.random = world.chance(`client ${this.process}`);
    this.#company = world.chance(`company ${this.process}`);
    this.sessionName = `s${this.process}`;
  }

  get caller(): { tenant: string } {
    return { tenant: this.habits.tenant ?? 't' };
  }

  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.random.next() * items.length)]!;
  }

  think(meanMs: number): Promise<void> {
    return this.world.sleep(this.random.next() * 2 * meanMs);
  }

  known(key: string): readonly number[] {
    return this.#known.get(key)?.values ?? [];
  }

  /** The next request knows nothing of what it was shown before: a blind write. */
  forget(key: string): void {
    this.#known.delete(key);
  }

  /** Every third time together with other keys that it has asked for: an answer is to be the same. */
  read(key: string, level: LevelName = this.habits.read): Promise<Operation | undefined> {
    const { keyspace } = this.habits;
    const isOneOfMany = this.#asked.has(key) && this.#company.next() < 1 / 3;
    this.#asked.add(key);
    // In the order in which they were first asked for: the key is anywhere among them.
    const keys = [...this.#asked];
    const isOnPage = this.habits.pages && this.#company.next() < 1 / 3;
    return this.#perform({ op: 'read', key, level }, async (store, asked) => {
      if (isOnPage) return this.#page(store, key, asked);
      if (!isOneOfMany) return store.get(this.caller, { keyspace, key }, asked);
      const answer = await store.getMany(this.caller, { keyspace, keys }, asked);
      const entry = answer.entries[keys.indexOf(key)]!;
      return { entry, receipt: answer.receipt, session: answer.session };
    });
  }

  /** A key that is not on the page is deleted, or was never there. */
  async #page(store: Store, key: string, asked: Asked): Promise<EntryAnswer> {
    const { keyspace: name } = this.habits;
    const what = { keyspace: name, first: 20 };
    const { edges, receipt, session } = await store.range(this.caller, what, asked);
    const keyspace = this.world.keyspaces.find((one) => one.name === name)!;
    const gone: Entry = { keyspace, key, cell: emptyCell, live: [] };
    const entry = edges.find((edge) => edge.entry.key === key)?.entry ?? gone;
    return { entry, receipt, session };
  }

  /** Replaces what it was shown of the key, if anything. */
  write(
    key: string,
    value: number,
    level: LevelName = this.habits.write,
  ): Promise<Operation | undefined> {
    const known = this.#shown(key);
    const what = { ...this.#writeTo(key), value: String(value), context: known?.context };
    const line = { op: 'write', key, level, value, replaced: known?.values ?? [] } as const;
    return this.#perform(line, (store, asked) => store.put(this.caller, what, asked));
  }

  /** Deletes what it was shown of the key; reads it when it was shown nothing yet. */
  delete(key: string, level: LevelName = this.habits.write): Promise<Operation | undefined> {
    const known = this.#shown(key);
    if (!known && !this.habits.blind) return this.read(key);
    const what = { ...this.#writeTo(key), context: known?.context };
    const line = { op: 'delete', key, level, replaced: known?.values ?? [] } as const;
    return this.#perform(line, (store, asked) => store.delete(this.caller, what, asked));
  }

  cas(key: string, expectedValue: number | null, value: number): Promise<Operation | undefined> {
    const expect = expectedValue === null ? { absent: true } : { value: String(expectedValue) };
    const what = { ...this.#writeTo(key), expect, value: String(value) };
    const line = { op: 'cas', key, level: 'LINEARIZABLE', expected: expectedValue, value } as const;
    return this.#perform(line, (store, asked) => store.compareAndSet(this.caller, what, asked));
  }

  /** The key's name in the history: with its tenant, where there are several. */
  #placeOf(key: string): string {
    return this.habits.tenant === undefined ? key : `${this.habits.tenant}/${key}`;
  }

  #writeTo(key: string): {
    keyspace: string;
    key: string;
    idempotencyKey?: string;
    sloppy?: boolean;
  } {
    const { keyspace, retries, sloppy } = this.habits;
    return {
      keyspace,
      key,
      ...(retries ? { idempotencyKey: this.random.uuid() } : {}),
      ...(sloppy ? { sloppy } : {}),
    };
  }

  #shown(key: string): Known | undefined {
    return this.habits.blind ? undefined : this.#known.get(key);
  }

  gateway(): Gateway {
    const { gateways, places } = this.habits;
    const open = this.world.gateways.filter(
      ({ name }, place) => (gateways?.includes(name) ?? true) && (places?.includes(place) ?? true),
    );
    return this.pick(open);
  }

  /** Asks until it is answered, on a calm network; the first calls may meet connections that are broken since before. */
  async insist(ask: () => Promise<Operation | undefined>): Promise<void> {
    for (let attempt = 0; attempt < 10; attempt += 1) {
      const answer = await ask();
      if (answer === undefined || answer.status === 'ok') return;
      await this.world.sleep(1_000);
    }
  }

  /** Goes on with another client's token instead of its own. */
  adopt(other: Client): void {
    this.token = other.token;
    this.tokenOf = other.tokenOf;
  }

  /** Undefined when the run is over. */
  async #perform(
    line: Pick<Operation, 'op' | 'key' | 'value' | 'expected' | 'replaced'> & { level: LevelName },
    request: (store: Store, asked: Asked) => Promise<EntryAnswer | CompareAndSetAnswer>,
  ): Promise<Operation | undefined> {
    const { world, habits } = this;
    if (!world.admit()) return undefined;
    const gateway = this.gateway();
    const timeoutMs = habits.timeoutMs ?? world.options.requestMs;
    const operation = world.history.begin({
      process: this.process,
      ...line,
      key: this.#placeOf(line.key),
      gateway: gateway.name,
      timeoutMs,
      ...(habits.session ? { session: this.sessionName, after: this.tokenOf } : {}),
    });
    world.note(
      `client ${this.process} ${line.op} ${line.key} ${String(line.value ?? '')} at ${gateway.name}`,
    );
    const asked = {
      level: line.level,
      timeoutMs,
      session: habits.session ? this.token : undefined,
    };
    await this.#attempt(operation, {
      key: line.key,
      gateway,
      request: (store) => request(store, asked),
    });
    for (
      let retry = 0;
      retry < (habits.retries ?? 0) && operation.status === 'unknown';
      retry += 1
    ) {
      await this.think(20);
      await this.#attempt(operation, {
        key: line.key,
        gateway: this.gateway(),
        request: (store) => request(store, asked),
      });
    }
    if (operation.status === 'unknown') this.#leave(line.key);
    world.note(
      `client ${operation.process} ${operation.status} ${JSON.stringify(operation.value ?? null)} ${operation.code ?? ''}`,
    );
    return operation;
  }

  async #attempt(
    operation: Operation,
    how: {
      key: string;
      gateway: Gateway;
      request: (store: Store) => Promise<EntryAnswer | CompareAndSetAnswer>;
    },
  ): Promise<void> {
    const { key, gateway, request } = how;
    const beganMs = this.world.schedule.nowMs;
    try {
      this.#succeed(operation, { key, gateway, answer: await gateway.ask(request) });
    } catch (error) {
      this.#fail(operation, error);
    }
    operation.tookMs = Math.max(operation.tookMs ?? 0, this.world.schedule.nowMs - beganMs);
  }

  #succeed(
    operation: Operation,
    what: { key: string; answer: EntryAnswer | CompareAndSetAnswer; gateway: Gateway },
  ): void {
    const { key, answer, gateway } = what;
    operation.status = 'ok';
    operation.end = this.world.history.tick();
    delete operation.code;
    const values = shownValues(answer.entry);
    if (operation.op === 'read') operation.value = shownAs(values);
    if ('applied' in answer) operation.applied = answer.applied;
    this.#known.set(key, { values, context: gateway.store.contextOf(answer.entry) });
    if (operation.op !== 'read')
      operation.shown = values.filter((value) => value !== operation.value);
    this.token = answer.session;
    this.tokenOf = operation;
  }

  #fail(operation: Operation, error: unknown): void {
    if (error instanceof GatewayGone) operation.code = 'GATEWAY_GONE';
    else if (error instanceof StoreError) operation.code = error.code;
    const writeId = error instanceof StoreError ? error.details['writeId'] : undefined;
    if (typeof writeId === 'string') operation.writeId = writeId;
    const isKnown =
      error instanceof GatewayGone ||
      (error instanceof StoreError && expected.includes(error.code));
    if (!isKnown) this.world.problems.push(unexpected(operation, error));
    // That a retry certainly did nothing says nothing about the attempt before it.
    const isCertain =
      operation.tookMs === undefined && error instanceof StoreError && error.outcome === 'NONE';
    if (operation.op !== 'read' && !isCertain) return;
    operation.status = 'fail';
    operation.end = this.world.history.tick();
  }

  /** Asks one gateway what became of a write of unknown outcome; undefined when it is not settled. */
  async resolve(operation: Operation, timeoutMs = 4_000): Promise<Resolved | undefined> {
    const { writeId, key } = operation;
    if (writeId === undefined) return undefined;
    const gateway = this.gateway();
    const what = { keyspace: this.habits.keyspace, key, writeId };
    const start = this.world.history.tick();
    this.world.note(
      `client ${this.process} resolves ${String(operation.value)} at ${gateway.name}`,
    );
    try {
      const request = (store: Store) => store.resolveWrite(this.caller, what, { timeoutMs });
      const answer = await gateway.ask(request);
      const resolved = { answer, start, end: this.world.history.tick() };
      operation.resolutions = [...(operation.resolutions ?? []), resolved];
      this.world.note(`client ${this.process} is told ${answer} of ${String(operation.value)}`);
      return resolved;
    } catch (error) {
      const isExpected =
        error instanceof GatewayGone ||
        (error instanceof StoreError &&
          error.outcome === 'UNKNOWN' &&
          expected.includes(error.code));
      if (!isExpected) this.world.problems.push(unexpected(operation, error));
      return undefined;
    }
  }

  /** After an unknown outcome: a client does not know whether it has seen its own write. */
  #leave(key: string): void {
    this.#known.delete(key);
    this.process = this.world.newProcess();
  }
}

/** The live values of an entry. */
export function shownValues(entry: Entry): readonly number[] {
  return entry.live.map(({ value }) => Number(value));
}

function shownAs(values: readonly number[]): Shown {
  if (values.length === 0) return null;
  return values.length === 1 ? values[0]! : [...values].sort((a, b) => a - b);
}

function unexpected({ process, op, key }: Operation, error: unknown): string {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `client ${process}: ${op} of ${key} failed in a way that no fault explains: ${text}`;
}
