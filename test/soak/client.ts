import type { LevelName } from '../../src/consistency/levels.ts';
import { seededRandom, type Random } from '../../src/runtime/random.ts';
import type { History, Operation, Shown } from '../simulation/history.ts';
import { requestMs, type GatewayProcess } from './gateways.ts';
import {
  CutOff,
  GatewayDown,
  NoAnswer,
  Refused,
  type Answer,
  type Ask,
  type Field,
  type GraphQLClient,
} from './graphql-client.ts';
import { placeOf, type Group } from './groups.ts';

/** What all clients of a round share. */
export interface Arena {
  readonly seed: number;
  readonly history: History;
  readonly gateways: readonly GatewayProcess[];
  readonly http: GraphQLClient;
  /** Outcomes that no fault explains. */
  readonly problems: string[];
  newProcess(): number;
  newValue(): number;
  isOver(): boolean;
}

/** Failures that faults explain; any other one is a bug. */
const expected: readonly string[] = [
  'QUORUM_UNAVAILABLE',
  'READ_TIMEOUT',
  'SESSION_UNSATISFIED',
  'CONTENDED',
  'WRITE_UNCERTAIN',
  'OVERLOADED',
];

/** Refusals can come at once: whoever asked again at once would do nothing else. */
const afterFailureMs = 50;
const beforeRetryMs = 20;

/** One client's place in one room: what it was shown there, and its session. */
export class Seat {
  readonly group: Group;
  readonly keys: readonly string[];
  readonly known = new Map<string, { values: readonly number[]; context: string }>();
  token: string | undefined;
  /** The operation whose answer the token came with. */
  tokenOf: Operation | undefined;
  session: string;

  constructor(group: Group, keys: readonly string[], session: string) {
    this.group = group;
    this.keys = keys;
    this.session = session;
  }

  /** Goes on with another client's token instead of its own. */
  adopt(other: Seat): void {
    this.token = other.token;
    this.tokenOf = other.tokenOf;
  }

  /** A session that has seen nothing. */
  startAnew(session: string): void {
    this.token = undefined;
    this.tokenOf = undefined;
    this.session = session;
    this.known.clear();
  }
}

/** One write, before it is sent. */
interface Write {
  readonly op: 'write' | 'delete' | 'cas';
  readonly value?: number;
  readonly expected?: number | null;
  readonly level?: LevelName;
}

/**
 * One client: it changes the gateway at every request, carries what it was shown, and writes down
 * what it did. After an unknown outcome it goes on under a new name.
 */
export class Client {
  readonly arena: Arena;
  readonly random: Random;
  readonly #retries: number;
  #process: number;
  #turn: number;
  #sessions = 0;

  constructor(arena: Arena, index: number) {
    this.arena = arena;
    this.random = seededRandom(arena.seed * 1_009 + index);
    this.#retries = index % 2 === 0 ? 2 : 0;
    this.#process = arena.newProcess();
    this.#turn = index;
  }

  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.random.next() * items.length)]!;
  }

  newSession(): string {
    this.#sessions += 1;
    return `s${this.#process}.${this.#sessions}`;
  }

  read(seat: Seat, key: string, level: LevelName = seat.group.level): Promise<Operation> {
    const ask = { keyspace: seat.group.keyspace, key, level, session: seat.token };
    const operation = this.#begin(seat, { op: 'read', key, level });
    return this.#perform(operation, { seat, field: 'get', ask });
  }

  /** Replaces what it was shown of the key, if anything. */
  write(seat: Seat, key: string, { op, value, expected: found, level }: Write): Promise<Operation> {
    const { group } = seat;
    const known = group.blind || op === 'cas' ? undefined : seat.known.get(key);
    const at = op === 'cas' ? 'LINEARIZABLE' : (level ?? group.level);
    const operation = this.#begin(seat, {
      op,
      key,
      level: at,
      ...(value === undefined ? {} : { value }),
      ...(op === 'cas' ? { expected: found ?? null } : { replaced: known?.values ?? [] }),
    });
    const ask: Ask = {
      keyspace: group.keyspace,
      key,
      session: seat.token,
      ...(op === 'cas' ? { expect: expectation(found) } : { level: at, context: known?.context }),
      ...(value === undefined ? {} : { value }),
      ...(group.retried && this.#retries > 0 ? { idempotencyKey: this.random.uuid() } : {}),
    };
    const field = op === 'cas' ? 'compareAndSet' : op === 'write' ? 'put' : 'delete';
    return this.#perform(operation, { seat, field, ask });
  }

  #begin(
    seat: Seat,
    line: Pick<Operation, 'op' | 'key' | 'value' | 'expected' | 'replaced'> & { level: LevelName },
  ): Operation {
    return this.arena.history.begin({
      process: this.#process,
      ...line,
      key: placeOf(seat.group.keyspace, line.key),
      timeoutMs: requestMs,
      ...(seat.group.session ? { session: seat.session, after: seat.tokenOf } : {}),
    });
  }

  async #perform(
    operation: Operation,
    how: { seat: Seat; field: Field; ask: Ask },
  ): Promise<Operation> {
    await this.#attempt(operation, how);
    const retries = how.ask.idempotencyKey === undefined ? 0 : this.#retries;
    for (let retry = 0; retry < retries && operation.status === 'unknown'; retry += 1) {
      await pause(this.random.next() * 2 * beforeRetryMs);
      await this.#attempt(operation, how);
    }
    if (operation.status === 'unknown') {
      how.seat.known.delete(how.ask.key);
      this.#process = this.arena.newProcess();
    }
    if (operation.status !== 'ok') await pause(this.random.next() * 2 * afterFailureMs);
    return operation;
  }

  async #attempt(
    operation: Operation,
    { seat, field, ask }: { seat: Seat; field: Field; ask: Ask },
  ): Promise<void> {
    let beganMs = performance.now();
    try {
      for (;;) {
        this.#turn = (this.#turn + 1) % this.arena.gateways.length;
        beganMs = performance.now();
        const answer = await this.#askOne(field, ask);
        if (!answer) continue;
        this.#succeed(operation, { seat, key: ask.key, answer });
        break;
      }
    } catch (error) {
      this.#fail(operation, error);
    }
    operation.tookMs = Math.max(operation.tookMs ?? 0, Math.round(performance.now() - beganMs));
  }

  /** Undefined when the gateway is not there: the other one is asked. */
  async #askOne(field: Field, ask: Ask): Promise<Answer | undefined> {
    const gateway = this.arena.gateways[this.#turn]!;
    try {
      return await this.arena.http.ask(gateway.port, field, ask);
    } catch (error) {
      if (!(error instanceof GatewayDown)) throw error;
      await pause(1);
      return undefined;
    }
  }

  #succeed(operation: Operation, what: { seat: Seat; key: string; answer: Answer }): void {
    const { seat, key, answer } = what;
    operation.end = this.arena.history.tick();
    operation.status = 'ok';
    delete operation.code;
    const { values, context, session, applied } = answer;
    if (operation.op === 'read') operation.value = shownAs(values);
    else operation.shown = values.filter((value) => value !== operation.value);
    if (applied !== undefined) operation.applied = applied;
    seat.known.set(key, { values, context });
    seat.token = session;
    seat.tokenOf = operation;
  }

  #fail(operation: Operation, error: unknown): void {
    operation.code = codeOf(error);
    const isExplained =
      error instanceof CutOff || (error instanceof Refused && expected.includes(error.code));
    if (!isExplained) {
      this.arena.problems.push(
        `${operation.op} of ${operation.key} at ${operation.level ?? '?'} failed in a way that no fault explains: ${operation.code}: ${String(error)}`,
      );
    }
    // That a retry certainly did nothing says nothing about the attempt before it.
    const isFirst = operation.tookMs === undefined;
    const isCertain = isFirst && error instanceof Refused && error.outcome === 'NONE';
    if (operation.op !== 'read' && !isCertain) return;
    operation.status = 'fail';
    operation.end = this.arena.history.tick();
  }
}

function expectation(value: number | null | undefined): NonNullable<Ask['expect']> {
  return typeof value === 'number' ? { value } : { absent: true };
}

function codeOf(error: unknown): string {
  if (error instanceof Refused) return error.code;
  if (error instanceof CutOff) return 'CUT_OFF';
  return error instanceof NoAnswer ? 'NO_ANSWER' : 'UNEXPECTED';
}

function shownAs(values: readonly number[]): Shown {
  if (values.length === 0) return null;
  return values.length === 1 ? values[0]! : values.toSorted((a, b) => a - b);
}

export function pause(ms: number): Promise<void> {
  return new Promise((wake) => setTimeout(wake, ms));
}
