/**
 * One thing to deliver: made into an event only when it is taken, so that what is dropped costs
 * nothing.
 */
export interface Queued<T> {
  readonly make: () => T;
  /** UTF-16 units that it keeps in memory. */
  readonly weight: number;
}

/**
 * What waits between the feed and one subscriber: a bounded queue that is its own iterator.
 *
 * Not an `async function*`: its `return()` would wait behind a pending `next()`, and a subscription
 * to a key that never changes would outlive its socket. Here `return()` ends the waiting `next()`
 * and runs `onClose` at once.
 */
export class EventQueue<T> implements AsyncIterableIterator<T> {
  readonly #limits: { readonly lengthMax: number; readonly weightMax: number };
  readonly #onClose: () => void;
  #items: Queued<T>[] = [];
  #weight = 0;
  #takers: { resolve: (result: IteratorResult<T>) => void; reject: (error: Error) => void }[] = [];
  #roomSeekers: (() => void)[] = [];
  #closed = false;
  #failure: Error | undefined;

  constructor(
    limits: { readonly lengthMax: number; readonly weightMax: number },
    onClose: () => void,
  ) {
    this.#limits = limits;
    this.#onClose = onClose;
  }

  get length(): number {
    return this.#items.length;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** False, and nothing is kept, when the queue is full. */
  push(item: Queued<T>): boolean {
    if (this.#closed) return true;
    const taker = this.#takers.shift();
    if (taker) {
      taker.resolve({ value: item.make(), done: false });
      return true;
    }
    if (this.#items.length >= this.#limits.lengthMax) return false;
    if (this.#items.length > 0 && this.#weight + item.weight > this.#limits.weightMax) return false;
    this.#items.push(item);
    this.#weight += item.weight;
    return true;
  }

  /** Drops all that waits, for `item` instead. */
  replace(item: Queued<T>): void {
    this.#items = [];
    this.#weight = 0;
    this.push(item);
  }

  /** Resolves when the queue is at most half full, or closed: for a producer that can wait. */
  async room(): Promise<void> {
    while (!this.#closed && !this.#hasRoom())
      await new Promise<void>((resolve) => this.#roomSeekers.push(resolve));
  }

  /** Ends the iteration with an error, after what waits was taken. */
  fail(error: Error): void {
    if (this.#closed) return;
    this.#failure = error;
    const taker = this.#takers.shift();
    if (!taker) return; // the next `next()` finds it
    this.#end();
    taker.reject(error);
  }

  next(): Promise<IteratorResult<T>> {
    const item = this.#items.shift();
    if (item) {
      this.#weight -= item.weight;
      if (this.#hasRoom()) this.#tellRoom();
      return Promise.resolve({ value: item.make(), done: false });
    }
    if (this.#failure) {
      const failure = this.#failure;
      this.#failure = undefined;
      this.#end();
      return Promise.reject(failure);
    }
    if (this.#closed) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve, reject) => this.#takers.push({ resolve, reject }));
  }

  return(): Promise<IteratorResult<T>> {
    this.#end();
    return Promise.resolve({ value: undefined, done: true });
  }

  throw(error: Error): Promise<IteratorResult<T>> {
    this.#end();
    return Promise.reject(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #hasRoom(): boolean {
    return (
      this.#items.length <= this.#limits.lengthMax / 2 && this.#weight <= this.#limits.weightMax / 2
    );
  }

  #tellRoom(): void {
    const seekers = this.#roomSeekers;
    this.#roomSeekers = [];
    for (const tell of seekers) tell();
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#items = [];
    this.#weight = 0;
    const takers = this.#takers;
    this.#takers = [];
    for (const { resolve } of takers) resolve({ value: undefined, done: true });
    this.#tellRoom();
    this.#onClose();
  }
}
