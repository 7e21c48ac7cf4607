import type { AnswerWeight } from '../consistency/store.ts';
import { StoreError, withoutStack } from '../errors.ts';
import { addCounter, addGauge, type Metrics } from '../runtime/metrics.ts';

/** What one gateway takes in hand at a time, of all tenants together. */
export interface RoomLimits {
  /** Operations that are being carried out. */
  readonly operations: number;
  /** Bytes that are kept: of requests while they arrive and until they are answered, of answers until they are out. */
  readonly bytes: number;
  /** Bytes of values in one operation's answer. */
  readonly answerBytes: number;
}

export const roomLimits: RoomLimits = {
  operations: 10_000,
  bytes: 134_217_728,
  answerBytes: 16_777_216,
};

/** About what a request takes besides its text, whatever that is: nobody keeps many for nothing. */
const bytesBesides = 2_048;
/** One tenant may take up all but an eighth: whoever comes then finds room. */
const partMax = 7;
const againMs = 1_000;

/** Whose requests are kept. */
export interface Holder {
  heldBytes: number;
}

/**
 * THE ROOM of one gateway: what it has in hand is bounded, whoever brought it and by whichever
 * transport, and what is beyond is sent away at once, before memory grows.
 *
 * Law: never more than `operations` at once, and never `bytes` and one chunk more (operators' apart).
 * Law: of one tenant at most `partMax` times the room that is left, so that there is always some.
 *
 * Source: for the second, Choudhury and Hahne, "Dynamic queue length thresholds", 1998.
 */
export class Room {
  readonly #limits: RoomLimits;
  #operations = 0;
  #bytes = 0;
  /** How often somebody was sent away for the lack of it. */
  readonly shed = { operations: 0, bytes: 0 };
  readonly #nobody: Holder = { heldBytes: 0 };

  constructor(limits: RoomLimits = roomLimits) {
    this.#limits = limits;
  }

  get operations(): number {
    return this.#operations;
  }
  get bytes(): number {
    return this.#bytes;
  }

  /** Room for one more operation of one who has `own` of them in hand. Errors: OVERLOADED. */
  checkOperations(own: number): void {
    const left = this.#limits.operations - this.#operations;
    if (left > 0 && own < partMax * left) return;
    this.shed.operations += 1;
    throw overloaded();
  }

  enter(): void {
    this.#operations += 1;
  }
  leave(): void {
    this.#operations -= 1;
  }

  /**
   * Keeps bytes for somebody, or for all who have not said yet who they are. `mayBeRefused` is false
   * for whoever could make room.
   */
  hold(holder: Holder = this.#nobody, mayBeRefused = true): Hold {
    return new Hold(this, holder, mayBeRefused);
  }

  /** Weighs one operation's answer, in what keeps its request. */
  answer(hold: Hold): Answer {
    return new Answer(hold, this.#limits.answerBytes);
  }

  /** Room for more bytes of his. Errors: OVERLOADED. */
  checkBytes({ heldBytes }: Holder): void {
    const left = this.#limits.bytes - this.#bytes;
    if (left > 0 && heldBytes < partMax * left) return;
    this.shed.bytes += 1;
    throw overloaded();
  }

  keep(holder: Holder, bytes: number): void {
    this.#bytes += bytes;
    holder.heldBytes += bytes;
  }
}

/** The bytes of one request, from when they arrive until it is answered. */
export class Hold {
  readonly #room: Room;
  readonly #holder: Holder;
  readonly #mayBeRefused: boolean;
  #bytes = 0;
  #isOver = false;

  constructor(room: Room, holder: Holder, mayBeRefused: boolean) {
    this.#room = room;
    this.#holder = holder;
    this.#mayBeRefused = mayBeRefused;
  }

  /** A request begins. Errors: OVERLOADED. */
  begin(): this {
    this.grow(bytesBesides);
    return this;
  }

  /**
   * So many more have come. Errors: OVERLOADED; they are not kept then. So it is for what is still read
   * for somebody who has gone: nobody would let go of it.
   */
  grow(bytes: number): void {
    if (this.#isOver) throw overloaded();
    if (this.#mayBeRefused) this.#room.checkBytes(this.#holder);
    this.#room.keep(this.#holder, bytes);
    this.#bytes += bytes;
  }

  /** So many are not kept any more. */
  shrink(bytes: number): void {
    const gone = Math.min(bytes, this.#bytes);
    this.#room.keep(this.#holder, -gone);
    this.#bytes -= gone;
  }

  /** They are let go of, for good, however often it is called. */
  release(): void {
    this.#isOver = true;
    this.shrink(this.#bytes);
  }
}

/**
 * What one operation reads to be answered with. A document of small cost may mean much: a thousand
 * entries of a quarter of a megabyte each. So values are weighed as they come from the replicas, and
 * what is too much for one answer, or for the gateway, is refused while it is being gathered.
 */
export class Answer implements AnswerWeight {
  readonly #hold: Hold;
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(hold: Hold, bytesMax: number) {
    this.#hold = hold;
    this.#bytesMax = bytesMax;
  }

  /**
   * Errors: LIMIT_EXCEEDED, but not for what comes first, or there would be entries that nobody could
   * read; OVERLOADED.
   */
  add(bytes: number): void {
    const isFirst = this.#bytes === 0;
    if (!isFirst && this.#bytes + bytes > this.#bytesMax)
      throw tooMuch(this.#bytesMax, this.#bytes + bytes);
    this.#hold.grow(bytes);
    this.#bytes += bytes;
  }
}

function tooMuch(limit: number, used: number): StoreError {
  const message = `The values that an operation is answered with must be at most ${limit} bytes, and these are ${used} and more: ask for fewer at a time`;
  const details = { limit, used, retryable: false };
  return withoutStack(() => new StoreError('LIMIT_EXCEEDED', message, details));
}

/** Of nobody's doing in particular, and over soon: nothing is told of what others have under way. */
function overloaded(): StoreError {
  const message = 'The gateway has as much in hand as it takes: try again later';
  return withoutStack(() => new StoreError('OVERLOADED', message, { retryAfterMs: againMs }));
}

/** Shows it in `/metrics`. */
export function showRoom(room: Room, metrics: Metrics): void {
  const gauge = (name: string, help: string, read: () => number): void =>
    addGauge(metrics, { name, help, read });
  const counter = (name: string, help: string, read: () => number): void =>
    addCounter(metrics, { name, help, read });
  const shed = 'refused with OVERLOADED, of all tenants, for want of room';
  gauge('quorate_operations_at_once', 'Operations under way', () => room.operations);
  gauge(
    'quorate_held_bytes',
    'Bytes of requests that are not answered, and of their answers',
    () => room.bytes,
  );
  counter('quorate_shed_operations_total', `Operations ${shed}`, () => room.shed.operations);
  counter('quorate_shed_bytes_total', `Requests ${shed} for their bytes`, () => room.shed.bytes);
}
