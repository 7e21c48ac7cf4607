import { describe, expect, test } from '@jest/globals';
import { emptyCell, join, seenNothing, type Cell } from '../../src/causality/cell.ts';
import { keepNewest, newestCell } from '../../src/causality/convergence.ts';
import { SeenKeys } from '../../src/feed/seen-keys.ts';
import { chain, valuesOf, written } from './support.ts';

const rules = {
  join,
  need: 1,
  holders: () => ['A', 'B', 'C'],
  keysMax: 100,
  charsMax: 1_000_000,
  bornUs: 0,
};
const [v1, v2, v3] = chain('a', ['v1', 'v2', 'v3'], 1000) as [Cell, Cell, Cell];
const other = written(emptyCell, { actor: 'b', at: 2000, value: 'w', seen: seenNothing });

/** A transcript: who reports which state of which key, and what the subscriber is told of it. */
function transcript(
  seen: SeenKeys,
  reports: readonly (readonly [replica: string, key: string, cell: Cell])[],
): string[] {
  return reports.flatMap(([replica, key, cell]) => {
    const offered = seen.offer(replica, key, { cell });
    if (offered.kind !== 'emit') return offered.kind === 'lookup' ? [`${key}?`] : [];
    return offered.emissions.map(
      (emission) => `${key}=${valuesOf(emission.cell)}(${emission.confirmedBy})`,
    );
  });
}

describe('what a subscriber is told', () => {
  test('one write that three replicas report is one event', () => {
    expect(
      transcript(new SeenKeys(rules), [
        ['A', 'x', v1],
        ['B', 'x', v1],
        ['C', 'x', v1],
      ]),
    ).toEqual(['x=v1(1)']);
  });

  test('a replica that lags behind never takes the feed back', () => {
    const told = transcript(new SeenKeys(rules), [
      ['A', 'x', v1],
      ['A', 'x', v2],
      ['B', 'x', v1],
      ['A', 'x', v3],
      ['B', 'x', v2],
    ]);
    expect(told).toEqual(['x=v1(1)', 'x=v2(1)', 'x=v3(1)']);
  });

  test('concurrent versions that two replicas report are told together in the end', () => {
    const both = join(v1, other);
    const told = transcript(new SeenKeys(rules), [
      ['A', 'x', v1],
      ['B', 'x', other],
      ['A', 'x', both],
      ['B', 'x', both],
    ]);
    expect(told).toEqual(['x=v1(1)', 'x=v1+w(1)']);
  });

  test('at QUORUM a state is told when the second of three replicas has it, at ALL the third', () => {
    const reports = [
      ['A', 'x', v1],
      ['A', 'x', v2],
      ['B', 'x', v2],
      ['C', 'x', v1],
      ['C', 'x', v2],
    ] as const;
    expect(transcript(new SeenKeys({ ...rules, need: 2 }), reports)).toEqual([
      'x=v1(2)',
      'x=v2(2)',
    ]);
    expect(transcript(new SeenKeys({ ...rules, need: 3 }), reports)).toEqual([
      'x=v1(3)',
      'x=v2(3)',
    ]);
  });

  test('a report from a replica that does not hold the key confirms nothing', () => {
    const told = transcript(new SeenKeys({ ...rules, need: 2 }), [
      ['A', 'x', v1],
      ['D', 'x', v1],
      ['B', 'x', v1],
    ]);
    expect(told).toEqual(['x=v1(3)']);
  });

  test('of last-write-wins versions the older one is never told after the newer one', () => {
    const version = (at: number, value: string): Cell =>
      newestCell({
        dot: { actor: `g${at}`, counter: at },
        writeId: `${at}`,
        writtenAtUs: at,
        value: `"${value}"`,
      });
    const seen = new SeenKeys({ ...rules, join: keepNewest.join });
    const told = transcript(seen, [
      ['A', 'x', version(1, 'old')],
      ['B', 'x', version(2, 'new')],
      ['B', 'x', version(1, 'old')],
      ['C', 'x', version(2, 'new')],
    ]);
    expect(told).toEqual(['x=old(1)', 'x=new(1)']);
  });

  test('a forgotten key is looked up when it may have been told before, and only then', () => {
    const seen = new SeenKeys({ ...rules, keysMax: 1 });
    const later = written(emptyCell, { actor: 'a', at: 5000, value: 'later' });
    expect(
      transcript(seen, [
        ['A', 'x', v2],
        ['A', 'y', other],
        ['B', 'x', v1],
        ['B', 'z', later],
      ]),
    ).toEqual(['x=v2(1)', 'y=w(1)', 'x?', 'z=later(1)']);
  });

  test('a forgotten key is looked up however new the report is: the replica may lack what was told', () => {
    // Guard: `ForgottenKeys`. Told alone, the later write would take back the one beside it.
    const seen = new SeenKeys({ ...rules, keysMax: 1 });
    const later = written(v1, { actor: 'b', at: 5_000, value: 'later' });
    expect(
      transcript(seen, [
        ['A', 'x', v2],
        ['A', 'y', other],
        ['B', 'x', later],
      ]),
    ).toEqual(['x=v2(1)', 'y=w(1)', 'x?']);
  });

  test('what was written before the feed began is not told', () => {
    const seen = new SeenKeys({ ...rules, bornUs: 1_500 });
    expect(
      transcript(seen, [
        ['A', 'x', v1],
        ['A', 'y', other],
      ]),
    ).toEqual(['y=w(1)']);
  });

  test('what was reported before a resumption counts as told, and as confirmation', () => {
    const one = new SeenKeys(rules);
    one.offer('A', 'x', { cell: v1, before: true });
    expect(
      transcript(one, [
        ['B', 'x', v1],
        ['B', 'x', v2],
      ]),
    ).toEqual(['x=v2(1)']);
    const quorum = new SeenKeys({ ...rules, need: 2 });
    quorum.offer('A', 'x', { cell: v1, before: true });
    expect(transcript(quorum, [['B', 'x', v1]])).toEqual(['x=v1(2)']);
  });

  test('a state whose latest event was told before a resumption, and that is not remembered, is looked up', () => {
    // Guard: `isBehind`. Something told beside that event may be older than what is recalled.
    const seen = new SeenKeys(rules);
    seen.forgetBefore(1_200);
    const told = written(emptyCell, { actor: 'a', at: 3_000, value: 'told' });
    const old = written(emptyCell, { actor: 'b', at: 1_100, value: 'old' });
    seen.offer('A', 'x', { cell: told, before: true });
    const lagging = rules.join(told, old);
    const later = written(told, { actor: 'a', at: 5_000, value: 'later' });
    const transcribed = (reports: Parameters<typeof transcript>[1]) => transcript(seen, reports);
    expect(transcribed([['B', 'x', lagging]])).toEqual(['x?']);
    expect(transcribed([['B', 'x', later]])).toEqual(['x=later(1)']);
  });

  test('a key that was only recalled is looked up when more may have been told of it before', () => {
    const reports = [
      ['B', 'x', v2],
      ['B', 'x', v3],
    ] as const;
    const seen = new SeenKeys(rules);
    seen.offer('A', 'x', { cell: v1, before: true });
    seen.forgetBefore(1001); // when v2 was written
    expect(transcript(seen, reports)).toEqual(['x?', 'x=v3(1)']);
  });

  test('a key that was forgotten while others were recalled is looked up, and not remembered by halves', () => {
    const seen = new SeenKeys({ ...rules, need: 2, keysMax: 1 });
    for (const replica of ['A', 'B']) seen.offer(replica, 'x', { cell: v2, before: true });
    seen.offer('A', 'y', {
      cell: written(emptyCell, { actor: 'b', at: 900, value: 'w' }),
      before: true,
    });
    seen.offer('C', 'x', { cell: v1, before: true });
    expect(
      transcript(seen, [
        ['B', 'x', v2],
        ['B', 'x', v3],
        ['C', 'x', v3],
      ]),
    ).toEqual(['x?', 'x?', 'x?']); // until one of them has been answered
    seen.learn('x', v2);
    expect(
      transcript(seen, [
        ['B', 'x', v3],
        ['C', 'x', v3],
      ]),
    ).toEqual(['x=v3(2)']);
  });

  test('what a client reads after a gap is taken for told', () => {
    const seen = new SeenKeys(rules);
    expect(transcript(seen, [['A', 'x', v1]])).toEqual(['x=v1(1)']);
    expect(seen.clear(1500)).toBe(1500);
    expect(
      transcript(seen, [
        ['B', 'x', v2],
        ['B', 'y', other],
      ]),
    ).toEqual(['x?', 'y=w(1)']);
  });

  test('it remembers no more than it may, in keys and in characters', () => {
    const seen = new SeenKeys({ ...rules, keysMax: 10, charsMax: 50 });
    for (let n = 0; n < 100; n++)
      seen.offer('A', `key${n}`, {
        cell: written(emptyCell, { actor: 'a', at: n + 1, value: 'x'.repeat(8) }),
      });
    expect(seen.size).toBeLessThanOrEqual(5);
  });

  test('hundreds of unconfirmed states of one key are given up for a later look-up', () => {
    const seen = new SeenKeys({ ...rules, need: 3 });
    const many = chain(
      'a',
      Array.from({ length: 201 }, (_, n) => `v${n}`),
    );
    for (const cell of many) seen.offer('A', 'x', { cell });
    expect(
      transcript(seen, [
        ['B', 'x', many[0]!],
        ['C', 'y', other],
      ]),
    ).toEqual(['x?']);
  });
});
