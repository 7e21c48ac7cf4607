import { describe, expect, jest, test } from '@jest/globals';
import { seenNothing, emptyCell, write } from '../../src/causality/cell.ts';
import { GuardedReplica } from '../../src/replica/guarded-replica.ts';
import { NeverSent } from '../../src/replica/replica.ts';
import { createMetrics } from '../../src/runtime/metrics.ts';
import { Bench, me, refusal } from '../coordinator/bench.ts';
import { FaultyReplica } from '../coordinator/faulty-replica.ts';
import { HandClock } from '../coordinator/hand-clock.ts';

const refOf = (key: string) => ({ tenant: 'acme', keyspace: 'carts', key });
const cellOf = (value: string) => {
  const version = { dot: { actor: 'a', counter: 1 }, writeId: 'w', writtenAtUs: 1, value };
  return write(emptyCell, seenNothing, version);
};

function guarded(limits?: { calls: number; chars: number }) {
  const clock = new HandClock();
  const inner = new FaultyReplica({ id: 'replica-1', clock });
  const metrics = createMetrics();
  const replica = new GuardedReplica(inner, { clock, metrics, ...(limits ? { limits } : {}) });
  const soon = () => ({ deadlineMs: clock.monotonicMs() + 1_000 });
  const read = (key: string) => replica.read(refOf(key), soon());
  const swap = (key: string, value: string) =>
    replica.swap(refOf(key), { expected: 0n, next: cellOf(value) }, soon());
  return { clock, inner, replica, read, swap };
}

const page = { tenant: 'acme', keyspace: 'carts', reverse: false, limit: 5, bytes: 1_000_000 };
/** Three replicas, of which two have no room for more when `isFull` says so. */
async function fullAtTwo(isFull: () => boolean): Promise<Bench> {
  const bench = new Bench();
  const keyspace = await bench.keyspace('carts');
  for (const { replica } of bench.place(keyspace, 'k').targets.slice(0, 2))
    Object.defineProperty(replica, 'isFullFor', { value: isFull });
  return bench;
}

const refused = { fault: 'REFUSED', maybeApplied: false };

describe('what is under way to one replica', () => {
  test('is bounded in calls: one more is refused at once, unsent, and is not held against it', async () => {
    const { clock, inner, replica, read } = guarded({ calls: 3, chars: 1_000 });
    inner.all('frozen');
    const open = ['a', 'b', 'c'].map((key) => read(key).catch(() => undefined));
    expect(replica.isFull).toBe(true);
    await expect(read('d')).rejects.toMatchObject(refused);
    expect(inner.calls('read')).toHaveLength(3); // without the bound: 4
    expect(replica.state).toBe('UP');
    await clock.settled(Promise.all(open));
    expect(replica.isFull).toBe(false);
  });

  test('is bounded in what the values weigh', async () => {
    const { clock, inner, read, swap } = guarded({ calls: 100, chars: 1_000 });
    inner.all('frozen');
    const open = [swap('a', 'x'.repeat(600)), swap('b', 'x'.repeat(600))].map((call) =>
      call.catch(() => undefined),
    );
    await expect(swap('c', 'x')).rejects.toMatchObject(refused);
    await expect(read('c')).rejects.toMatchObject(refused);
    await clock.settled(Promise.all(open));
    inner.all(undefined);
    await expect(swap('c', 'x')).resolves.toEqual({ status: 'swapped' });
  });

  // Without the part of each tenant, `isFullFor` is `isFull`, and the neighbour is refused too.
  test('is bounded for each tenant by what is left: who floods is refused, his neighbour is not', async () => {
    const { clock, inner, replica, read } = guarded({ calls: 80, chars: 1_000 });
    inner.all('frozen');
    const open: Promise<unknown>[] = [];
    for (let nth = 0; nth < 200; nth++) open.push(read(`${nth}`).catch(() => undefined));
    expect(inner.calls('read')).toHaveLength(70);
    expect([replica.isFullFor('acme'), replica.isFullFor('other'), replica.isFull]).toEqual([
      true,
      false,
      false,
    ]);
    const deadlineMs = clock.monotonicMs() + 1_000;
    const neighbour = replica.read({ ...refOf('a'), tenant: 'other' }, { deadlineMs });
    open.push(neighbour.catch(() => undefined));
    expect(inner.calls('read')).toHaveLength(71);
    await clock.settled(Promise.all(open));
    expect(replica.isFullFor('acme')).toBe(false);
  });

  test('can be full at too many replicas: then a request is refused as OVERLOADED before anything is sent', async () => {
    const bench = await fullAtTwo(() => true);
    const sent = () => bench.replicas.map(({ seen }) => seen.length);
    const before = sent();
    const args = { keyspace: 'carts', key: 'k' };
    for (const work of [
      bench.store.get(me, args, { level: 'QUORUM' }),
      bench.store.put(me, { ...args, value: '1' }, { level: 'QUORUM' }),
    ]) {
      const told = await refusal(bench.run(work));
      expect(told).toMatchObject({ code: 'OVERLOADED', outcome: 'NONE' });
      expect(told.details['retryAfterMs']).toBeGreaterThan(0);
    }
    expect(sent()).toEqual(before);
    // One is left, and that is enough for one answer.
    await bench.run(bench.store.get(me, args, { level: 'ONE' }));
  });
});

describe('a call that was never sent', () => {
  const never = () => Promise.reject(new NeverSent());

  // Guard: `NeverSent` in `#observed`. Without it three such calls make the replica DOWN.
  test('is not held against a replica that answers others meanwhile: the queue is ours', async () => {
    const { clock, inner, replica, read } = guarded();
    inner.fate = (call, key) => (key?.startsWith('late') ? { afterMs: 50 } : undefined);
    for (let nth = 0; nth < 6; nth += 1) {
      inner.scan = async () => {
        await clock.sleep(20);
        return never();
      };
      const waiting = replica.scan(page, { deadlineMs: clock.monotonicMs() + 20 });
      const told = expect(waiting).rejects.toMatchObject({ fault: 'TIMEOUT', maybeApplied: false });
      await clock.settled(read(`k${nth}`));
      await clock.settled(told);
    }
    expect(replica.state).toBe('UP');
  });

  test('is held against one that answers nobody', async () => {
    const { inner, replica } = guarded();
    inner.scan = never;
    for (let nth = 0; nth < 6; nth += 1)
      await replica.scan(page, { deadlineMs: 1_000 }).catch(() => undefined);
    expect(replica.state).toBe('DOWN');
  });
});

describe('calls that are not answered in time', () => {
  /** Six calls at once, none of them answered in time; and one more, begun and answered meanwhile or not. */
  async function sixUnanswered({ answersOthers }: { answersOthers: boolean }): Promise<string> {
    const { clock, inner, replica, read } = guarded();
    inner.fate = (_, key) => (key === 'quick' && answersOthers ? undefined : 'frozen');
    const deadlineMs = clock.monotonicMs() + 500;
    const late = Array.from({ length: 6 }, (_, nth) =>
      replica.read(refOf(`late-${nth}`), { deadlineMs }).catch(() => undefined),
    );
    await clock.settled(clock.sleep(10));
    const quick = read('quick').catch(() => undefined);
    await clock.settled(Promise.all(late));
    const { state } = replica;
    await clock.settled(quick);
    return state;
  }

  // Guard: `LATE` in `#observed`. Without it a burst that takes too long makes the replica DOWN.
  test('leave a replica that answers others SUSPECT, and one that answers nobody DOWN', async () => {
    expect(await sixUnanswered({ answersOthers: true })).toBe('SUSPECT');
    expect(await sixUnanswered({ answersOthers: false })).toBe('DOWN');
  });
});

describe('pages of a range', () => {
  // Guard: `ScanWeights` in `GuardedReplica.scan`. Without it all forty are sent.
  test('weigh what those of their keyspace have weighed: of large ones fewer are under way', async () => {
    const { clock, inner, replica, swap, read } = guarded({ calls: 1_000, chars: 10_000 });
    await swap('a', 'x'.repeat(1_000));
    await replica.scan(page, { deadlineMs: clock.monotonicMs() + 1_000 });
    inner.all('frozen');
    const open = Array.from({ length: 40 }, () =>
      replica.scan(page, { deadlineMs: clock.monotonicMs() + 1_000 }).catch(() => 'refused'),
    );
    // Two of five rows of a thousand: then the tenant has seven times what is left.
    expect(inner.calls('scan')).toHaveLength(1 + 2);
    expect([replica.isFullFor('acme'), replica.isFullFor('other')]).toEqual([true, true]);
    await expect(read('a')).rejects.toMatchObject(refused);
    await clock.settled(Promise.all(open));
    expect(replica.isFullFor('acme')).toBe(false);
  });

  // Guard: `foretold`. With a guess for every page, those of an unknown keyspace share a statement, whatever they weigh.
  test('are told to be light, or heavy, once one of their keyspace was seen, and not before', async () => {
    const { clock, inner, replica, swap } = guarded();
    const asked = jest.spyOn(inner, 'scan');
    const weights = async () => {
      asked.mockClear();
      await replica.scan(page, { deadlineMs: clock.monotonicMs() + 1_000 });
      return asked.mock.calls.map(([{ expected }]) => expected);
    };
    expect(await weights()).toEqual([undefined]);
    await swap('a', 'x'.repeat(1_000));
    expect(await weights()).toEqual([undefined]);
    expect(await weights()).toEqual([5_000]);
  });

  // Guard: `refuseIfTooFull` in `RangeMerge.page`. Without it the page is QUORUM_UNAVAILABLE.
  test('are refused as OVERLOADED before anything is sent, where too few replicas take more', async () => {
    const bench = await fullAtTwo(() => true);
    const before = bench.replicas.map(({ seen }) => seen.length);
    const what = { keyspace: 'carts', first: 5 };
    const told = await refusal(bench.run(bench.store.range(me, what, { level: 'QUORUM' })));
    expect(told).toMatchObject({ code: 'OVERLOADED', outcome: 'NONE' });
    expect(bench.replicas.map(({ seen }) => seen.length)).toEqual(before);
    await bench.run(bench.store.range(me, what, { level: 'ONE' }));
  });

  // Guard: `hadNoRoom` in `rangeFailure`. Without it the replicas are called unreachable.
  test('are OVERLOADED, too, where the room is gone after the first look', async () => {
    let looks = 0;
    const bench = await fullAtTwo(() => (looks += 1) > 2);
    const what = { keyspace: 'carts', first: 5 };
    const told = await refusal(bench.run(bench.store.range(me, what, { level: 'QUORUM' })));
    expect(told).toMatchObject({ code: 'OVERLOADED', outcome: 'NONE' });
  });
});

describe('the pace of a replica', () => {
  test('is kept for reads and writes apart, with what got no answer counted as slow', async () => {
    const { clock, inner, replica, read, swap } = guarded();
    inner.fate = (call) => ({ afterMs: call === 'read' ? 4 : 64 });
    for (let nth = 0; nth < 30; nth += 1) {
      await clock.settled(read(`r${nth}`));
      await clock.settled(swap(`w${nth}`, '1'));
    }
    const nowMs = clock.monotonicMs();
    expect(replica.pace('read').figures(nowMs)!.p99).toBeCloseTo(4, 0);
    expect(replica.pace('write').figures(nowMs)!.p50 / 64).toBeCloseTo(1, 1);
    inner.all('frozen');
    await clock.settled(read('x').catch(() => undefined));
    expect(replica.pace('read').figures(clock.monotonicMs())!.p99).toBeGreaterThan(900);
  });

  test('is measured anew after an outage', async () => {
    const { clock, inner, replica, read } = guarded();
    inner.all({ afterMs: 300 });
    for (let nth = 0; nth < 8; nth += 1) await clock.settled(read('k'));
    inner.all('down');
    await expect(read('k')).rejects.toMatchObject({ fault: 'DOWN' });
    inner.all(undefined);
    await clock.advance(200);
    await replica.probe(1_000);
    expect(replica.state).toBe('UP');
    expect(replica.pace('read').latestMedian()).toBeUndefined();
  });

  test('shows silence: calls are open, and none of them is answered', async () => {
    const { clock, inner, replica, read } = guarded();
    expect(replica.pace('read').silentForMs(clock.monotonicMs())).toBe(0);
    inner.all('frozen');
    const open = read('k').catch(() => undefined);
    await clock.advance(150);
    expect(replica.pace('read').silentForMs(clock.monotonicMs())).toBe(150);
    replica.pace('read').judge(clock.monotonicMs(), undefined);
    expect(replica.pace('read').slow).toBe(true);
    await clock.settled(open);
    expect(replica.pace('read').silentForMs(clock.monotonicMs())).toBe(0);
  });
});
