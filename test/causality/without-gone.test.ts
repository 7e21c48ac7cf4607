import { expect, test } from '@jest/globals';
import { isTombstone, join, type Cell, type Sibling } from '../../src/causality/cell.ts';
import { withoutGone } from '../../src/causality/minting.ts';

const at = (counter: number, more: Partial<Sibling> = {}): Sibling => ({
  dot: { actor: 'a', counter },
  writeId: `w${counter}`,
  writtenAtUs: counter,
  value: String(counter),
  ...more,
});

const full: Cell = {
  siblings: [
    at(1),
    at(2, { value: null }),
    at(3, { expiresAtMs: 1_000 }),
    at(4, { expiresAtMs: 9_000 }),
    at(5, { value: null, dependencies: [{ keyspace: 'k', key: 'x', dots: [['b', 1]] }] }),
    at(6, { dot: { actor: 'pi', counter: 6 }, value: null }),
  ],
  context: new Map([
    ['a', 5],
    ['pi', 6],
  ]),
};

test('the dead leave a cell, but for those that a reader must still be told of', () => {
  const left = withoutGone(full, 5_000).siblings.map(({ dot }) => dot.counter);
  expect(left).toEqual([1, 4, 5, 6]);
});

test('what has left does not come back from a replica that still has it', () => {
  const joined = join(withoutGone(full, 5_000), full);
  expect(joined.siblings.map(({ dot }) => dot.counter)).toEqual([1, 4, 5, 6]);
  expect(joined.siblings.filter((one) => isTombstone(one, 5_000))).toHaveLength(2);
});

test('a young deletion stays: what it replaced may be on its way under another dot', () => {
  const past = new Map([['a', 1]]);
  const deletion = at(7_000_000, { value: null, past });
  const cell: Cell = { siblings: [deletion], context: new Map([['a', 7_000_000]]) };
  expect(withoutGone(cell, 6_999).siblings).toHaveLength(1);
  expect(withoutGone(cell, 7_001).siblings).toHaveLength(0);
  const settlement = { stage: 'fenced', verdict: 'NEVER' } as const;
  const record = { fingerprint: '', applied: false, atUs: 1, settlement };
  const settled = { ...cell, outcomes: new Map([['settlement w', record]]) };
  expect(withoutGone(settled, 7_001).siblings).toHaveLength(1);
});
