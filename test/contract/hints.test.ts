import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { digestOf } from '../../src/causality/cell-codec.ts';
import { emptyCell, seenNothing, withOutcome, write, type Cell } from '../../src/causality/cell.ts';
import type { HintName, NewHint } from '../../src/replica/hint-store.ts';
import { MemoryReplica } from '../../src/replica/memory-replica.ts';
import { ReplicaError, type Replica } from '../../src/replica/replica.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { startTestCluster } from '../support/cluster.ts';
import { eventually, openReplica } from '../support/store.ts';

interface Subject {
  readonly replica: Replica;
  /** In how many transactions the hints for a target were kept. */
  batches(target: string): Promise<number>;
  close(): Promise<void>;
}

const memory = async (): Promise<Subject> => {
  const options = { id: 'replica-1', incarnation: 'only-one', clock: systemClock };
  const replica = new MemoryReplica(options);
  return { replica, batches: async () => 1, close: () => replica.close() };
};

const postgres = async (): Promise<Subject> => {
  const cluster = await startTestCluster({ replicas: 1 });
  const replica = openReplica(cluster.replicas[0]!);
  const batches = async (target: string) => {
    const sql = 'select count(distinct xmin::text)::int as batches from hints where target = $1';
    const [row] = await cluster.query<{ batches: number }>('replica-1', sql, [target]);
    return row!.batches;
  };
  const close = async () => {
    await replica.close();
    await cluster.stop();
  };
  return { replica, batches, close };
};

const inTime = () => ({ deadlineMs: systemClock.monotonicMs() + 20_000 });
const hourMs = 3_600_000;
let targets = 0;
let counter = 0;

function cellOf(value = `"${counter}"`): Cell {
  counter += 1;
  const dot = { actor: 'a', counter };
  const version = { dot, writeId: `w${counter}`, writtenAtUs: counter, value };
  return write(emptyCell, seenNothing, version);
}

describe.each([
  ['in memory', memory],
  ['in Postgres', postgres],
])('hints %s', (_, open) => {
  let subject: Subject;
  let replica: Replica;
  /** A target and keyspace of its own for each test. */
  let target: string;

  beforeAll(async () => {
    subject = await open();
    replica = subject.replica;
    await replica.ping(inTime());
  });
  afterAll(() => subject.close());
  beforeEach(() => {
    target = `target-${++targets}`;
  });

  const ref = (key: string) => ({ tenant: 't', keyspace: `of-${target}`, key });
  const hint = (key: string, more: Partial<NewHint> = {}): NewHint => ({
    target,
    ref: ref(key),
    cell: cellOf(),
    stamp: '',
    epoch: 7,
    lifeMs: hourMs,
    ...more,
  });
  const keep = (one: NewHint) => replica.putHint(one, inTime());
  const theirs = (limit = 1_000, claimMs = hourMs) => ({
    target,
    limit,
    claimMs,
    owner: 'gateway-1',
  });
  const claim = (limit?: number, claimMs?: number) =>
    replica.claimHints(theirs(limit, claimMs), inTime());
  const remove = (hints: readonly HintName[]) =>
    replica.removeHints({ hints, owner: 'gateway-1' }, inTime());
  const count = async () =>
    (await replica.countHints(inTime())).find((line) => line.target === target);

  test('a hint comes back as the whole cell that it was, with its target and its epoch', async () => {
    const cell = withOutcome(cellOf('{"a":1,"a":2}'), 'w', {
      fingerprint: 'f',
      applied: true,
      atUs: 1,
    });
    await keep(hint('key', { cell, stamp: '42' }));
    const digest = digestOf(cell);
    const whole = { target, ref: ref('key'), digest, cell, stamp: '42', epoch: 7 };
    expect(await claim()).toEqual([whole]);
  });

  test('one state of a key is kept once for a target, and apart for each target', async () => {
    const one = hint('key');
    await Promise.all([keep(one), keep(one), keep(hint('key'))]);
    await keep(one);
    await keep({ ...one, target: `${target}-other` });
    expect(await count()).toMatchObject({ hints: 2 });
    const [other] = (await replica.countHints(inTime())).filter((line) =>
      line.target.startsWith(`${target}-`),
    );
    expect(other).toMatchObject({ hints: 1 });
    expect((await count())!.bytes).toBe(2 * other!.bytes);
    // How long ago the first of them was left.
    expect((await count())!.oldestMs).toBeGreaterThanOrEqual(other!.oldestMs);
    expect((await count())!.oldestMs).toBeLessThan(60_000);
  });

  test('many hints of one turn are kept in few statements', async () => {
    await Promise.all(Array.from({ length: 200 }, (_, nth) => keep(hint(`key-${nth}`))));
    expect(await count()).toMatchObject({ hints: 200 });
    expect(await subject.batches(target)).toBeLessThan(5);
  });

  test('several who claim at once get different ones, and together all', async () => {
    await Promise.all(Array.from({ length: 90 }, (_, nth) => keep(hint(`key-${nth}`))));
    const parts = await Promise.all(Array.from({ length: 12 }, () => claim(10)));
    const claimed = parts.flat().map((one) => one.ref.key);
    const more = (await claim()).map((one) => one.ref.key);
    expect(claimed.length).toBeGreaterThan(10);
    expect(new Set([...claimed, ...more]).size).toBe(90);
    expect(claimed.length + more.length).toBe(90);
    expect(await claim()).toEqual([]);
  });

  test('a claim that ran out gives the hint back, as after the death of a gateway', async () => {
    await keep(hint('key'));
    expect(await claim(10, 300)).toHaveLength(1);
    await eventually(async () => expect(await claim()).toHaveLength(1));
  });

  test('what is removed is gone, and nothing else', async () => {
    await Promise.all(['a', 'b', 'c'].map((key) => keep(hint(key))));
    const [a, b] = await claim(2);
    await remove([a!, b!]);
    await remove([a!]);
    expect(await count()).toMatchObject({ hints: 1 });
    expect((await claim()).map((one) => one.ref.key)).toEqual(['c']);
  });

  test('one that is kept again while somebody delivers it stays', async () => {
    const one = hint('key');
    await keep(one);
    const claimed = await claim();
    await keep(one);
    await remove(claimed);
    expect(await count()).toMatchObject({ hints: 1 });
    expect(await replica.claimHints({ ...theirs(), owner: 'gateway-2' }, inTime())).toHaveLength(1);
    await remove(claimed);
    expect(await count()).toMatchObject({ hints: 1 });
  });

  test('says whether a key has an open hint, for whatever target', async () => {
    await keep(hint('open', { target: `${target}-other` }));
    await keep(hint('expired', { lifeMs: 0 }));
    const found = await Promise.all(
      ['open', 'expired', 'none'].map((key) => replica.hasHintFor(ref(key), inTime())),
    );
    expect(found).toEqual([true, false, false]);
    expect(await replica.hasHintFor({ ...ref('open'), tenant: 'u' }, inTime())).toBe(false);
  });

  test('a hint that has expired is not handed out, and is dropped', async () => {
    await replica.expireHints(100, inTime());
    await Promise.all(['a', 'b'].map((key) => keep(hint(key, { lifeMs: 0 }))));
    await keep(hint('c'));
    expect((await claim(10, 0)).map((one) => one.ref.key)).toEqual(['c']);
    let dropped = 0;
    await eventually(async () => {
      dropped += await replica.expireHints(100, inTime());
      expect(await count()).toMatchObject({ hints: 1 });
    });
    expect(dropped).toBe(2);
  });

  test('one that expires while somebody delivers it is open until he is done', async () => {
    await keep(hint('key', { lifeMs: 1_000 }));
    expect(await claim()).toHaveLength(1);
    await keep(hint('left alone', { lifeMs: 1_000 }));
    await eventually(async () =>
      expect(await replica.hasHintFor(ref('left alone'), inTime())).toBe(false),
    );
    expect(await replica.hasHintFor(ref('key'), inTime())).toBe(true);
    await replica.expireHints(100, inTime());
    expect(await count()).toMatchObject({ hints: 1 });
  });

  test('what arrives after its deadline keeps, takes and removes nothing', async () => {
    await keep(hint('there'));
    const [there] = await claim(1, 0);
    const late = { deadlineMs: systemClock.monotonicMs() - 1 };
    const calls = [
      replica.putHint(hint('late'), late),
      replica.claimHints({ target, limit: 9, claimMs: hourMs, owner: 'g' }, late),
      replica.removeHints({ hints: [there!], owner: 'g' }, late),
    ];
    for (const call of calls) {
      const told: unknown = await call.catch((error: unknown) => error);
      expect(told).toBeInstanceOf(ReplicaError);
      expect((told as ReplicaError).maybeApplied).toBe(false);
    }
    expect((await claim()).map((one) => one.ref.key)).toEqual(['there']);
  });

  test('the hints for a dropped keyspace go with it', async () => {
    await keep(hint('key'));
    await keep(hint('key', { ref: { tenant: 't', keyspace: 'other', key: 'key' } }));
    await replica.deleteKeyspace({ tenant: 't', keyspace: `of-${target}` }, inTime());
    expect((await claim()).map((one) => one.ref.keyspace)).toEqual(['other']);
  });
});
