import { expect, test } from '@jest/globals';
import { ballotTimeUs, laterBy } from '../../src/causality/ballot.ts';
import { PI } from '../../src/causality/dot.ts';
import { keptForMs } from '../../src/paxos/acceptor.ts';
import { verdictOf } from '../../src/paxos/evidence.ts';

test('a write that went out on a ballot from before it began is found to have been replaced', () => {
  const [base, mine] = [laterBy(7, 1_000), laterBy(7, 2_000)];
  const after = laterBy(7, 40_000);
  // Guard: with ballots since the write began alone (`isBefore`), nobody would look for this one: NEVER.
  const sinceUs = ballotTimeUs(mine) + keptForMs * 1_000;
  const trace = { seen: {}, line: [after, mine, base, 0] };
  const write = { writeId: 'w', sinceUs };
  const later = { dot: { actor: PI, counter: after }, writeId: 'later', lineage: [mine, base, 0] };
  const own = { dot: { actor: PI, counter: mine }, writeId: 'w', lineage: [base, 0] };
  const heard = (versions: readonly (typeof own)[]) =>
    verdictOf(write, trace, [{ incarnation: 'r1', complete: true, versions }]);
  expect(heard([later])).toEqual({ kind: 'missing', actors: [], ballots: [mine] });
  expect(heard([later, own])).toEqual({ kind: 'SUPERSEDED' });
  expect(heard([later, { ...own, writeId: 'other' }])).toEqual({ kind: 'NEVER' });
});
