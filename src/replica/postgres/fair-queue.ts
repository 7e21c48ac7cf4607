/** One that waits, as the queue sees it. */
export interface Waiting {
  /** Those of one kind can go together. */
  readonly kind: unknown;
  /** Two of one key and kind never overtake each other; see `FairQueueOptions` for what goes together. */
  readonly key: string;
  /** Whose turn it takes. */
  readonly flow: string;
  /** How much of a turn it takes: 1 for something small. */
  readonly size: number;
  /** How much of a batch it is: 1 for one key. */
  readonly rows: number;
  /** Nobody waits for it any more: it leaves when it is come upon. */
  readonly settled: boolean;
}

export interface FairQueueOptions<W> {
  /** Whether several of one key may go together; otherwise one goes, and the others wait. */
  readonly mayRepeatKeys?: (one: W) => boolean;
  /** Whether it cannot go now, whatever else does. */
  readonly mustWait?: (one: W) => boolean;
  /** The one of two of a key that goes for both; undefined when the second must wait. */
  readonly oneOf?: (first: W, second: W) => W | undefined;
  /** What a flow may take in one turn, beside others: at least 1. */
  readonly weightOf: (flow: string) => number;
  /** How many may wait. */
  readonly max: number;
}

interface Flow<W> {
  waiting: W[];
  /** What it may still take. */
  credit: number;
}

interface Batch<W> {
  readonly kind: unknown;
  readonly most: number;
  /** How much of `most` is taken. */
  rows: number;
  /** By key, or by themselves where keys may repeat. */
  readonly calls: Map<string | W, W>;
  /** Keys of which one waits: a later one must not overtake it. */
  readonly kept: Set<string>;
  readonly leaves: (one: W) => boolean;
}

/** Looked at in one flow and cut, for each that fits into a batch: a hot key must not cost all. */
const looksPerCall = 4;
/** One flow may fill all but an eighth; whoever comes then finds room. */
const partMax = 7;

/**
 * What waits for one replica, taken in turns: in each flow (a tenant) the oldest first, and of the flows
 * each as much as its weight says. So one who floods waits behind himself, and for the others a batch
 * leaves as if he asked for no more than they do.
 *
 * Law: of two flows that wait all the time each gets by its weight, to within one turn and one call.
 * Law: what one flow may hold is `partMax` times the room that is left, so there is always some.
 *
 * Source: deficit round robin, Shreedhar and Varghese, SIGCOMM 1995; for the room, the dynamic
 * thresholds of Choudhury and Hahne, 1998.
 */
export class FairQueue<W extends Waiting> {
  readonly #options: FairQueueOptions<W>;
  /** Whose turn it is stands first: a `Map` keeps the order in which its entries came. */
  readonly #flows = new Map<string, Flow<W>>();
  /** Whose turn the last batch broke off. */
  #brokenOff: Flow<W> | undefined;
  #size = 0;

  constructor(options: FairQueueOptions<W>) {
    this.#options = options;
  }

  get size(): number {
    return this.#size;
  }

  /** How many can go now, of whatever kind; counted up to `most`. */
  ready(most: number): number {
    let found = 0;
    for (const one of this) {
      if (!this.#options.mustWait?.(one)) found += 1;
      if (found >= most) break;
    }
    return found;
  }

  /** Whether one more of this flow would be too many. */
  isFull(flow: string): boolean {
    const room = this.#options.max - this.#size;
    return room <= 0 || (this.#flows.get(flow)?.waiting.length ?? 0) >= partMax * room;
  }

  push(one: W): void {
    const flow = this.#flows.get(one.flow) ?? { waiting: [], credit: 0 };
    this.#flows.set(one.flow, flow);
    flow.waiting.push(one);
    this.#size += 1;
  }

  /** Of which kind the next batch is; undefined when none can go now. */
  nextKind(leaves: (one: W) => boolean = isSettled): W['kind'] | undefined {
    for (const { waiting } of this.#flows.values()) {
      const oldest = waiting.find((one) => !leaves(one) && !this.#options.mustWait?.(one));
      if (oldest) return oldest.kind;
    }
    return undefined;
  }

  /**
   * The next batch: of this kind, which is that of the oldest one that can go, of whose turn it is; as many
   * until `most` is reached. Whatever `leaves` is true of is gone when it is come upon.
   */
  cut(
    most: number,
    leaves: (one: W) => boolean = isSettled,
    kind = this.nextKind(leaves),
  ): readonly W[] {
    const batch: Batch<W> = { kind, most, rows: 0, calls: new Map(), kept: new Set(), leaves };
    // Flows in a row that had nothing to give: after a whole round the batch is what it is.
    let passed = 0;
    for (const [name, flow] of this.#turns()) {
      const hadSome = this.#takeTurn(name, flow, batch);
      if (batch.rows >= most) break;
      passed = hadSome ? 0 : passed + 1;
      this.#endTurn(name, flow);
      if (passed >= this.#flows.size) break;
    }
    return [...batch.calls.values()];
  }

  /** Those for whom nobody waits any more leave. */
  sweep(): void {
    for (const [name, flow] of this.#flows) {
      flow.waiting = flow.waiting.filter(({ settled }) => !settled);
      if (flow.waiting.length === 0) this.#flows.delete(name);
    }
    this.#size = [...this.#flows.values()].reduce((sum, { waiting }) => sum + waiting.length, 0);
  }

  /** All leave. */
  drain(): readonly W[] {
    const all = [...this];
    this.#flows.clear();
    this.#size = 0;
    return all;
  }

  *[Symbol.iterator](): Generator<W> {
    for (const { waiting } of this.#flows.values()) yield* waiting;
  }

  /** Flow after flow, round and round, for as long as there are any. */
  *#turns(): Generator<[string, Flow<W>]> {
    for (;;) {
      const next = this.#flows.entries().next();
      if (next.done) return;
      yield next.value;
    }
  }

  /** Puts into the batch what the flow has and may. Whether it had anything that could go. */
  #takeTurn(name: string, flow: Flow<W>, batch: Batch<W>): boolean {
    if (flow !== this.#brokenOff) flow.credit += Math.max(1, this.#options.weightOf(name));
    this.#brokenOff = undefined;
    const stay: W[] = [];
    let hadSome = false;
    let [looked, passedOver] = [0, 0];
    for (const one of flow.waiting) {
      if (batch.rows >= batch.most || passedOver === looksPerCall * batch.most) break;
      looked += 1;
      if (batch.leaves(one)) continue;
      const place = this.#placeIn(batch, one);
      if (place === 'stays' || place === 'must wait') {
        stay.push(one);
        // Behind any number that must wait one may stand that was found to be able to go.
        if (place === 'stays') passedOver += 1;
        continue;
      }
      hadSome = true;
      if (place === 'is gone for') continue;
      if (flow.credit < one.size) {
        looked -= 1;
        break;
      }
      flow.credit -= one.size;
      batch.calls.set(place.at, one);
      batch.rows += one.rows;
    }
    if (batch.rows >= batch.most) this.#brokenOff = flow;
    // Nobody saves up while he has nothing that could go.
    if (!hadSome) flow.credit = 0;
    this.#size -= looked - stay.length;
    flow.waiting.splice(0, looked, ...stay);
    if (flow.waiting.length === 0) this.#flows.delete(name);
    return hadSome;
  }

  /** Where in the batch it would stand; or another one goes for it; or it cannot go with this batch. */
  #placeIn(
    batch: Batch<W>,
    one: W,
  ): { readonly at: string | W } | 'is gone for' | 'stays' | 'must wait' {
    const { mayRepeatKeys, mustWait, oneOf } = this.#options;
    if (mustWait?.(one)) return 'must wait';
    if (one.kind !== batch.kind) return 'stays';
    if (mayRepeatKeys?.(one)) return { at: one };
    const first = batch.calls.get(one.key);
    const sent = first && oneOf?.(first, one);
    if (sent) {
      batch.calls.set(one.key, sent);
      return 'is gone for';
    }
    if (!first && !batch.kept.has(one.key)) return { at: one.key };
    batch.kept.add(one.key);
    return 'stays';
  }

  #endTurn(name: string, flow: Flow<W>): void {
    if (!this.#flows.delete(name)) return;
    this.#flows.set(name, flow);
  }
}

function isSettled({ settled }: Waiting): boolean {
  return settled;
}
