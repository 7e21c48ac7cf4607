import { valuesOf, type Operation } from '../history.ts';
import { byKey, falseConflicts, fromNowhere, nameOf, reflects, type Versions } from './versions.ts';

/** Which steps carry knowledge from one operation to a later one. */
export interface Knowledge {
  /** Whether what a session has seen is known to whoever reads what it wrote: false for READ_YOUR_WRITES, which stores nothing. */
  readonly travels: boolean;
  /** Whether a session must see again what it has read, and not only what it wrote. */
  readonly ofReads: boolean;
}

/**
 * Looks for the bad patterns of causal histories: a read that misses something which its past includes, shows something that its past
 * includes the replacement of, or is in its own past.
 *
 * The past of an operation: the one whose token it carried; for a read, the writes of what it shows; and their pasts.
 * Source: Bouajjani, Enea, Guerraoui, Hamza, "On verifying causal consistency", POPL 2017 (CyclicCO, WriteCOInitRead, WriteCORead,
 * ThinAirRead), for registers whose concurrent versions stand side by side.
 */
export function checkCausal(
  operations: readonly Operation[],
  knowledge: Knowledge,
): readonly string[] {
  const keys = byKey(operations);
  const pasts = pastsOf(operations, keys, knowledge);
  const found = [...keys.values()].flatMap((versions) => [
    ...fromNowhere(versions),
    ...falseConflicts(versions),
  ]);
  for (const versions of keys.values()) {
    for (const read of versions.reads) {
      const past = pasts.get(read) ?? new Set();
      if (past.has(read)) found.push(`${nameOf(read)} is in its own past`);
      found.push(...missing(versions, read, past), ...comeBack(versions, read, past));
    }
  }
  return found;
}

function missing(
  versions: Versions,
  read: Operation,
  past: ReadonlySet<Operation>,
): readonly string[] {
  const shown = new Set(valuesOf(read.value));
  return [...versions.writeOf].flatMap(([value, write]) => {
    if (!past.has(write) || reflects(versions, value, { shown, endNs: read.end! })) return [];
    return [
      `${nameOf(read)} shows ${[...shown].join(', ') || 'nothing'} and misses ${nameOf(write)}, which is in its past`,
    ];
  });
}

function comeBack(
  { replacersOf }: Versions,
  read: Operation,
  past: ReadonlySet<Operation>,
): readonly string[] {
  return valuesOf(read.value).flatMap((value) => {
    const by = (replacersOf.get(value) ?? []).find((one) => past.has(one));
    return by
      ? [`${nameOf(read)} shows ${value}, and ${nameOf(by)}, which replaced it, is in its past`]
      : [];
  });
}

/** Everything that each operation knows of, directly or by way of others. */
function pastsOf(
  operations: readonly Operation[],
  keys: ReadonlyMap<string, Versions>,
  { travels, ofReads }: Knowledge,
): ReadonlyMap<Operation, ReadonlySet<Operation>> {
  const stepsOf = (one: Operation): readonly Operation[] => {
    const token = one.after ? [one.after] : [];
    const readsFrom = one.op === 'read' ? writesOf(keys, one) : [];
    return ofReads ? [...token, ...readsFrom] : token;
  };
  return new Map(
    operations.map((operation) => {
      const past = new Set<Operation>();
      const open = [...stepsOf(operation)];
      for (let next = open.pop(); next; next = open.pop()) {
        if (past.has(next)) continue;
        past.add(next);
        // Without stored dependencies a write of another session leads no further.
        const isOwn = next.session === operation.session;
        if (travels || isOwn) open.push(...stepsOf(next));
      }
      return [operation, past];
    }),
  );
}

function writesOf(keys: ReadonlyMap<string, Versions>, read: Operation): readonly Operation[] {
  const writeOf = keys.get(read.key)?.writeOf;
  return valuesOf(read.value).flatMap((value) => writeOf?.get(value) ?? []);
}
