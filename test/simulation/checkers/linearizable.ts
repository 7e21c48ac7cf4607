import { valuesOf, type Operation } from '../history.ts';

/** One call or return of the history, in the order of time. */
interface Event {
  readonly id: number;
  readonly isCall: boolean;
}

/** An operation as the search sees it: from a value to the next one, or not possible there. */
interface Candidate {
  readonly operation: Operation;
  /** Whether it says something about the value that it finds. */
  readonly observes: boolean;
  readonly step: (value: State) => State | undefined;
}

/** The value of a key; null where there is none. */
type State = number | null;

/**
 * Searches an order of one key's operations that a single copy could have produced: each takes effect at one moment between its
 * start and its end. Undefined when there is one; otherwise the operation at which every order breaks.
 *
 * Source: Wing and Gong, "Testing and Verifying Concurrent Objects", 1993, with Lowe's memory of configurations ("Testing for
 * linearizability", 2017): the same operations done and the same value is never searched twice.
 *
 * An unknown outcome may take effect at any later moment or never, so it need not be placed. Where it is followed at once by
 * something that overwrites it, it might as well never have happened: such orders are not searched, or a few dozen unknown
 * outcomes would take for ever.
 */
export function linearize(operations: readonly Operation[]): Operation | undefined {
  const candidates = operations.flatMap(candidateOf);
  return new Search(candidates).run();
}

/** One sentence for each key whose history no single copy could have produced. */
export function checkLinearizable(operations: readonly Operation[]): readonly string[] {
  return [...Map.groupBy(operations, ({ key }) => key)].flatMap(([key, those]) => {
    const broken = linearize(those);
    if (!broken) return [];
    const { op, process, value, expected, applied } = broken;
    const shown =
      op === 'read'
        ? `a read that shows ${valuesOf(value).join(' and ') || 'nothing'}`
        : `${op} ${JSON.stringify({ value, expected, applied })}`;
    return [
      `ILLEGAL: no order of the operations on ${key} explains ${shown}, by client ${process} from ${broken.start} to ${broken.end ?? 'never'} ns`,
    ];
  });
}

function candidateOf(operation: Operation): Candidate[] {
  const { op, status, value, expected, applied } = operation;
  // What certainly did nothing, and what nobody saw, constrains nothing.
  if (status === 'fail' || (op === 'read' && status === 'unknown')) return [];
  switch (op) {
    case 'read':
      return [
        { operation, observes: true, step: (state) => (shows(value, state) ? state : undefined) },
      ];
    case 'write':
      return [{ operation, observes: false, step: () => value as number }];
    case 'delete':
      return [{ operation, observes: false, step: () => null }];
    case 'cas': {
      const next = value as number;
      const step = (state: State): State | undefined => {
        const holds = state === (expected ?? null);
        if (status === 'ok' && applied !== holds) return undefined;
        return holds ? next : state;
      };
      return [{ operation, observes: true, step }];
    }
  }
}

function shows(value: Operation['value'], state: State): boolean {
  const values = valuesOf(value);
  return state === null ? values.length === 0 : values.length === 1 && values[0] === state;
}

/** Depth first over a doubly linked list of events: an operation is lifted out when it is placed in the order. */
class Search {
  readonly #candidates: readonly Candidate[];
  readonly #events: readonly Event[];
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #callAt: Int32Array;
  readonly #returnAt: Int32Array;
  readonly #done: Uint8Array;
  readonly #visited = new Set<string>();

  constructor(candidates: readonly Candidate[]) {
    this.#candidates = candidates;
    this.#events = eventsOf(candidates);
    const size = this.#events.length + 2;
    // Place 0 is the head, the last one the tail; event e is at e + 1.
    this.#next = Int32Array.from({ length: size }, (_, at) => at + 1);
    this.#previous = Int32Array.from({ length: size }, (_, at) => at - 1);
    this.#callAt = new Int32Array(candidates.length);
    this.#returnAt = new Int32Array(candidates.length);
    this.#done = new Uint8Array(candidates.length);
    this.#events.forEach(({ id, isCall }, at) => {
      (isCall ? this.#callAt : this.#returnAt)[id] = at + 1;
    });
  }

  run(): Operation | undefined {
    const placed: { id: number; before: State }[] = [];
    let state: State = null;
    let at = this.#next[0]!;
    let furthest = -1;
    let broken: Operation | undefined;
    let left = this.#candidates.filter(({ operation }) => isKnown(operation)).length;
    while (left > 0) {
      const event = this.#events[at - 1];
      if (event?.isCall) {
        const after = this.#stepOf(event.id, { state, last: placed.at(-1)?.id });
        if (after !== undefined && this.#isNew(event.id, after)) {
          placed.push({ id: event.id, before: state });
          this.#lift(event.id);
          if (isKnown(this.#candidates[event.id]!.operation)) left -= 1;
          state = after;
          at = this.#next[0]!;
        } else at = this.#next[at]!;
        continue;
      }
      // A return whose call is not placed yet: nothing that may come before it is left to try.
      if (event && at > furthest) [furthest, broken] = [at, this.#candidates[event.id]!.operation];
      const last = placed.pop();
      if (!last) return broken;
      state = last.before;
      this.#unlift(last.id);
      if (isKnown(this.#candidates[last.id]!.operation)) left += 1;
      at = this.#next[this.#callAt[last.id]!]!;
    }
    return undefined;
  }

  #stepOf(id: number, from: { state: State; last: number | undefined }): State | undefined {
    const candidate = this.#candidates[id]!;
    const last = from.last === undefined ? undefined : this.#candidates[from.last];
    const inVain = last && !isKnown(last.operation) && !candidate.observes;
    return inVain ? undefined : candidate.step(from.state);
  }

  #isNew(id: number, state: State): boolean {
    this.#done[id] = 1;
    // What may follow depends on whether this one must still be seen.
    const mark = isKnown(this.#candidates[id]!.operation) ? '' : '?';
    const name = `${Buffer.from(this.#done).toString('latin1')}${String(state)}${mark}`;
    this.#done[id] = 0;
    if (this.#visited.has(name)) return false;
    this.#visited.add(name);
    return true;
  }

  #lift(id: number): void {
    this.#done[id] = 1;
    for (const at of [this.#callAt[id]!, this.#returnAt[id]!]) {
      this.#next[this.#previous[at]!] = this.#next[at]!;
      this.#previous[this.#next[at]!] = this.#previous[at]!;
    }
  }

  #unlift(id: number): void {
    this.#done[id] = 0;
    for (const at of [this.#returnAt[id]!, this.#callAt[id]!]) {
      this.#next[this.#previous[at]!] = at;
      this.#previous[this.#next[at]!] = at;
    }
  }
}

function isKnown({ status }: Operation): boolean {
  return status === 'ok';
}

/** Calls and returns by time. What has no end returns after everything else. */
function eventsOf(candidates: readonly Candidate[]): readonly Event[] {
  const ends = candidates.map(({ operation }) =>
    operation.status === 'ok' ? operation.end! : Infinity,
  );
  const timed = candidates.flatMap(({ operation }, id) => [
    { id, isCall: true, at: operation.start },
    { id, isCall: false, at: ends[id]! },
  ]);
  return timed.sort((a, b) => (a.at === b.at ? Number(b.isCall) - Number(a.isCall) : a.at - b.at));
}
