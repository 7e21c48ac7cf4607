import { valuesOf, type Operation } from '../history.ts';

/** What one key's history says about which value replaced which. */
export interface Versions {
  /** By value, the write that made it. Values are unique. */
  readonly writeOf: ReadonlyMap<number, Operation>;
  /** By value, the writes and deletes whose context had been shown it. */
  readonly replacersOf: ReadonlyMap<number, readonly Operation[]>;
  readonly reads: readonly Operation[];
  readonly operations: readonly Operation[];
}

/** Histories by key, each in the order of its beginnings. */
export function byKey(operations: readonly Operation[]): ReadonlyMap<string, Versions> {
  const keys = Map.groupBy(operations, ({ key }) => key);
  return new Map([...keys].map(([key, those]) => [key, versionsOf(those)]));
}

function versionsOf(operations: readonly Operation[]): Versions {
  const writeOf = new Map<number, Operation>();
  const replacersOf = new Map<number, Operation[]>();
  for (const operation of operations) {
    if (operation.op === 'read') continue;
    if (typeof operation.value === 'number') writeOf.set(operation.value, operation);
    for (const value of operation.replaced ?? []) {
      const replacers = replacersOf.get(value) ?? [];
      replacersOf.set(value, [...replacers, operation]);
    }
  }
  const reads = operations.filter(({ op, status }) => op === 'read' && status === 'ok');
  return { writeOf, replacersOf, reads, operations };
}

/**
 * Whether a read that ended at `endNs` and showed `shown` takes the value into account: it shows it, or something that replaced it,
 * directly or by way of others. A delete that may have happened by then shows as nothing at all.
 */
export function reflects(
  { replacersOf }: Versions,
  value: number,
  what: { shown: ReadonlySet<number>; endNs: number },
): boolean {
  const looked = new Set<number>();
  const look = (one: number): boolean => {
    if (what.shown.has(one)) return true;
    if (looked.has(one)) return false;
    looked.add(one);
    return (replacersOf.get(one) ?? []).some((by) => {
      if (by.status === 'fail' || by.start > what.endNs) return false;
      return by.op === 'delete' || (typeof by.value === 'number' && look(by.value));
    });
  };
  return look(value);
}

/** Values that nobody had begun to write when they were shown, or whose write certainly never happened. */
export function fromNowhere({ writeOf, reads }: Versions): readonly string[] {
  return reads.flatMap((read) =>
    valuesOf(read.value).flatMap((value) => {
      const write = writeOf.get(value);
      if (!write) return [`${nameOf(read)} shows ${value}, which nobody wrote to it`];
      if (write.start > (read.end ?? Infinity))
        return [`${nameOf(read)} shows ${value} before it was written`];
      if (write.status === 'fail' || write.applied === false) {
        return [`${nameOf(read)} shows ${value}, whose write was refused as certainly not done`];
      }
      return [];
    }),
  );
}

/** A value beside another one whose writer had seen it, and so replaced it. */
export function falseConflicts({ writeOf, reads }: Versions): readonly string[] {
  return reads.flatMap((read) => {
    const shown = valuesOf(read.value);
    return shown.flatMap((value) => {
      const replaced = writeOf.get(value)?.replaced ?? [];
      return shown
        .filter((other) => replaced.includes(other))
        .map(
          (other) =>
            `${nameOf(read)} shows ${other} beside ${value}, whose writer had seen ${other}`,
        );
    });
  });
}

/** How an operation is named in a sentence. */
export function nameOf({ op, process, key, value, start, level }: Operation): string {
  const what = op === 'read' || value === undefined || value === null ? '' : ` of ${String(value)}`;
  return `the ${op}${what} on ${key.slice(0, 24)} by client ${process}${level === undefined ? '' : ` at ${level}`} (from ${(start / 1e6).toFixed(1)} ms)`;
}
