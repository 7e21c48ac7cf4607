import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FairQueue, type Waiting } from '../../src/replica/postgres/fair-queue.ts';

interface Call extends Waiting {
  readonly nth: number;
  settled: boolean;
}

let nth = 0;
function call(flow: string, more: Partial<Call> = {}): Call {
  nth += 1;
  return {
    kind: 'read',
    key: `${flow}-${nth}`,
    flow,
    size: 1,
    rows: 1,
    settled: false,
    nth,
    ...more,
  };
}

function queueOf(calls: readonly Call[], weights: Record<string, number> = {}): FairQueue<Call> {
  const queue = new FairQueue<Call>({ weightOf: (flow) => weights[flow] ?? 1, max: 100_000 });
  for (const one of calls) queue.push(one);
  return queue;
}

const flowsOf = (calls: readonly Call[]): string => calls.map(({ flow }) => flow).join('');
const many = (flow: string, count: number, more: Partial<Call> = {}): Call[] =>
  Array.from({ length: count }, () => call(flow, more));

/** The control: first come, first served. Every call of B would wait behind all of A's. */
function firstInFirstOut(calls: readonly Call[], most: number): readonly Call[] {
  return calls.slice(0, most);
}

describe('a fair queue', () => {
  test('lets one call through at once, though another tenant has a thousand before it; a plain queue does not', () => {
    const waiting = [...many('a', 1_000), call('b')];
    expect(flowsOf(queueOf(waiting).cut(4))).toContain('b');
    expect(flowsOf(firstInFirstOut(waiting, 4))).toBe('aaaa');
  });

  test('gives all that wait in turn, and goes on in the next batch where the last one ended', () => {
    const queue = queueOf([...many('a', 6), ...many('b', 6), ...many('c', 2)]);
    const batches = Array.from({ length: 4 }, () => flowsOf(queue.cut(4)));
    expect(batches).toEqual(['abca', 'bcab', 'abab', 'ab']);
    expect(queue.size).toBe(0);
  });

  test('gives by weight, and by what calls bring along', () => {
    const queue = queueOf([...many('a', 900), ...many('b', 900)], { b: 3 });
    expect(flowsOf(queue.cut(8))).toBe('abbbabbb');
    const large = queueOf([...many('a', 90, { size: 10 }), ...many('b', 90)]);
    const batch = large.cut(22);
    expect(batch.filter(({ flow }) => flow === 'a')).toHaveLength(2);
  });

  test('keeps to one kind and no key twice, and lets no call of a key overtake another of it', () => {
    const first = call('a', { key: 'k' });
    const second = call('a', { key: 'k' });
    const write = call('a', { kind: 'write' });
    const queue = queueOf([first, second, write, call('b')]);
    expect(queue.cut(10).map(({ nth: one }) => one)).toEqual([first.nth, second.nth + 2]);
    expect(queue.cut(10)).toEqual([second]);
    expect(queue.cut(10)).toEqual([write]);
    expect(queue.cut(10)).toEqual([]);
  });

  // The guard is `mustWait`, asked for the kind of the batch as well: without that the second batch is empty, though a read could go.
  test('sends nothing of what must wait, and goes on with what need not, of whatever kind', () => {
    const locked = new Set(['hot']);
    const mustWait = ({ kind, key }: Call): boolean => kind === 'write' && locked.has(key);
    const queue = new FairQueue<Call>({ weightOf: () => 1, max: 100, mustWait });
    const hot = { kind: 'write', key: 'hot' };
    const [first, second] = [call('a', hot), call('a', hot)];
    const [write, read] = [call('a', { kind: 'write' }), call('b', { key: 'hot' })];
    for (const one of [first, second, write, read]) queue.push(one);
    expect([queue.ready(10), queue.ready(1)]).toEqual([2, 1]);
    expect(queue.cut(10)).toEqual([write]);
    expect(queue.cut(10)).toEqual([read]);
    expect([queue.nextKind(), queue.cut(10), queue.size]).toEqual([undefined, [], 2]);
    locked.clear();
    expect(queue.cut(10)).toEqual([first]);
    expect(queue.cut(10)).toEqual([second]);
  });

  // Guard: those that must wait are not counted among those that a batch passes over. With them the batch is empty, again and again.
  test('finds what can go behind any number of those that must wait, and then the others of its kind', () => {
    const mustWait = ({ key }: Call): boolean => key === 'hot';
    const queue = new FairQueue<Call>({ weightOf: () => 1, max: 100_000, mustWait });
    const locked = many('a', 50, { kind: 'write', key: 'hot' });
    const [read, write] = [call('a'), call('b', { kind: 'write' })];
    for (const one of [...locked, read, write]) queue.push(one);
    expect(queue.cut(10)).toEqual([read]);
    expect(queue.cut(10)).toEqual([write]);
    expect([queue.cut(10), queue.size]).toEqual([[], 50]);
  });

  test('has room for others however many one tenant brings', () => {
    const queue = new FairQueue<Call>({ weightOf: () => 1, max: 800 });
    let a = 0;
    for (; !queue.isFull('a') && a < 1_000; a += 1) queue.push(call('a'));
    expect(a).toBe(700);
    expect(queue.isFull('b')).toBe(false);
    let b = 0;
    for (; !queue.isFull('b') && b < 1_000; b += 1) queue.push(call('b'));
    expect(b).toBeGreaterThan(80);
    expect(queue.isFull('c')).toBe(false);
  });

  test('forgets those for whom nobody waits any more', () => {
    const calls = many('a', 10);
    const queue = queueOf(calls);
    for (const one of calls.slice(0, 9)) one.settled = true;
    expect([...queue.cut(1)]).toEqual([calls[9]]);
    expect(queue.size).toBe(0);
  });
});

const random = fc.array(
  fc.record({
    flow: fc.constantFrom('a', 'b', 'c', 'd'),
    kind: fc.constantFrom('read', 'read', 'read', 'scan'),
    key: fc.constantFrom('', '', '', 'k'),
    size: fc.constantFrom(1, 1, 1, 2, 9),
  }),
  { maxLength: 120 },
);

describe('whatever waits', () => {
  test('leaves exactly once, in batches of one kind without a key twice, each tenant’s keys in order', () => {
    fc.assert(
      fc.property(random, fc.integer({ min: 1, max: 20 }), (list, most) => {
        const calls = list.map(({ flow, key, ...more }) =>
          call(flow, { ...more, ...(key === '' ? {} : { key: `${flow}-${key}` }) }),
        );
        const queue = queueOf(calls);
        const left: Call[] = [];
        while (queue.size > 0) {
          const batch = queue.cut(most);
          expect(batch.length).toBeGreaterThan(0);
          expect(batch.length).toBeLessThanOrEqual(most);
          expect(new Set(batch.map(({ kind }) => kind)).size).toBe(1);
          expect(new Set(batch.map(({ key }) => key)).size).toBe(batch.length);
          left.push(...batch);
        }
        expect(left.map((one) => one.nth).toSorted((x, y) => x - y)).toEqual(
          calls.map((one) => one.nth),
        );
        for (const { key, kind } of calls) {
          const order = left.filter((one) => one.key === key && one.kind === kind);
          expect(order).toEqual(order.toSorted((x, y) => x.nth - y.nth));
        }
      }),
    );
  });

  test('two tenants that wait all the time get by their weights, to within one turn and one call', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 400, maxLength: 400 });
    const weight = fc.integer({ min: 1, max: 5 });
    fc.assert(
      fc.property(sizes, weight, weight, (list, ofA, ofB) => {
        const calls = list.flatMap((size) => [call('a', { size }), call('b', { size: 9 - size })]);
        const queue = queueOf(calls, { a: ofA, b: ofB });
        const got = { a: 0, b: 0 };
        const left = { a: 400, b: 400 };
        while (left.a > 0 && left.b > 0) {
          for (const { flow, size } of queue.cut(7)) {
            got[flow as 'a'] += size;
            left[flow as 'a'] -= 1;
          }
          if (left.a === 0 || left.b === 0) break;
          expect(Math.abs(got.a / ofA - got.b / ofB)).toBeLessThanOrEqual(1 + 8 / ofA + 8 / ofB);
        }
      }),
      { numRuns: 30 },
    );
  });
});
