import type { Operation } from '../history.ts';
import { nameOf } from './versions.ts';

/** Where a client was while a minority was cut off. */
export type Side = 'majority' | 'minority';

/** What a level owes on one side of a split: an answer, or a refusal. */
export type Expected = 'answers' | 'refuses' | 'either';

/** One request made once everybody had had the time to notice the split. */
export interface Tried {
  readonly operation: Operation;
  readonly side: Side;
  readonly expected: Expected;
}

/** A level that should answer does, one that must refuse does, and both in the time that they were given (see `hangs`). */
export function checkAvailability(tried: readonly Tried[]): readonly string[] {
  return tried.flatMap(({ operation, side, expected }) => {
    const answered = operation.status === 'ok';
    if (expected === 'answers' && !answered)
      return [`on the ${side} side ${nameOf(operation)} was refused with ${operation.code ?? '?'}`];
    if (expected === 'refuses' && answered)
      return [`on the ${side} side ${nameOf(operation)} was answered, and must have been refused`];
    if (operation.tookMs === undefined)
      return [`on the ${side} side ${nameOf(operation)} was never answered`];
    return [];
  });
}
