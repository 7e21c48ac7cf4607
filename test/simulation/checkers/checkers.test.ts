import { describe, expect, test } from '@jest/globals';
import type { Operation } from '../history.ts';
import { checkAvailability } from './availability.ts';
import { checkCausal } from './causal.ts';
import { hangs } from './hangs.ts';
import { checkLastWriteWins, type Offered } from './last-write-wins.ts';
import { checkQuorum } from './quorum.ts';
import { checkRange, type Walk } from './range.ts';
import { checkSiblings, type FinalState } from './siblings.ts';

type Line = Partial<Operation> & Pick<Operation, 'op'>;

/** Operations one after the other, unless a line says when. */
function history(...lines: readonly Line[]): Operation[] {
  return lines.map((line, index) => {
    const start = line.start ?? 10 * index + 1;
    const end = line.status === 'unknown' ? {} : { end: line.end ?? start + 5 };
    return { process: index + 1, key: 'k', status: 'ok', ...end, ...line, start };
  });
}

function held(...values: readonly (readonly number[])[]): FinalState {
  return new Map(
    values.map((own, index) => [`r${index}`, new Map([['k', { text: String(own), values: own }]])]),
  );
}

describe('siblings', () => {
  const two = history({ op: 'write', value: 1 }, { op: 'write', value: 2, replaced: [1] });

  test('accepts what is there, and what its replacer had seen', () => {
    expect(checkSiblings(two, held([2], [2]))).toEqual([]);
  });
  test('finds a lost write', () => {
    expect(checkSiblings(history({ op: 'write', value: 1 }), held([], []))).toEqual([
      expect.stringContaining('it is lost'),
    ]);
  });
  test('finds what came back, what came twice, and what came from nowhere', () => {
    expect(checkSiblings(two, held([1, 2, 2, 9], [1, 2, 2, 9])).join()).toMatch(
      /holds 2 twice.*holds 1, which was replaced.*holds 9, which nobody wrote/,
    );
  });
  test('finds replicas that differ', () => {
    expect(checkSiblings(two, held([2], [2, 1]))).toEqual([
      expect.stringContaining('different cells of k'),
    ]);
  });
  test('does not take an unknown write for lost, nor for refused', () => {
    const unknown = history({ op: 'write', value: 1, status: 'unknown' });
    expect(checkSiblings(unknown, held([], []))).toEqual([]);
    expect(checkSiblings(unknown, held([1], [1]))).toEqual([]);
  });
  test('finds a refused write that is there', () => {
    const refused = history({ op: 'write', value: 1, status: 'fail' });
    expect(checkSiblings(refused, held([1], [1]))).toEqual([
      expect.stringContaining('refused as certainly not done'),
    ]);
  });
});

describe('last write wins', () => {
  const offer = (value: number, clockUs: number): Offered => ({
    key: 'k',
    value,
    clockUs,
    gateway: 'g',
    valueHash: '',
    stored: true,
  });
  const writes = history({ op: 'write', value: 1 }, { op: 'write', value: 2 });

  test('accepts the latest by clock, whatever the order', () => {
    const offered = [offer(1, 20), offer(2, 10)];
    expect(checkLastWriteWins(writes, offered, held([1], [1]))).toEqual([]);
    expect(checkLastWriteWins(writes, offered, held([2], [2]))).toHaveLength(1);
  });
});

describe('quorum', () => {
  const written = [
    { op: 'write', value: 1 },
    { op: 'write', value: 2, replaced: [1] },
  ] as const;

  test('accepts reads that go forward', () => {
    const reads = [
      { op: 'read', value: 2 },
      { op: 'read', value: 2 },
    ] as const;
    expect(checkQuorum(history(...written, ...reads))).toEqual([]);
  });
  test('finds a missed write', () => {
    expect(checkQuorum(history(...written, { op: 'read', value: 1 })).join()).toContain('misses');
  });
  test('finds a read that goes back behind an unknown write', () => {
    const back = history(
      { op: 'write', value: 1 },
      { op: 'write', value: 2, replaced: [1], status: 'unknown' },
      { op: 'read', value: 2 },
      { op: 'read', value: 1 },
    );
    expect(checkQuorum(back).join()).toContain('goes back behind');
  });
  test('finds a value beside the one that replaced it, and one that a delete had removed', () => {
    expect(checkQuorum(history(...written, { op: 'read', value: [1, 2] })).join()).toContain(
      'beside',
    );
    const deleted = history(
      { op: 'write', value: 1 },
      { op: 'delete', replaced: [1] },
      { op: 'read', value: 1 },
    );
    expect(checkQuorum(deleted).join()).toContain('had replaced before');
  });
});

describe('causality', () => {
  const everything = { travels: true, ofReads: true };

  /** A session writes k, then j; another one reads j, then k. */
  function probe(shown: number | null): Operation[] {
    const lines = history(
      { op: 'write', value: 1, session: 'a' },
      { op: 'write', value: 2, key: 'j', session: 'a' },
      { op: 'read', value: 2, key: 'j', session: 'b' },
      { op: 'read', value: shown, session: 'b' },
    );
    return lines.reduce<Operation[]>((all, line, index) => {
      const after = index % 2 === 1 ? all[index - 1] : undefined;
      return [...all, { ...line, after }];
    }, []);
  }

  test('accepts a read that shows its whole past', () => {
    expect(checkCausal(probe(1), everything)).toEqual([]);
  });
  test('finds a read that misses what its past includes', () => {
    expect(checkCausal(probe(null), everything)).toEqual([expect.stringContaining('in its past')]);
  });
  test('expects nothing of other sessions where nothing travels', () => {
    expect(checkCausal(probe(null), { travels: false, ofReads: false })).toEqual([]);
  });
});

describe('ranges', () => {
  const sets = {
    stable: new Set(['a', 'c', 'e']),
    churning: new Set(['b']),
    pageBytes: 10,
    valueBytes: 4,
  };
  const walk = (pages: string[][], more: Partial<Walk> = {}): Walk => ({
    level: 'QUORUM',
    pageSize: 2,
    reverse: false,
    complete: true,
    pages,
    bytes: pages.map(({ length }) => length),
    ...more,
  });

  test.each([
    [
      'with a churning key',
      walk([
        ['a', 'b'],
        ['c', 'e'],
      ]),
    ],
    ['without it', walk([['a', 'c'], ['e']])],
    ['backwards', walk([['e', 'c'], ['a']], { reverse: true })],
    ['of large values', walk([['a'], ['c', 'e']], { bytes: [8, 10] })],
    ['of one value that is larger than a page', walk([['a'], ['c', 'e']], { bytes: [12, 8] })],
    ['given up on the way', walk([['a', 'c']], { complete: false })],
  ])('accepts a walk %s', (_, good) => {
    expect(checkRange([good], sets)).toEqual([]);
  });
  test.each([
    ['skips c', walk([['a', 'e']])],
    [
      'shows c twice',
      walk([
        ['a', 'c'],
        ['c', 'e'],
      ]),
    ],
    [
      'shows x, which is not',
      walk([
        ['a', 'c'],
        ['e', 'x'],
      ]),
    ],
    ['a page of 1 keys', walk([['a'], ['c', 'e']])],
    ['a page of 1 keys and 6 bytes', walk([['a'], ['c', 'e']], { bytes: [6, 8] })],
    ['a page of 11 bytes', walk([['a', 'c'], ['e']], { bytes: [11, 4] })],
  ])('finds that a walk %s', (sentence, bad) => {
    expect(checkRange([bad], sets).join()).toContain(sentence);
  });
});

describe('availability and hangs', () => {
  const [answered, refused] = history(
    { op: 'read', value: null, tookMs: 5, timeoutMs: 100 },
    { op: 'read', status: 'fail', tookMs: 500, timeoutMs: 100 },
  );

  test('finds an answer that should have been a refusal, and the other way round', () => {
    const side = 'minority' as const;
    expect(checkAvailability([{ operation: answered!, side, expected: 'answers' }])).toEqual([]);
    expect(checkAvailability([{ operation: answered!, side, expected: 'refuses' }])).toHaveLength(
      1,
    );
    expect(checkAvailability([{ operation: refused!, side, expected: 'answers' }])).toHaveLength(1);
  });
  test('finds a request that took longer than it was given', () => {
    expect(hangs([answered!, refused!])).toEqual([expect.stringContaining('took 500 ms')]);
  });
});
