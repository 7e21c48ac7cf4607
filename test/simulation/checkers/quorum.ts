import { valuesOf, type Operation } from '../history.ts';
import { byKey, falseConflicts, fromNowhere, nameOf, reflects, type Versions } from './versions.ts';

/**
 * QUORUM: a regular register whose reads never go back, where a version may stand beside others.
 *
 * Each read must take into account every write that was acknowledged before it began, and everything that any read which ended before
 * it began had shown; and nothing may come back once its replacement was acknowledged, or was shown.
 */
export function checkQuorum(operations: readonly Operation[]): readonly string[] {
  return [...byKey(operations).values()].flatMap((versions) => [
    ...fromNowhere(versions),
    ...falseConflicts(versions),
    ...missedWrites(versions),
    ...backwards(versions),
    ...comeBack(versions),
  ]);
}

function missedWrites(versions: Versions): readonly string[] {
  const done = [...versions.writeOf].filter(
    ([, { status, applied }]) => status === 'ok' && applied !== false,
  );
  return versions.reads.flatMap((read) =>
    done
      .filter(([value, { end }]) => end! < read.start && !isReflected(versions, value, read))
      .map(
        ([, write]) =>
          `${nameOf(read)} shows ${shown(read)} and misses ${nameOf(write)}, which was acknowledged before`,
      ),
  );
}

function backwards(versions: Versions): readonly string[] {
  return pairs(versions.reads).flatMap(([earlier, later]) =>
    valuesOf(earlier.value)
      .filter((value) => !isReflected(versions, value, later))
      .map(
        (value) =>
          `${nameOf(later)} shows ${shown(later)} and goes back behind ${nameOf(earlier)}, which had shown ${value}`,
      ),
  );
}

function comeBack({ reads, replacersOf, writeOf }: Versions): readonly string[] {
  return reads.flatMap((read) =>
    valuesOf(read.value).flatMap((value) => {
      const by = (replacersOf.get(value) ?? []).find((one) => {
        if (one.applied === false) return false;
        if (one.status === 'ok' && one.end! < read.start) return true;
        const seen = reads.some(
          (other) =>
            other.end! < read.start &&
            valuesOf(other.value).some((shownOne) => writeOf.get(shownOne) === one),
        );
        return seen && one.op !== 'delete';
      });
      return by ? [`${nameOf(read)} shows ${value}, which ${nameOf(by)} had replaced before`] : [];
    }),
  );
}

function pairs(reads: readonly Operation[]): readonly (readonly [Operation, Operation])[] {
  return reads.flatMap((earlier) =>
    reads.filter(({ start }) => earlier.end! < start).map((later) => [earlier, later] as const),
  );
}

function isReflected(versions: Versions, value: number, read: Operation): boolean {
  return reflects(versions, value, { shown: new Set(valuesOf(read.value)), endNs: read.end! });
}

function shown({ value }: Operation): string {
  return valuesOf(value).join(', ') || 'nothing';
}
