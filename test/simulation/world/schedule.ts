/** Something that is to happen at a moment of virtual time. */
interface Planned {
  readonly atMs: number;
  readonly sequence: number;
  task: (() => void) | undefined;
}

/** Nothing can happen any more, or time is up, and the run has not ended: something hangs. */
export class Stuck extends Error {}

/**
 * Virtual time: a queue of events ordered by (time, sequence), so that one seed gives one order.
 *
 * Between two events every promise that can go on goes on: the code under test waits for nothing but
 * promises and its clock, so one turn of the real event loop empties the queue of microtasks, and the
 * order inside that turn is the language's own.
 */
export class Schedule {
  #nowMs = 0;
  #sequence = 0;
  #events = 0;
  readonly #heap: Planned[] = [];

  /** Milliseconds since the run began. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Events that have happened. */
  get events(): number {
    return this.#events;
  }

  /** Runs `task` after `delayMs` of virtual time; the returned function cancels it. */
  after(delayMs: number, task: () => void): () => void {
    const planned: Planned = {
      atMs: this.#nowMs + Math.max(0, delayMs),
      sequence: this.#sequence++,
      task,
    };
    push(this.#heap, planned);
    return () => (planned.task = undefined);
  }

  /** Runs events until `main` has settled; rejects with `Stuck` when it never will, or not before `limitMs`. */
  async run<T>(main: Promise<T>, limitMs: number): Promise<T> {
    const state = { settled: false };
    const settle = (): void => void (state.settled = true);
    main.then(settle, settle);
    for (;;) {
      await new Promise((resume) => setImmediate(resume));
      if (state.settled) return main;
      const next = pop(this.#heap);
      if (!next) throw new Stuck('nothing is planned any more, and a request is still open');
      if (!next.task) continue;
      if (next.atMs > limitMs) throw new Stuck(`a request is still open after ${limitMs} ms`);
      this.#nowMs = next.atMs;
      this.#events += 1;
      next.task();
    }
  }
}

function isBefore(a: Planned, b: Planned): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence);
}

function push(heap: Planned[], planned: Planned): void {
  let at = heap.length;
  heap.push(planned);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!isBefore(planned, heap[parent]!)) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = planned;
}

function pop(heap: Planned[]): Planned | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (!first || !last || heap.length === 0) return first;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
    if (!isBefore(heap[child]!, last)) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = last;
  return first;
}
