import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { following, laterBy } from '../../src/causality/ballot.ts';
import { digestOf, encodeCell, storedBytes } from '../../src/causality/cell-codec.ts';
import {
  emptyCell,
  join,
  seenNothing,
  seenOf,
  write,
  type Cell,
} from '../../src/causality/cell.ts';
import { keepNewest, newestCell } from '../../src/causality/convergence.ts';
import { courtesyMs } from '../../src/paxos/acceptor.ts';
import { MemoryReplica } from '../../src/replica/memory-replica.ts';
import {
  ReplicaError,
  SharedCells,
  type CellRef,
  type Replica,
  type ScanRequest,
} from '../../src/replica/replica.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { startTestCluster, type TestCluster } from '../support/cluster.ts';
import { openReplica } from '../support/store.ts';

/** A replica, and what only its owner may look at. */
interface Subject {
  readonly replica: Replica;
  /** Its change log for one keyspace, oldest first, as `key siblings`. */
  changes(keyspace: string): Promise<string[]>;
  /** In how many transactions they were written. */
  batches(keyspace: string): Promise<number>;
  close(): Promise<void>;
}

const memory = async (): Promise<Subject> => {
  const replica = new MemoryReplica({
    id: 'replica-1',
    incarnation: 'only-one',
    clock: systemClock,
  });
  const changes = async (keyspace: string) =>
    replica.changes
      .filter(({ ref }) => ref.keyspace === keyspace)
      .map(({ ref, cell }) => `${ref.key} ${encodeCell(cell).siblings}`);
  return { replica, changes, batches: async () => 1, close: () => replica.close() };
};

const postgres = async (): Promise<Subject> => {
  const cluster: TestCluster = await startTestCluster({ replicas: 1 });
  const replica = openReplica(cluster.replicas[0]!);
  const changes = async (keyspace: string) => {
    const sql = 'select key, siblings from changes where keyspace = $1 order by seq';
    const rows = await cluster.query<{ key: string; siblings: string }>('replica-1', sql, [
      keyspace,
    ]);
    return rows.map(({ key, siblings }) => `${key} ${siblings}`);
  };
  const batches = async (keyspace: string) => {
    const sql = 'select count(distinct xid)::int as batches from changes where keyspace = $1';
    const [row] = await cluster.query<{ batches: number }>('replica-1', sql, [keyspace]);
    return row!.batches;
  };
  const close = async () => {
    await replica.close();
    await cluster.stop();
  };
  return { replica, changes, batches, close };
};

const inTime = () => ({ deadlineMs: systemClock.monotonicMs() + 20_000 });
const late = () => ({ deadlineMs: systemClock.monotonicMs() - 1 });

let keyspaces = 0;
let counter = 0;

/** The cell after one more version that has seen all of it. */
function next(cell: Cell, value: string | null = `"${counter}"`): Cell {
  counter += 1;
  const version = {
    dot: { actor: 'a', counter },
    writeId: `w${counter}`,
    writtenAtUs: counter,
    value,
  };
  return write(cell, seenOf(cell), version);
}

/** A cell that has reached a ballot. */
function withBallot(cell: Cell, ballot: number): Cell {
  const version = {
    dot: { actor: 'pi', counter: ballot },
    writeId: `b${ballot}`,
    writtenAtUs: ballot,
    value: '1',
  };
  return write(cell, seenOf(cell), version);
}

async function fault(work: Promise<unknown>): Promise<ReplicaError> {
  const error: unknown = await work.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  if (error instanceof ReplicaError) return error;
  throw new Error(`it did not fail as a replica does: ${String(error)}`);
}

describe.each([
  ['in memory', memory],
  ['in Postgres', postgres],
])('a replica %s', (_, open) => {
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

  const ref = (key = 'key'): CellRef => ({ tenant: 't', keyspace, key });
  const read = (key?: string) => replica.read(ref(key), inTime());
  const swap = (cell: Cell, expected: bigint, key?: string, more = {}) =>
    replica.swap(ref(key), { expected, next: cell, ...more }, inTime());

  describe('reading and swapping', () => {
    test('an absent key is an answer: no versions, digest zero, nothing promised', async () => {
      expect(await read()).toEqual({ cell: emptyCell, digest: 0n, promised: 0 });
    });

    test('a swap that expects what is there replaces it, and the next reader sees it', async () => {
      const first = next(emptyCell);
      expect(await swap(first, 0n)).toEqual({ status: 'swapped' });
      expect(await read()).toEqual({ cell: first, digest: digestOf(first), promised: 0 });
      const second = next(first, '{"a": 1}');
      expect(await swap(second, digestOf(first))).toEqual({ status: 'swapped' });
      expect((await read()).cell).toEqual(second);
    });

    test('a swap that expects something else changes nothing, and is shown what is there', async () => {
      const first = next(emptyCell);
      await swap(first, 0n);
      const there = { cell: first, digest: digestOf(first), promised: 0 };
      expect(await swap(next(emptyCell), 0n)).toEqual({ status: 'mismatch', current: there });
      expect(await swap(next(emptyCell), 77n)).toEqual({ status: 'mismatch', current: there });
      expect(await read()).toEqual(there);
      const nothing = { cell: emptyCell, digest: 0n, promised: 0 };
      expect(await swap(first, 5n, 'absent')).toEqual({ status: 'mismatch', current: nothing });
      expect(await read('absent')).toEqual(nothing);
    });

    test('tenants and keyspaces do not see each other, whatever their names run together to', async () => {
      const cell = next(emptyCell);
      await replica.swap(
        { tenant: 'ab', keyspace, key: 'c' },
        { expected: 0n, next: cell },
        inTime(),
      );
      expect((await replica.read({ tenant: 'a', keyspace, key: 'bc' }, inTime())).digest).toBe(0n);
      expect(
        (await replica.read({ tenant: 'ab', keyspace: `${keyspace}c`, key: '' }, inTime())).digest,
      ).toBe(0n);
    });

    test('a dot that was minted for another incarnation is refused, with nothing written', async () => {
      const refused = await fault(swap(next(emptyCell), 0n, 'key', { mintedBy: 'someone-else' }));
      expect(refused).toMatchObject({ fault: 'REFUSED', maybeApplied: false });
      expect((await read()).digest).toBe(0n);
      const own = { mintedBy: replica.incarnation };
      expect(await swap(next(emptyCell), 0n, 'key', own)).toEqual({ status: 'swapped' });
    });

    test('what arrives after its deadline has no effect', async () => {
      const cell = next(emptyCell);
      const stamped = { cell, stamp: '1' };
      const calls = [
        replica.swap(ref(), { expected: 0n, next: cell }, late()),
        replica.keepNewest(ref(), stamped, late()),
        replica.prepare(ref(), 5, late()),
      ];
      for (const call of calls) {
        // Not sent at all any more, or refused where it came too late.
        const told = await fault(call);
        expect(told.maybeApplied).toBe(false);
        expect(['TIMEOUT', 'REFUSED']).toContain(told.fault);
      }
      expect(await read()).toEqual({ cell: emptyCell, digest: 0n, promised: 0 });
      expect(await subject.changes(keyspace)).toEqual([]);
    });

    test.each([
      '%',
      '_',
      '\\',
      "'; drop table cells; --",
      '__proto__',
      ' ',
      '\n',
      '\u00e9',
      'e\u0301',
      '{}',
      'x'.repeat(1_024),
      '😀'.repeat(256),
    ])('key %j is a key like any other', async (key) => {
      const cell = next(emptyCell, JSON.stringify(key));
      await swap(cell, 0n, key);
      expect((await read(key)).cell).toEqual(cell);
      expect((await read(`${key}x`)).digest).toBe(0n);
    });

    test.each([
      '{"a":1,"a":2}',
      '9007199254740993',
      '1e400',
      ' [1 , 2]\n',
      '"\\u0000\\ud800"',
      `"${'é😀'.repeat(20)}"`,
    ])('value %j comes back to the character', async (value) => {
      const cell = next(emptyCell, value);
      await swap(cell, 0n);
      expect((await read()).cell.siblings[0]!.value).toBe(value);
    });
  });

  test('a value of a hundred thousand characters comes back to the character', async () => {
    const value = `"${'é😀'.repeat(50_000)}"`;
    await swap(next(emptyCell, value), 0n);
    expect((await read()).cell.siblings[0]!.value).toBe(value);
  });

  test('many keys are read in one call, in the order asked: absent ones and the same one twice', async () => {
    const cells = ['a', 'b'].map((value) => next(emptyCell, `"${value}"`));
    await Promise.all(cells.map((cell, nth) => swap(cell, 0n, `key-${nth}`)));
    const names = ['key-1', 'nothing', 'key-0', 'key-1'];
    const calls = [names, ['key-0'], names].map((keys) =>
      replica.readMany(
        keys.map((key) => ref(key)),
        inTime(),
      ),
    );
    const [b, absent, a, again] = [cells[1]!, emptyCell, cells[0]!, cells[1]!];
    const found = (await Promise.all(calls)).map((stored) => stored.map(({ cell }) => cell));
    expect(found).toEqual([[b, absent, a, again], [a], [b, absent, a, again]]);
    expect(await replica.readMany([], inTime())).toEqual([]);
  });

  // Asked whole, or from 4,095 bytes on, both would come whole.
  test('asked briefly, it tells of large cells only which state they are in, and how far they have promised', async () => {
    const of = (chars: number) => next(emptyCell, `"${'x'.repeat(chars)}"`);
    const [small, large] = [of(3_000), of(5_000)];
    const names = ['small', 'large', 'nothing'];
    await Promise.all([swap(small, 0n, 'small'), swap(large, 0n, 'large')]);
    await replica.prepare(ref('large'), 8_192, inTime());
    const refs = names.map((name) => ref(name));
    const whole = await replica.readMany(refs, inTime());
    const shared = new SharedCells();
    const brief = await replica.readBriefly(refs, { ...inTime(), shared });
    const { cell, ...state } = whole[1]!;
    expect([cell, state.digest, state.promised]).toEqual([large, digestOf(large), 8_192]);
    expect(brief).toEqual([whole[0], state, whole[2]]);
    // What comes whole is not taken for what came briefly before, nor the reverse.
    expect(await replica.readMany(refs, { ...inTime(), shared })).toEqual(whole);
    expect(await replica.readBriefly(refs, { ...inTime(), shared })).toEqual(brief);
  });

  describe('many swaps at once', () => {
    test('of different keys all succeed, in few statements', async () => {
      const cells = Array.from({ length: 300 }, () => next(emptyCell));
      const results = await Promise.all(cells.map((cell, nth) => swap(cell, 0n, `key-${nth}`)));
      expect(new Set(results.map(({ status }) => status))).toEqual(new Set(['swapped']));
      const read = await Promise.all(
        cells.map((_, nth) => replica.read(ref(`key-${nth}`), inTime())),
      );
      expect(read.map(({ digest }) => digest)).toEqual(cells.map(digestOf));
      expect(await subject.changes(keyspace)).toHaveLength(300);
      expect(await subject.batches(keyspace)).toBeLessThan(10);
    });

    test('of one key have exactly one winner', async () => {
      const base = next(emptyCell);
      await swap(base, 0n);
      const cells = Array.from({ length: 300 }, () => next(base));
      const results = await Promise.all(cells.map((cell) => swap(cell, digestOf(base))));
      const winners = results.flatMap(({ status }, nth) => (status === 'swapped' ? [nth] : []));
      expect(winners).toHaveLength(1);
      expect((await read()).cell).toEqual(cells[winners[0]!]);
      expect(await subject.changes(keyspace)).toHaveLength(2);
    });

    test('of an absent key have exactly one winner', async () => {
      const cells = Array.from({ length: 40 }, () => next(emptyCell));
      const results = await Promise.all(cells.map((cell) => swap(cell, 0n)));
      expect(results.filter(({ status }) => status === 'swapped')).toHaveLength(1);
      expect(await subject.changes(keyspace)).toHaveLength(1);
    });

    test('lose nothing when each loser joins and tries again', async () => {
      const writers = Array.from({ length: 30 }, async (_, nth) => {
        for (let current = await read(); ;) {
          const version = {
            dot: { actor: `w${nth}`, counter: 1 },
            writeId: `w${nth}`,
            writtenAtUs: nth,
            value: `${nth}`,
          };
          const cell = write(current.cell, seenNothing, version);
          const result = await swap(cell, current.digest);
          if (result.status === 'swapped') return;
          current = result.current;
        }
      });
      await Promise.all(writers);
      expect((await read()).cell.siblings).toHaveLength(30);
      expect(await subject.changes(keyspace)).toHaveLength(30);
    });
  });

  describe('the change log', () => {
    test('has one row for every swap, with the whole cell, and none for a refused one', async () => {
      const first = next(emptyCell);
      const second = join(first, next(emptyCell));
      await swap(first, 0n);
      await swap(next(emptyCell), 0n);
      await swap(second, digestOf(first));
      await fault(swap(next(second), digestOf(second), 'key', { mintedBy: 'someone-else' }));
      await replica.prepare(ref(), 9, inTime());
      expect(await subject.changes(keyspace)).toEqual(
        [first, second].map((cell) => `key ${encodeCell(cell).siblings}`),
      );
    });

    test('has a row for every version that was the newest when it came, and none for one that came too late', async () => {
      for (const at of [2, 1, 3]) await replica.keepNewest(ref(), newest(at), inTime());
      const logged = await subject.changes(keyspace);
      expect(logged.map((line) => /"value":"(\d)"/.exec(line)?.[1])).toEqual(['2', '3']);
    });
  });

  const newest = (at: number, actor = 'g') => {
    const cell = newestCell({
      dot: { actor, counter: at },
      writeId: `${actor}${at}`,
      writtenAtUs: at,
      value: `"${at}"`,
    });
    return { cell, stamp: keepNewest.stampOf(cell) };
  };

  describe('keeping only the newest', () => {
    test.each([[[1, 2, 3]], [[3, 2, 1]], [[2, 3, 1]], [[3, 3, 2]]])(
      'versions that arrive as %j leave the third',
      async (order) => {
        for (const at of order) await replica.keepNewest(ref(), newest(at), inTime());
        expect((await read()).cell).toEqual(newest(3).cell);
      },
    );

    test('says whether the version was stored', async () => {
      expect(await replica.keepNewest(ref(), newest(2), inTime())).toEqual({ stored: true });
      expect(await replica.keepNewest(ref(), newest(1), inTime())).toEqual({ stored: false });
      expect(await replica.keepNewest(ref(), newest(2), inTime())).toEqual({ stored: false });
      expect(await replica.keepNewest(ref(), newest(2, 'h'), inTime())).toEqual({ stored: true });
    });

    test('many at once leave the greatest', async () => {
      const order = Array.from({ length: 60 }, (_, nth) => ((nth * 37) % 60) + 1);
      await Promise.all(order.map((at) => replica.keepNewest(ref(), newest(at), inTime())));
      expect((await read()).cell).toEqual(newest(60).cell);
    });
  });

  describe('promising and accepting', () => {
    test('a ballot is promised when it is greater than all before, on absent keys too', async () => {
      expect(await replica.prepare(ref(), 5, inTime())).toEqual({
        promised: true,
        stored: { cell: emptyCell, digest: 0n, promised: 5 },
      });
      expect(await replica.prepare(ref(), 5, inTime())).toMatchObject({
        promised: false,
        stored: { promised: 5 },
      });
      expect(await replica.prepare(ref(), 4, inTime())).toMatchObject({
        promised: false,
        stored: { promised: 5 },
      });
      const later = laterBy(5, courtesyMs + 1);
      expect(await replica.prepare(ref(), later, inTime())).toMatchObject({
        promised: true,
        stored: { promised: later },
      });
      expect(await read()).toEqual({ cell: emptyCell, digest: 0n, promised: later });
    });

    test('a promise is not overtaken while its round may still be under way, but by its own proposer', async () => {
      const [mine, rival] = [laterBy(1, 1_000), laterBy(2, 1_001)];
      await replica.prepare(ref(), mine, inTime());
      expect(await replica.prepare(ref(), rival, inTime())).toMatchObject({
        promised: false,
        stored: { promised: mine },
      });
      expect(await replica.prepare(ref(), laterBy(mine, 1), inTime())).toMatchObject({
        promised: true,
      });
      const settled = withBallot(emptyCell, laterBy(mine, 1));
      await swap(settled, 0n);
      expect(await replica.prepare(ref(), laterBy(rival, 1), inTime())).toMatchObject({
        promised: true,
      });
    });

    test('a promise on a key that is there shows its cell and changes no digest', async () => {
      const cell = next(emptyCell);
      await swap(cell, 0n);
      expect(await replica.prepare(ref(), 5, inTime())).toEqual({
        promised: true,
        stored: { cell, digest: digestOf(cell), promised: 5 },
      });
      expect(await replica.prepare(ref(), 3, inTime())).toEqual({
        promised: false,
        stored: { cell, digest: digestOf(cell), promised: 5 },
      });
    });

    test('rule A: a cell of an older ballot is refused where a newer one was promised, absent or not', async () => {
      await replica.prepare(ref(), 7, inTime());
      const refused = await swap(withBallot(emptyCell, 6), 0n);
      expect(refused).toEqual({
        status: 'promised',
        promised: 7,
        current: { cell: emptyCell, digest: 0n, promised: 7 },
      });
      expect((await read()).digest).toBe(0n);
      const cell = next(emptyCell);
      await swap(cell, 0n, 'there');
      await replica.prepare(ref('there'), 7, inTime());
      expect(await swap(withBallot(cell, 6), digestOf(cell), 'there')).toMatchObject({
        status: 'promised',
        promised: 7,
      });
      expect((await read('there')).cell).toEqual(cell);
    });

    test('an ordinary write is let through below any promise, and the promise stays', async () => {
      await replica.prepare(ref(), 7, inTime());
      const cell = next(emptyCell);
      expect(await swap(cell, 0n)).toEqual({ status: 'swapped' });
      expect(await read()).toEqual({ cell, digest: digestOf(cell), promised: 7 });
    });

    test('a cell of the promised ballot, or a later one, is accepted and raises the promise to it', async () => {
      await replica.prepare(ref(), 7, inTime());
      const accepted = withBallot(emptyCell, 7);
      expect(await swap(accepted, 0n)).toEqual({ status: 'swapped' });
      expect(await read()).toEqual({ cell: accepted, digest: digestOf(accepted), promised: 7 });
      const later = withBallot(accepted, 9);
      expect(await swap(later, digestOf(accepted))).toEqual({ status: 'swapped' });
      expect(await replica.prepare(ref(), 8, inTime())).toMatchObject({
        promised: false,
        stored: { promised: 9 },
      });
    });

    test('the next ballot is promised with an accept, absent or not, and holds as any promise, without courtesy', async () => {
      const [first, second] = [laterBy(2, 1_000), laterBy(2, 2_000)];
      for (const [ballot, before] of [
        [first, emptyCell],
        [second, withBallot(emptyCell, first)],
      ] as const) {
        const accepted = withBallot(before, ballot);
        const promises = following(ballot);
        const vote = { acceptedBy: replica.incarnation, promises };
        expect(await swap(accepted, digestOf(before), 'key', vote)).toEqual({ status: 'swapped' });
        expect(await read()).toMatchObject({ digest: digestOf(accepted), promised: promises });
        const rival = withBallot(accepted, promises - 1);
        expect(await swap(rival, digestOf(accepted))).toMatchObject({
          status: 'promised',
          promised: promises,
        });
      }
      // Guard: with the courtesy of a promise (`mayPromise`), whoever writes often would keep others out.
      const rival = following(second) + 1;
      expect(await replica.prepare(ref(), rival, inTime())).toMatchObject({ promised: true });
    });

    test('a promise that comes with an accept which is refused, or lost its race, is not given', async () => {
      await replica.prepare(ref(), 9, inTime());
      const vote = { acceptedBy: replica.incarnation, promises: 4_104 };
      await swap(withBallot(emptyCell, 8), 0n, 'key', vote);
      await swap(withBallot(emptyCell, 9), 1n, 'key', { ...vote, promises: 4_105 });
      expect((await read()).promised).toBe(9);
    });

    test('a cell that keeps the ballot it has is no accept, and needs no promise', async () => {
      const accepted = withBallot(emptyCell, 7);
      await swap(accepted, 0n);
      await replica.prepare(ref(), 12, inTime());
      const beside = write(accepted, seenNothing, {
        dot: { actor: 'a', counter: 1 },
        writeId: 'x',
        writtenAtUs: 1,
        value: '2',
      });
      expect(await swap(beside, digestOf(accepted))).toEqual({ status: 'swapped' });
      expect((await read()).promised).toBe(12);
    });
  });

  describe('scanning', () => {
    const keys = [
      '',
      'A',
      'a',
      'a\u0001',
      'aa',
      'b%',
      'b_',
      'é',
      '\uffff',
      '😀',
      '\u{10ffff}',
    ].slice(1);
    const scan = async (more: Partial<ScanRequest>) => {
      const { cells, exhausted } = await replica.scan(
        { tenant: 't', keyspace, reverse: false, limit: 100, bytes: 1_000_000, ...more },
        inTime(),
      );
      return { keys: cells.map(({ key }) => key), exhausted };
    };
    beforeEach(async () => {
      await Promise.all(keys.toReversed().map((key) => swap(next(emptyCell), 0n, key)));
      await replica.prepare(ref('promised-only'), 3, inTime());
      await replica.swap(
        { tenant: 'u', keyspace, key: 'foreign' },
        { expected: 0n, next: next(emptyCell) },
        inTime(),
      );
    });

    test('goes by bytes, up and down, past what is only promised and what is others’', async () => {
      expect(await scan({})).toEqual({ keys, exhausted: true });
      expect(await scan({ reverse: true })).toEqual({ keys: keys.toReversed(), exhausted: true });
    });

    test('takes a lower bound in and leaves an upper bound out', async () => {
      expect((await scan({ from: 'a', to: 'b_' })).keys).toEqual(['a', 'a\u0001', 'aa', 'b%']);
      expect((await scan({ from: 'a', to: 'b_', reverse: true })).keys).toEqual([
        'b%',
        'aa',
        'a\u0001',
        'a',
      ]);
      expect((await scan({ from: '\uffff' })).keys).toEqual(['\uffff', '😀', '\u{10ffff}']);
      expect((await scan({ to: 'a', reverse: true })).keys).toEqual(['A']);
      expect(await scan({ from: 'b', to: 'a' })).toEqual({ keys: [], exhausted: true });
    });

    test('stops at the limit, and says when nothing lies beyond', async () => {
      expect(await scan({ limit: 3 })).toEqual({ keys: keys.slice(0, 3), exhausted: false });
      expect(await scan({ limit: 2, reverse: true })).toEqual({
        keys: keys.toReversed().slice(0, 2),
        exhausted: false,
      });
      expect((await scan({ limit: keys.length + 1 })).exhausted).toBe(true);
    });

    test('stops before its bytes are more than asked for, with one cell at least, and says whether more follow', async () => {
      const weights = new Map<string, number>();
      for (const key of keys) weights.set(key, storedBytes((await read(key)).cell));
      const weightOf = (some: readonly string[]) =>
        some.reduce((bytes, key) => bytes + weights.get(key)!, 0);
      const page = (found: readonly string[], exhausted: boolean) => ({ keys: found, exhausted });
      const three = keys.slice(0, 3);
      expect(await scan({ bytes: weightOf(three) })).toEqual(page(three, false));
      expect(await scan({ bytes: weightOf(three) - 1 })).toEqual(page(three.slice(0, 2), false));
      expect(await scan({ bytes: 1 })).toEqual(page(three.slice(0, 1), false));
      const last = keys.toReversed().slice(0, 2);
      expect(await scan({ bytes: weightOf(last), reverse: true })).toEqual(page(last, false));
      expect(await scan({ bytes: weightOf(keys) })).toEqual(page(keys, true));
      const [end = ''] = last;
      expect(await scan({ bytes: 1, from: end })).toEqual(page([end], true));
      const within = { from: 'a', to: 'b_' };
      expect(await scan({ ...within, bytes: weightOf(['a', 'a\u0001']) })).toEqual(
        page(['a', 'a\u0001'], false),
      );
    });

    describe('summing up', () => {
      const whole = { tenant: 't', reverse: false, limit: 100, bytes: 1_000_000 } as const;
      const sumUp = (more: Partial<ScanRequest>) =>
        replica.sumUp({ ...whole, keyspace, ...more }, inTime());

      test('gives what the page says of itself, however it is cut', async () => {
        const ends = [{}, { limit: 3 }, { limit: keys.length }, { bytes: 1 }, { bytes: 400 }];
        const asked = ends.flatMap((end) =>
          [{}, { from: 'a', to: 'b_' }, { to: 'aa' }, { from: 'b', to: 'a' }].flatMap((stretch) =>
            [true, false].map((reverse) => ({ ...end, ...stretch, reverse })),
          ),
        );
        const sums = await Promise.all(asked.map(sumUp));
        for (const [nth, more] of asked.entries()) {
          const request = { ...whole, keyspace, ...more, summed: true };
          const { exhausted, sum } = await replica.scan(request, inTime());
          expect(sums[nth]).toEqual(sum);
          expect(sums[nth]?.exhausted).toBe(exhausted);
        }
        expect(await replica.scan({ ...whole, keyspace }, inTime())).not.toHaveProperty('sum');
      });

      test('gives another sum for any other page', async () => {
        const same = new Set<string>();
        const look = async (more: Partial<ScanRequest> = {}) => {
          const { sum } = await sumUp(more);
          expect(same).not.toContain(sum);
          same.add(sum);
        };
        for (const limit of [1, 2, 3, 100]) await look({ limit });
        for (const from of keys.slice(1)) await look({ from });
        const { cell, digest } = await read('aa');
        await swap(next(cell), digest, 'aa');
        await look();
        await swap(next(emptyCell), 0n, 'between');
        await look();
      });

      // Keys that were written together may have equal digests: these two have changed places.
      test('tells keys apart whose cells have equal digests', async () => {
        const [one, other] = [next(emptyCell), next(emptyCell)];
        const places = [`${keyspace}-x`, `${keyspace}-y`].map((name) => ({
          ...whole,
          keyspace: name,
        }));
        for (const [nth, { keyspace: name }] of places.entries()) {
          const cells = nth === 0 ? [one, other] : [other, one];
          for (const [at, key] of ['p', 'q'].entries()) {
            const request = { expected: 0n, next: cells[at]! };
            await replica.swap({ tenant: 't', keyspace: name, key }, request, inTime());
          }
        }
        const sums = await Promise.all(places.map((place) => replica.sumUp(place, inTime())));
        expect(sums[0]?.sum).not.toBe(sums[1]?.sum);
      });

      test('does not hear of promises, which are no part of a page', async () => {
        const before = await sumUp({});
        await replica.prepare(ref('aa'), 9, inTime());
        expect(await sumUp({})).toEqual(before);
      });
    });

    test('shows deleted keys too: whoever merges must know of them', async () => {
      const { cell, digest } = await read('aa');
      await swap(next(cell, null), digest, 'aa');
      expect((await scan({ from: 'aa', limit: 1 })).keys).toEqual(['aa']);
    });

    test('answers each of many pages that are asked for at once, in whatever statements they go', async () => {
      const asked = keys.flatMap((from, index) =>
        [true, false].flatMap((reverse) => [
          { from, reverse, limit: 1 + index },
          { from, to: keys[index + 3], reverse, limit: 3, bytes: 200 },
        ]),
      );
      const alone = [];
      for (const one of asked) alone.push(await scan(one));
      const together = asked.map((one) => scan({ ...one, expected: 1_000 }));
      expect(await Promise.all(together)).toEqual(alone);
    });

    // Left as they are, and not quoted, the keys would be cut at these characters.
    test('finds what a read of the key finds, whatever characters it is of', async () => {
      const odd = [
        '\u001e',
        'x\u001fy',
        '"\\n"',
        'line\nfeed',
        '\\u001e',
        '\u007f',
        '{"',
        '\u2028',
      ];
      for (const key of odd) await swap(next(emptyCell, JSON.stringify(`${key}😀`)), 0n, key);
      await replica.prepare(ref('x\u001fy'), 7, inTime());
      await swap(join(next(emptyCell, ' [1,\n\t2] '), next(emptyCell, null)), 0n, 'beside');
      const request = { tenant: 't', keyspace, reverse: false, limit: 100, bytes: 1_000_000 };
      const { cells } = await replica.scan(request, inTime());
      expect(cells.map(({ key }) => key)).toEqual(expect.arrayContaining([...odd, 'beside']));
      for (const { key, stored } of cells) expect(stored).toEqual(await read(key));
      // Rows of a page that was read before are not read again: those that have changed are.
      const { cell, digest } = await read('"\\n"');
      await swap(next(cell, '"changed"'), digest, '"\\n"');
      await swap(next(emptyCell), 0n, 'between');
      for (const { key, stored } of (await replica.scan(request, inTime())).cells)
        expect(stored).toEqual(await read(key));
    });
  });

  test('a dropped keyspace leaves nothing of itself, and takes nothing else along', async () => {
    const cells = Array.from({ length: 1_200 }, () => next(emptyCell));
    await Promise.all(cells.map((cell, nth) => swap(cell, 0n, `key-${nth}`)));
    const other = { tenant: 't', keyspace: `${keyspace}-other`, key: 'key-1' };
    await replica.swap(other, { expected: 0n, next: next(emptyCell) }, inTime());
    await replica.deleteKeyspace({ tenant: 't', keyspace }, inTime());
    const { cells: left } = await replica.scan(
      { tenant: 't', keyspace, reverse: false, limit: 10, bytes: 1_000 },
      inTime(),
    );
    expect(left).toEqual([]);
    expect((await replica.read(other, inTime())).digest).not.toBe(0n);
  });
});
