import { valuesOf, type Operation } from '../history.ts';
import { byKey, nameOf } from './versions.ts';

/**
 * Histories in which writes of unknown outcome were settled: each is then what it was said to be, and the checkers of its level judge the
 * rest. A write that was said to be NEVER certainly failed: no read may ever show it, before or after, and nothing may be left of it.
 */
export function settledHistory(operations: readonly Operation[]): readonly Operation[] {
  return operations.map((operation): Operation => {
    const [first] = operation.resolutions ?? [];
    if (!first || operation.status !== 'unknown') return operation;
    const status = first.answer === 'NEVER' ? 'fail' : 'ok';
    return { ...operation, status, end: first.end };
  });
}

/** Answers about one write that cannot both be true, and SUPERSEDED where nobody had seen the write. */
export function checkResolutions(operations: readonly Operation[]): readonly string[] {
  const contradictions = operations.flatMap((operation) => {
    const answers = operation.resolutions ?? [];
    const never = answers.find(({ answer }) => answer === 'NEVER');
    const other = answers.find(({ answer }) => answer !== 'NEVER');
    const standing = answers.find(({ answer }) => answer === 'APPLIED');
    const gone = answers.find(
      ({ answer, end }) => answer === 'SUPERSEDED' && standing && end < standing.start,
    );
    if (never && other)
      return [`${nameOf(operation)} was said to be NEVER, and to be ${other.answer}`];
    return gone ? [`${nameOf(operation)} was SUPERSEDED, and APPLIED later`] : [];
  });
  return contradictions;
}

/** Reads that began after a write had been said to be NEVER, and show it. */
export function checkNever(operations: readonly Operation[]): readonly string[] {
  return [...byKey(operations).values()].flatMap(({ reads, writeOf }) =>
    reads.flatMap((read) =>
      valuesOf(read.value).flatMap((value) => {
        const write = writeOf.get(value);
        const isLate = write?.resolutions?.some(
          ({ answer, end }) => answer === 'NEVER' && end < read.start,
        );
        return write && isLate
          ? [`${nameOf(read)} shows ${value}, and ${nameOf(write)} had been said to be NEVER`]
          : [];
      }),
    ),
  );
}

/** Where every replacer says what it replaced: a write that was SUPERSEDED has one. */
export function checkSuperseded(operations: readonly Operation[]): readonly string[] {
  return [...byKey(operations).values()].flatMap(({ writeOf, replacersOf }) =>
    [...writeOf].flatMap(([value, write]) => {
      const isSuperseded = write.resolutions?.some(({ answer }) => answer === 'SUPERSEDED');
      const replacers = (replacersOf.get(value) ?? []).filter(({ status }) => status !== 'fail');
      return isSuperseded && replacers.length === 0
        ? [`${nameOf(write)} was said to be SUPERSEDED, and nobody had seen it`]
        : [];
    }),
  );
}
