import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { digestOf, decodeCell, encodeCell } from '../../src/causality/cell-codec.ts';
import { emptyCell, join, shown, type Cell } from '../../src/causality/cell.ts';
import {
  mixedSteps,
  playMixed,
  type Breach,
  type MixedHistory,
  type Reached,
} from '../causality/mixed-histories.ts';

const text = (cell: Cell): string => JSON.stringify(encodeCell(cell));

const states = (count: number) =>
  fc
    .tuple(mixedSteps, fc.array(fc.nat(), { minLength: count, maxLength: count }))
    .map(([steps, picks]) => {
      const history = playMixed(steps);
      return picks.map((pick) => history.states[pick % history.states.length]!.cell);
    });

/** Versions that are shown beside one whose writer had seen them, itself or by way of others. */
function returned({ cell }: Reached, { pastOf }: MixedHistory): string[] {
  const ids = shown(cell).map(({ writeId }) => writeId);
  return ids.filter((id) => ids.some((other) => pastOf.get(other)?.has(id)));
}

/** Versions that were stored for good, and that nothing shown stands for. */
function lost({ cell, known }: Reached, { pastOf, chosen }: MixedHistory): string[] {
  const ids = shown(cell).map(({ writeId }) => writeId);
  const stored = [...known].filter((id) => id.startsWith('w') || chosen.has(id));
  return stored.filter((id) => !ids.some((one) => one === id || pastOf.get(one)?.has(id)));
}

/** What a reader of all replicas finds. */
function whole({ at }: MixedHistory): Reached {
  return at.reduce<Reached>(
    (all, one) => ({
      cell: join(all.cell, one.cell),
      known: new Set([...all.known, ...one.known]),
    }),
    { cell: emptyCell, known: new Set() },
  );
}

describe('ordinary writes and rounds of consensus on one key', () => {
  test('lead to states that do not care in what order, groups or number they are joined', () => {
    fc.assert(
      fc.property(states(3), ([a, b, c]) => {
        expect(text(join(a!, b!))).toBe(text(join(b!, a!)));
        expect(text(join(join(a!, b!), c!))).toBe(text(join(a!, join(b!, c!))));
        expect(text(join(join(a!, b!), b!))).toBe(text(join(a!, b!)));
      }),
      { numRuns: 2_000 },
    );
  });

  test('lose nothing: what was stored is shown, or what is shown has seen it', () => {
    fc.assert(
      fc.property(mixedSteps, (steps) => {
        const history = playMixed(steps);
        expect(lost(whole(history), history)).toEqual([]);
        for (const state of history.at) {
          const ordinary = { ...history, chosen: new Set<string>() };
          expect(lost(state, ordinary)).toEqual([]);
        }
      }),
      { numRuns: 3_000 },
    );
  });

  test('bring nothing back beside what had seen it, whatever ballot it comes under', () => {
    fc.assert(
      fc.property(mixedSteps, (steps) => {
        const history = playMixed(steps);
        expect(returned(whole(history), history)).toEqual([]);
      }),
      { numRuns: 3_000 },
    );
  });

  test('keep their stored form and their digest', () => {
    fc.assert(
      fc.property(states(2), ([a, b]) => {
        expect(decodeCell(encodeCell(a!))).toEqual(a!.context.size === 0 ? emptyCell : a);
        if (digestOf(a!) === digestOf(b!)) expect(text(a!)).toBe(text(b!));
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('the checkers of these laws', () => {
  const fails = (breach: Breach, find: (history: MixedHistory) => string[]): boolean =>
    fc.check(
      fc.property(mixedSteps, (steps) => find(playMixed(steps, breach)).length === 0),
      { numRuns: 20_000 },
    ).failed;

  test('find a version that comes back when writers do not say which ones they had seen', () => {
    const forgets: Breach = (cell) => ({
      ...cell,
      siblings: cell.siblings.map(({ replaces: _, ...version }) => version),
    });
    expect(fails(forgets, (history) => returned(whole(history), history))).toBe(true);
  });

  test('find a write that is lost when a proposal removes what it has read before it is chosen', () => {
    const hasty: Breach = (cell) => ({ ...cell, siblings: shown(cell) });
    expect(fails(hasty, (history) => lost(whole(history), history))).toBe(true);
  });
});
