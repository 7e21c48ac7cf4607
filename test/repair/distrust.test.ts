import { describe, expect, test } from '@jest/globals';
import {
  emptyCell,
  join,
  seenNothing,
  seenOf,
  write,
  type Cell,
  type Seen,
} from '../../src/causality/cell.ts';
import { keepNewest, keepSiblings, newestCell } from '../../src/causality/convergence.ts';
import { unknownToOthers } from '../../src/repair/distrust.ts';

const distrust = { replica: 'old', beforeMs: 1_000 };
const versionAt = (ms: number, actor = 'a') => ({
  dot: { actor, counter: ms * 1_000 },
  writeId: `${actor}${ms}`,
  writtenAtUs: ms * 1_000,
  value: `"${ms}"`,
});
const written = (cell: Cell, ms: number, seen: Seen = seenNothing, actor = 'a'): Cell =>
  write(cell, seen, versionAt(ms, actor));
const judge = (old: Cell, other: Cell, convergence = keepSiblings) =>
  unknownToOthers(
    new Map([
      ['old', old],
      ['other', other],
    ]),
    { distrust, convergence },
  );

describe('what a restored copy holds (trap 8: a restored replica)', () => {
  test('is forgotten where nobody else knows of it, and it is older than the grace', () => {
    expect(judge(written(emptyCell, 500), emptyCell)).toEqual({ kind: 'forget' });
  });

  test('is joined where it is younger', () => {
    expect(judge(written(emptyCell, 1_500), emptyCell)).toBeUndefined();
  });

  test('is joined where another has it too, or has seen and replaced it', () => {
    const cell = written(emptyCell, 500);
    expect(judge(cell, cell)).toBeUndefined();
    expect(judge(cell, written(cell, 1_600, seenOf(cell)))).toBeUndefined();
  });

  test('does not come back beside a key that was written anew after its deletion was collected', () => {
    const old = written(emptyCell, 500);
    const anew = written(emptyCell, 1_600, seenNothing, 'b');
    // CONTROL: without the suspicion, the deleted version stands beside the new one.
    expect(join(old, anew).siblings).toHaveLength(2);
    const suspicion = judge(old, anew);
    if (suspicion?.kind !== 'join') throw new Error('it is to be joined');
    const joined = suspicion.cells.reduce(join, emptyCell);
    expect(joined.siblings).toEqual(anew.siblings);
    expect(join(old, joined).siblings).toEqual(anew.siblings);
  });

  test('wins or loses by its stamp where one version is kept, and others hold one', () => {
    const old = newestCell(versionAt(500));
    expect(judge(old, newestCell(versionAt(400)), keepNewest)).toBeUndefined();
    expect(judge(old, emptyCell, keepNewest)).toEqual({ kind: 'forget' });
  });
});
