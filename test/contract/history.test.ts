import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { digestOf } from '../../src/causality/cell-codec.ts';
import { emptyCell, type Cell, type Sibling } from '../../src/causality/cell.ts';
import { settlementId } from '../../src/causality/outcomes.ts';
import { MemoryReplica } from '../../src/replica/memory-replica.ts';
import type { CellRef, Replica } from '../../src/replica/replica.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { startTestCluster, type TestCluster } from '../support/cluster.ts';
import { openReplica } from '../support/store.ts';

interface Subject {
  readonly replica: Replica;
  /** Nothing of the log before this moment is left. */
  trim?: () => Promise<void>;
  close(): Promise<void>;
}

const memory = async (): Promise<Subject> => {
  const replica = new MemoryReplica({ id: 'r', incarnation: 'only-one', clock: systemClock });
  return { replica, close: () => replica.close() };
};

const postgres = async (): Promise<Subject> => {
  const cluster: TestCluster = await startTestCluster({ replicas: 1 });
  const replica = openReplica(cluster.replicas[0]!);
  const run = (sql: string) => cluster.query('replica-1', sql);
  return {
    replica,
    async trim() {
      await run('delete from changes');
      await run(`update changes_trimmed set xid = '1000', at = clock_timestamp()`);
    },
    async close() {
      await replica.close();
      await cluster.stop();
    },
  };
};

const inTime = () => ({ deadlineMs: systemClock.monotonicMs() + 20_000 });
const nowUs = () => Math.floor(systemClock.nowMs() * 1_000);

function version(counter: number, writeId: string, more: Partial<Sibling> = {}): Sibling {
  const dot = { actor: 'a', counter };
  return { dot, writeId, writtenAtUs: counter, value: `"${writeId}"`, ...more };
}

function cellOf(...siblings: Sibling[]): Cell {
  const context = new Map<string, number>();
  for (const { dot } of siblings)
    context.set(dot.actor, Math.max(context.get(dot.actor) ?? 0, dot.counter));
  return { siblings, context };
}

describe.each([
  { name: 'memory', open: memory },
  { name: 'Postgres', open: postgres },
])('the history of a write in $name', ({ open }) => {
  let subject: Subject;
  let keys = 0;
  let ref: CellRef;

  beforeAll(async () => {
    subject = await open();
    await subject.replica.ping(inTime());
  });
  afterAll(() => subject.close());

  async function logged(...cells: readonly Cell[]): Promise<void> {
    ref = { tenant: 't', keyspace: 'k', key: `key-${(keys += 1)}` };
    let before: Cell = emptyCell;
    for (const next of cells) {
      const request = { expected: digestOf(before), next };
      const result = await subject.replica.swap(ref, request, inTime());
      expect(result.status).toBe('swapped');
      before = next;
    }
  }
  const history = (writeId: string, ballots: readonly number[] = [], at = ref, since = nowUs()) =>
    subject.replica.history(at, { writeId, ballots, sinceUs: since }, inTime());

  test('names its version once, however many cells held it, and long after it was replaced', async () => {
    const first = version(1, 'w1');
    await logged(
      cellOf(first),
      cellOf(first, version(2, 'w2')),
      cellOf(first, version(3, 'w3')),
      cellOf(version(4, 'w4')),
    );
    const { incarnation, complete, versions } = await history('w1');
    expect(versions).toEqual([{ dot: first.dot, writeId: 'w1' }]);
    expect(incarnation).toBe(subject.replica.incarnation);
    expect(complete).toBe(true);
    expect((await history('w9')).versions).toEqual([]);
  });

  test('is that of one key: the same write id elsewhere is another write', async () => {
    await logged(cellOf(version(1, 'w1')));
    for (const elsewhere of [{ tenant: 'u' }, { keyspace: 'l' }, { key: 'other' }])
      expect((await history('w1', [], { ...ref, ...elsewhere })).versions).toEqual([]);
  });

  test('is not misled by values that look like it, nor by values that JSON allows and others do not', async () => {
    const mimic = `{"writeId":"w1","dot":["pi",77],"nul":"\\u0000","half":"\\ud800"}`;
    await logged(cellOf(version(1, 'w0', { value: mimic })));
    expect((await history('w1', [77])).versions).toEqual([]);
    expect((await history('w0')).versions).toHaveLength(1);
  });

  test('names consensus versions by their ballots, and what they overtook in their round', async () => {
    const dot = { actor: 'pi', counter: 4_096_001 };
    const decided = version(0, 'w5', { dot, lineage: [-8, 3, 0], overtook: ['w4'] });
    await logged(cellOf(decided), cellOf(version(9, 'w6')));
    const expected = [{ dot, writeId: 'w5', lineage: [-8, 3, 0], overtook: ['w4'] }];
    expect((await history('w9', [dot.counter])).versions).toEqual(expected);
    expect((await history('w4')).versions).toEqual(expected);
    expect((await history('w5')).versions).toEqual(expected);
  });

  test('keeps what is recorded of settled writes when a newer version is kept blindly', async () => {
    const settlement = { stage: 'fenced', verdict: 'NEVER' } as const;
    const record = { fingerprint: '', applied: false, atUs: nowUs(), settlement };
    await logged({
      ...cellOf(version(1, 'w1')),
      outcomes: new Map([[settlementId('w0'), record]]),
    });
    await subject.replica.keepNewest(ref, { cell: cellOf(version(2, 'w2')), stamp: '2' }, inTime());
    const { cell } = await subject.replica.read(ref, inTime());
    expect(cell.siblings[0]?.writeId).toBe('w2');
    expect(cell.outcomes?.get(settlementId('w0'))).toEqual(record);
  });

  test('is not complete once the log was trimmed after the write began', async () => {
    if (!subject.trim) return;
    await logged(cellOf(version(1, 'w1')));
    const begunUs = nowUs();
    await subject.trim();
    expect((await history('w1', [], ref, begunUs)).complete).toBe(false);
    // Clocks may differ by a minute; what began later than that is all there.
    const later = await history('w1', [], ref, nowUs() + 61_000_000);
    expect(later).toMatchObject({ complete: true, versions: [] });
  });
});
