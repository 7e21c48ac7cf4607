import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { digestOf } from '../../src/causality/cell-codec.ts';
import { emptyCell, seenOf, write, type Cell } from '../../src/causality/cell.ts';
import { newestCell } from '../../src/causality/convergence.ts';
import { tokenOf } from '../../src/placement/token.ts';
import {
  bucketOf,
  emptyBucket,
  tokensOfArcs,
  wholeRing,
  withRow,
  type BucketDigest,
  type Dealing,
} from '../../src/replica/buckets.ts';
import { MemoryReplica } from '../../src/replica/memory-replica.ts';
import type { CellRef, Replica } from '../../src/replica/replica.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { startTestCluster } from '../support/cluster.ts';
import { openReplica } from '../support/store.ts';

interface Subject {
  readonly replica: Replica;
  /** Makes rows look as an earlier version has written them; undefined where there was none. */
  readonly forgetTokens: (() => Promise<unknown>) | undefined;
  close(): Promise<void>;
}

const memory = async (): Promise<Subject> => {
  const options = { id: 'replica-1', incarnation: 'only-one', clock: systemClock };
  const replica = new MemoryReplica(options);
  return { replica, forgetTokens: undefined, close: () => replica.close() };
};

const postgres = async (): Promise<Subject> => {
  const cluster = await startTestCluster({ replicas: 1 });
  const replica = openReplica(cluster.replicas[0]!);
  return {
    replica,
    forgetTokens: () => cluster.query('replica-1', 'update cells set token = null, gone_at = null'),
    close: async () => {
      await replica.close();
      await cluster.stop();
    },
  };
};

const inTime = () => ({ deadlineMs: systemClock.monotonicMs() + 20_000 });
const late = () => ({ deadlineMs: systemClock.monotonicMs() - 1 });
const second = 1_000_000;
let keyspaces = 0;
let counter = 0;

/** The cell after one more version that has seen all of it, written at `atUs`. */
function next(
  cell: Cell,
  what: { value?: string | null; expiresAtMs?: number; atUs?: number } = {},
) {
  counter = Math.max(counter + 1, what.atUs ?? 0);
  const { value = `"${counter}"`, expiresAtMs } = what;
  return write(cell, seenOf(cell), {
    dot: { actor: 'a', counter },
    writeId: `w${counter}`,
    writtenAtUs: counter,
    value,
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
  });
}

describe.each([
  ['in memory', memory],
  ['in Postgres', postgres],
])('the digests of a replica %s', (_, open) => {
  let subject: Subject;
  let replica: Replica;
  let keyspace: string;

  beforeAll(async () => {
    subject = await open();
    replica = subject.replica;
    await replica.ping(inTime());
  });
  afterAll(() => subject.close());
  beforeEach(() => {
    keyspace = `k${++keyspaces}`;
  });

  const ref = (key: string): CellRef => ({ tenant: 't', keyspace, key });
  const put = async (key: string, cell = next(emptyCell)): Promise<Cell> => {
    const { digest } = await replica.read(ref(key), inTime());
    await replica.swap(ref(key), { expected: digest, next: cell }, inTime());
    return cell;
  };
  const some = async (count: number): Promise<ReadonlyMap<string, Cell>> =>
    new Map(
      await Promise.all(
        Array.from({ length: count }, async (_, nth): Promise<[string, Cell]> => {
          const key = `${['a', 'é', '\uffff', '😀'][nth % 4]}${nth}`;
          return [key, await put(key)];
        }),
      ),
    );
  const expected = (
    cells: ReadonlyMap<string, Cell>,
    dealing: Dealing,
    isMeant: (key: string) => boolean = () => true,
  ): ReadonlyMap<number, BucketDigest> => {
    const buckets = new Map<number, BucketDigest>();
    for (const [key, cell] of cells) {
      if (!isMeant(key)) continue;
      const bucket = bucketOf(dealing, key);
      buckets.set(bucket, withRow(buckets.get(bucket) ?? emptyBucket, key, digestOf(cell)));
    }
    return buckets;
  };
  const scope = () => ({ tenant: 't', keyspace });
  const buckets = (dealing: Dealing, more = {}) =>
    replica.bucketDigests({ ...scope(), tokens: wholeRing, dealing, ...more }, inTime());

  test.each<[string, Dealing]>([
    ['arcs of the ring', { arcs: 7 }],
    ['many arcs', { arcs: 2 ** 31 }],
    ['remainders', { divisor: 3 }],
    ['split keys', { splitKeys: ['a3', 'é', '\uffff'] }],
  ])('are those of the formula, by %s', async (_, dealing) => {
    const cells = await some(40);
    expect(await buckets(dealing)).toEqual(expected(cells, dealing));
  });

  test('cover only the scope that was asked for', async () => {
    const cells = await some(60);
    const tokens = tokensOfArcs(4, 1, 2);
    const modulo = { divisor: 3, remainder: 1 };
    const keys = { from: 'a', to: 'é5' };
    const isMeant = (key: string): boolean =>
      tokenOf(key) >= tokens.from && tokenOf(key) < tokens.to && tokenOf(key) % 3 === 1;
    const isBetween = (key: string): boolean => Buffer.from(key) < Buffer.from('é5');
    const dealing = { arcs: 16 };
    const found = await buckets(dealing, { tokens, modulo });
    expect(found.size).toBeGreaterThan(0);
    expect(found).toEqual(expected(cells, dealing, isMeant));
    expect(await buckets(dealing, { keys })).toEqual(expected(cells, dealing, isBetween));
    expect((await buckets(dealing, { keyspace: 'other' })).size).toBe(0);
  });

  test('do not count what is only promised, nor what was collected', async () => {
    await replica.prepare(ref('promised'), 4_097, inTime());
    const cell = await put('collected', next(emptyCell, { value: null }));
    await replica.collect(ref('collected'), digestOf(cell), inTime());
    expect((await buckets({ arcs: 4 })).size).toBe(0);
    const tokens = [wholeRing];
    const page = await replica.keyDigests({ ...scope(), tokens, limit: 10 }, inTime());
    expect(page).toEqual({ keys: [], exhausted: true });
  });

  test('follow a cell where the newest version wins', async () => {
    const cell = newestCell(next(emptyCell).siblings[0]!);
    await replica.keepNewest(ref('newest'), { cell, stamp: '1' }, inTime());
    expect(await buckets({ arcs: 1 })).toEqual(expected(new Map([['newest', cell]]), { arcs: 1 }));
  });

  test('of keys come by token, page by page, from the ranges that were asked for', async () => {
    const cells = await some(50);
    const tokens = [tokensOfArcs(8, 1), tokensOfArcs(8, 4, 5)];
    const wanted = [...cells.keys()]
      .filter((key) => tokens.some(({ from, to }) => tokenOf(key) >= from && tokenOf(key) < to))
      .sort((a, b) => tokenOf(a) - tokenOf(b));
    const found: string[] = [];
    for (let after: string | undefined; ;) {
      const request = { ...scope(), tokens, limit: 4, after };
      const { keys, exhausted } = await replica.keyDigests(request, inTime());
      for (const { key, digest } of keys) expect(digest).toBe(digestOf(cells.get(key)!));
      found.push(...keys.map(({ key }) => key));
      if (exhausted) break;
      after = keys.at(-1)?.key;
    }
    expect(wanted.length).toBeGreaterThan(8);
    expect(found).toEqual(wanted);
  });

  test('need no tokens of before: rows of an earlier version are filled in, in bounded steps', async () => {
    if (!subject.forgetTokens) return expect(await replica.fillTokens(1, inTime())).toBe(0);
    const cells = await some(20);
    const gone = await put('gone', next(cells.get('a0')!, { value: null, atUs: second }));
    await subject.forgetTokens();
    expect((await buckets({ arcs: 1 })).size).toBe(0);
    let filled = 0;
    for (let step = 1; step > 0; filled += step) {
      step = await replica.fillTokens(7, inTime());
      expect(step).toBeLessThanOrEqual(7);
    }
    expect(filled).toBeGreaterThanOrEqual(21);
    const dealing = { arcs: 9 };
    expect(await buckets(dealing)).toEqual(expected(new Map([...cells, ['gone', gone]]), dealing));
    const request = { ...scope(), beforeMs: Infinity, limit: 9 };
    expect(await replica.goneKeys({ ...request, beforeMs: 10 * second }, inTime())).toMatchObject([
      { key: 'gone' },
    ]);
  });

  describe('and its tombstones', () => {
    const gone = (more = {}) =>
      replica.goneKeys({ ...scope(), beforeMs: 10_000, limit: 100, ...more }, inTime());

    test('are the cells in which every version is deleted or has expired by then', async () => {
      const deleted = next(emptyCell, { value: null, atUs: counter + second });
      const atMs = (cell: Cell): number => Math.ceil(Math.max(...cell.context.values()) / 1_000);
      await put('deleted', deleted);
      await put('live');
      const soon = atMs(deleted) + 5_000;
      const expiring = await put('expiring', next(emptyCell, { expiresAtMs: soon }));
      const mixed = write(
        { ...expiring },
        { context: new Map(), writeIds: [] },
        { dot: { actor: 'b', counter: 1 }, writeId: 'b', writtenAtUs: 1, value: '1' },
      );
      await put('mixed', mixed);
      expect(await gone({ beforeMs: soon - 1 })).toEqual([
        { key: 'deleted', goneAtMs: atMs(deleted) },
      ]);
      const both = [
        { key: 'deleted', goneAtMs: atMs(deleted) },
        { key: 'expiring', goneAtMs: soon },
      ];
      expect(await gone({ beforeMs: soon })).toEqual(both);
      expect(await gone({ beforeMs: soon, limit: 1, after: both[0] })).toEqual([both[1]]);
      await put('deleted', next(deleted));
      expect((await gone({ beforeMs: soon })).map(({ key }) => key)).toEqual(['expiring']);
    });

    test('are collected only in the very state that was looked at, and in time', async () => {
      const first = await put('key', next(emptyCell, { value: null }));
      const second = await put('key', next(first, { value: null }));
      expect(await replica.collect(ref('key'), digestOf(first), inTime())).toBe(false);
      await expect(replica.collect(ref('key'), digestOf(second), late())).rejects.toThrow();
      expect((await replica.read(ref('key'), inTime())).cell).toEqual(second);
      expect(await replica.collect(ref('key'), digestOf(second), inTime())).toBe(true);
      const absent = { cell: emptyCell, digest: 0n, promised: 0 };
      expect(await replica.read(ref('key'), inTime())).toEqual(absent);
      expect(await replica.collect(ref('key'), digestOf(second), inTime())).toBe(false);
    });

    test('are not what was handed over: the row remembers, and mints under another name', async () => {
      // Guard: `emptied`. Without it the next dot would claim to know what lives on elsewhere.
      const cell = await put('key');
      const handedOver = { ...inTime(), isHandedOver: true } as const;
      expect(await replica.collect(ref('key'), digestOf(cell), handedOver)).toBe(true);
      const empty = { cell: emptyCell, digest: 0n, promised: 0, emptied: 1 };
      expect(await replica.read(ref('key'), inTime())).toEqual(empty);
      expect((await buckets({ arcs: 1 })).size).toBe(0);

      const again = next(emptyCell);
      const minted = { expected: 0n, next: again, mintedBy: replica.incarnation! };
      const unaware = await replica.swap(ref('key'), minted, inTime());
      expect(unaware).toEqual({ status: 'mismatch', current: empty });
      const aware = { ...minted, emptied: 1 };
      expect(await replica.swap(ref('never'), aware, inTime())).toMatchObject({
        status: 'mismatch',
      });
      expect(await replica.swap(ref('key'), aware, inTime())).toEqual({ status: 'swapped' });
      expect(await replica.swap(ref('key'), minted, inTime())).toMatchObject({
        status: 'mismatch',
        current: { cell: again, emptied: 1 },
      });
      expect(await replica.prepare(ref('key'), 4_097, inTime())).toMatchObject({
        promised: true,
        stored: { emptied: 1 },
      });
      expect(await replica.collect(ref('key'), digestOf(again), inTime())).toBe(true);
      expect(await replica.read(ref('key'), inTime())).toEqual({ ...empty, promised: 4_097 });
    });

    test('leave their promise behind: a ballot from before is refused as ever (rule A)', async () => {
      const ballot = 9 * 4_096 + 1;
      const version = {
        dot: { actor: 'pi', counter: ballot },
        writeId: 'b',
        writtenAtUs: 1,
        value: null,
      };
      const chosen = write(emptyCell, seenOf(emptyCell), version);
      await put('key', chosen);
      expect(await replica.collect(ref('key'), digestOf(chosen), inTime())).toBe(true);
      const stored = await replica.read(ref('key'), inTime());
      expect(stored).toEqual({ cell: emptyCell, digest: 0n, promised: ballot });
      const older = write(emptyCell, seenOf(emptyCell), {
        ...version,
        dot: { actor: 'pi', counter: ballot - 4_096 },
        value: '1',
      });
      const swap = await replica.swap(ref('key'), { expected: 0n, next: older }, inTime());
      expect(swap.status).toBe('promised');
      const { promised } = await replica.prepare(ref('key'), ballot - 1, inTime());
      expect(promised).toBe(false);
    });
  });

  describe('and its ledger of repairs', () => {
    const claim = (owner: string, more = {}) =>
      replica.claimRepair(
        { ...scope(), owner, partitions: 4, leaseMs: 60_000, everyMs: 60_000, ...more },
        inTime(),
      );
    const figures = { compared: 1, different: 0, repaired: 0, bytes: 16, failed: 0 };
    const note = (owner: string, reached: number) =>
      replica.noteRepair({ ...scope(), owner, reached, leaseMs: 60_000, ...figures }, inTime());

    test('let one gateway at a keyspace, and another go on where a lease has ended', async () => {
      expect(await claim('one', { leaseMs: 0 })).toBe(0);
      expect(await note('one', 2)).toBe(true);
      expect(await claim('two')).toBeUndefined();
      expect(await claim('one', { leaseMs: -1 })).toBe(2);
      expect(await claim('two')).toBe(2);
      expect(await note('one', 3)).toBe(false);
    });

    test('begin a new pass when it is due, and not before', async () => {
      expect(await claim('one')).toBe(0);
      expect(await note('one', 4)).toBe(true);
      expect(await claim('two')).toBeUndefined();
      expect(await claim('two', { everyMs: -1 })).toBe(0);
      expect(await claim('one', { everyMs: -1 })).toBeUndefined();
    });
  });
});
