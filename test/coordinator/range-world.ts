import fc from 'fast-check';
import { emptyCell, seenNothing, seenOf, write, type Cell } from '../../src/causality/cell.ts';
import type { Keyspace, KeyspaceSettings } from '../../src/consistency/keyspace.ts';
import type { LevelName } from '../../src/consistency/levels.ts';
import type { Entry, RangeArguments } from '../../src/consistency/store.ts';
import { Bench, me } from './bench.ts';
import type { FaultyReplica } from './faulty-replica.ts';

/** What became of a key: written, written again, and perhaps deleted or expired. */
export type Fate = 'live' | 'rewritten' | 'deleted' | 'expired';

/** What each primary holds of a key: nothing, its first state, or its last. */
export type Holding = 'nothing' | 'first' | 'last';

export interface SeededKey {
  readonly key: string;
  readonly fate: Fate;
  readonly held: readonly Holding[];
}

/** Keys that tempt: patterns, both sides of the surrogates, prefixes of one another. */
const pieces = ['a', 'b', 'c', '%', '_', '\\', '\u0001', '\u007f', 'é', '\uffff', '😀'];
export const oddKeys = fc
  .array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 3 })
  .map((parts) => parts.join(''));

/** `newestAt` at least so many primaries hold the last state, as after a write that many acknowledged. */
export function seededKeys(newestAt: number): fc.Arbitrary<SeededKey[]> {
  const holdings = fc
    .array(fc.constantFrom<Holding>('nothing', 'first', 'last'), { minLength: 3, maxLength: 3 })
    .filter((held) => held.filter((one) => one === 'last').length >= newestAt);
  const seeded = fc.record({
    key: oddKeys,
    fate: fc.constantFrom<Fate>('live', 'live', 'rewritten', 'deleted', 'expired'),
    held: holdings,
  });
  return fc.uniqueArray(seeded, { minLength: 1, maxLength: 30, selector: ({ key }) => key });
}

/** A keyspace whose replicas hold what a test says, however unlikely. */
export class RangeWorld {
  readonly bench: Bench;
  keyspace!: Keyspace;

  private constructor(count: number, pageBytes: number | undefined) {
    this.bench = new Bench(count, { enabled: false }, pageBytes);
  }

  static async of(
    count: number,
    settings: Partial<KeyspaceSettings> = {},
    pageBytes?: number,
  ): Promise<RangeWorld> {
    const world = new RangeWorld(count, pageBytes);
    world.keyspace = await world.bench.keyspace('r', settings);
    return world;
  }

  async seed(keys: readonly SeededKey[]): Promise<void> {
    for (const { key, fate, held } of keys) {
      const states = statesOf(fate);
      const holders = this.bench.holders(this.keyspace, key);
      for (const [index, holding] of held.entries()) {
        if (holding !== 'nothing') await this.set(holders[index]!, key, states[holding]);
      }
    }
  }

  async set(replica: FaultyReplica, key: string, next: Cell): Promise<void> {
    const ref = { tenant: me.tenant, keyspace: this.keyspace.storageName, key };
    const { digest } = await replica.inner.read(ref);
    const deadlineMs = this.bench.clock.monotonicMs() + 1;
    await replica.inner.swap(ref, { expected: digest, next }, { deadlineMs });
  }

  page(what: Omit<RangeArguments, 'keyspace'>, level: LevelName = 'QUORUM') {
    return this.bench.run(this.bench.store.range(me, { keyspace: 'r', ...what }, { level }));
  }

  /** Every page of a stretch, one after the other, as a client would walk it. */
  async walk(
    what: Omit<RangeArguments, 'keyspace' | 'first' | 'last' | 'after' | 'before'>,
    how: { size: number; reverse: boolean; level?: LevelName; bytes?: number },
  ): Promise<{ entries: Entry[]; pages: number }> {
    const entries: Entry[] = [];
    let left: number | undefined;
    let cursor: string | undefined;
    for (let pages = 1; ; pages += 1) {
      const bounds = how.reverse
        ? { last: how.size, before: cursor }
        : { first: how.size, after: cursor };
      const answer = await this.page({ ...what, ...bounds }, how.level);
      const found = answer.edges.map(({ entry }) => entry);
      if (found.length > how.size) throw new Error('a page is longer than was asked for');
      const bytes = bytesOf(found);
      if (found.length > 1 && bytes > (how.bytes ?? Infinity))
        throw new Error(`a page has ${bytes} bytes`);
      const [next] = how.reverse ? found.slice(-1) : found;
      if (left !== undefined && next && bytesOf([next]) <= left)
        throw new Error('a page was short, and the next entry would have had room on it');
      entries.push(...(how.reverse ? found.toReversed() : found));
      cursor = (how.reverse ? answer.edges[0] : answer.edges.at(-1))?.cursor;
      const more = how.reverse ? answer.hasPreviousPage : answer.hasNextPage;
      if (!more) return { entries, pages };
      if (found.length === how.size) left = undefined;
      else if (how.bytes === undefined) throw new Error('a page is short, and more follow');
      else left = how.bytes - bytes;
      if (pages > 500) throw new Error('the pages do not end');
    }
  }
}

function bytesOf(entries: readonly Entry[]): number {
  return entries
    .flatMap(({ cell }) => cell.siblings)
    .reduce((bytes, { value }) => bytes + Buffer.byteLength(value ?? ''), 0);
}

/** The keys that a reader must see, in the order of their bytes. */
export function livingKeys(
  keys: readonly SeededKey[],
  { from, to }: { from?: string | undefined; to?: string | undefined } = {},
): string[] {
  return keys
    .filter(({ fate }) => fate === 'live' || fate === 'rewritten')
    .map(({ key }) => key)
    .filter((key) => from === undefined || byBytes(key, from) >= 0)
    .filter((key) => to === undefined || byBytes(key, to) < 0)
    .sort(byBytes);
}

export function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** The first and the last state of a key; of a key that was written once they are the same. */
export function statesOf(fate: Fate): { first: Cell; last: Cell } {
  const version = (counter: number, more: object) => ({
    dot: { actor: 'seed', counter },
    writeId: `seed-${counter}`,
    writtenAtUs: counter,
    value: `"${counter}"`,
    ...more,
  });
  const first = write(emptyCell, seenNothing, version(1, {}));
  if (fate === 'live') return { first, last: first };
  const changed = { rewritten: {}, deleted: { value: null }, expired: { expiresAtMs: 1 } }[fate];
  return { first, last: write(first, seenOf(first), version(2, changed)) };
}
