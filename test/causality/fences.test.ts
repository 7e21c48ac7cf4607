import { expect, test } from '@jest/globals';
import { visible, type Cell, type Sibling } from '../../src/causality/cell.ts';
import { settlementId, type Settlement } from '../../src/causality/outcomes.ts';
import { planRound, type Operation } from '../../src/paxos/proposer.ts';

/**
 * The write `w` replaced `v` at a replica that was cut off; elsewhere `v` was given a new dot, before `w` is fenced (coordinator/renew).
 * This cell has met both.
 */
const renewed: Sibling = {
  dot: { actor: 'b', counter: 20 },
  earlier: [{ actor: 'b', counter: 1 }],
  writeId: 'v',
  writtenAtUs: 1,
  value: '"v"',
};
const doubtful: Sibling = {
  dot: { actor: 'a', counter: 10 },
  writeId: 'w',
  writtenAtUs: 10,
  value: '"w"',
  past: new Map([['b', 1]]),
};

function met(stage?: Settlement['stage']): Cell {
  const record = { fingerprint: '', applied: false, atUs: 20, settlement: { stage: stage! } };
  return {
    siblings: [doubtful, renewed],
    context: new Map([
      ['a', 10],
      ['b', 20],
    ]),
    ...(stage ? { outcomes: new Map([[settlementId('w'), record]]) } : {}),
  };
}

const shownOf = (cell: Cell): readonly string[] => visible(cell).map(({ writeId }) => writeId);

test('a write stands for what it replaced, whatever dot that has now', () => {
  expect(shownOf(met())).toEqual(['w']);
  expect(shownOf(met('stands'))).toEqual(['w']);
});

// Guard: `isUnsettled` in causality/cell. Without it, whoever is shown `w` alone replaces `v` unseen, and `w` may be fenced then.
test.each(['doubted', 'condemned'] as const)(
  'a write that is %s hides nothing: who is shown it is shown what it replaced, too',
  (stage) => {
    expect(shownOf(met(stage))).toEqual(['w', 'v']);
  },
);

test('a write that is fenced is not shown, and what it had replaced is', () => {
  expect(shownOf(met('fenced'))).toEqual(['v']);
});

// Guard: `withoutSettled` in paxos/proposer removes what the register stands for, and nothing else.
test('a round keeps what an ordinary version hides: that one may yet be fenced', () => {
  const operation: Operation<undefined> = {
    decide: () => ({ kind: 'answer', answer: undefined }),
  };
  const cells = [met(), met()];
  const { next } = planRound([operation], { cells, ballot: 4_096, mustAccept: true });
  expect(next?.siblings.map(({ writeId }) => writeId)).toEqual(['w', 'v']);
});
