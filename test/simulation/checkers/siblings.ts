import type { Operation } from '../history.ts';
import { byKey, falseConflicts, fromNowhere, nameOf, type Versions } from './versions.ts';

/** The state of the replicas when all is quiet: by replica, by key, the cell as canonical text and its live values. */
export type FinalState = ReadonlyMap<
  string,
  ReadonlyMap<string, { text: string; values: readonly number[] }>
>;

/** What consensus adds to the rules of ordinary writes; nothing of it where there is none. */
export interface Consensus {
  /** Writes that a round has read and then left out: it replaces all that it reads, and its client never hears of it. */
  readonly superseded: (write: Operation) => boolean;
}

const none: Consensus = { superseded: () => false };

/**
 * ONE with SIBLINGS: nothing acknowledged is lost, nothing that was replaced comes back, nothing comes from nowhere, and once all is
 * quiet all replicas hold the same.
 */
export function checkSiblings(
  operations: readonly Operation[],
  final: FinalState,
  consensus: Consensus = none,
): readonly string[] {
  const keys = byKey(operations);
  const found = divergence(final);
  const [state] = final.values();
  for (const [key, versions] of keys) {
    const values = state?.get(key)?.values ?? [];
    found.push(
      ...lostWrites(versions, { values, consensus }),
      ...unexpectedValues(versions, { key, values }),
    );
    found.push(...fromNowhere(versions), ...falseConflicts(versions));
  }
  return found;
}

/** Keys that not all replicas hold alike. */
export function divergence(final: FinalState): string[] {
  const keys = new Set([...final.values()].flatMap((cells) => [...cells.keys()]));
  return [...keys].flatMap((key) => {
    const texts = [...final].map(([id, cells]) => `${id}: ${cells.get(key)?.text ?? 'nothing'}`);
    const kinds = new Set([...final.values()].map((cells) => cells.get(key)?.text ?? 'nothing'));
    return kinds.size <= 1
      ? []
      : [`all is quiet, and the replicas hold different cells of ${key}: ${texts.join('; ')}`];
  });
}

function lostWrites(
  versions: Versions,
  final: { values: readonly number[]; consensus: Consensus },
): string[] {
  return [...versions.writeOf].flatMap(([value, write]) => {
    const acknowledged = write.status === 'ok' && write.applied !== false;
    if (!acknowledged || final.values.includes(value) || final.consensus.superseded(write))
      return [];
    const replacers = versions.replacersOf.get(value) ?? [];
    if (replacers.some(({ status }) => status !== 'fail')) return [];
    return [`${nameOf(write)} was acknowledged, nobody replaced it, and it is lost`];
  });
}

function unexpectedValues(
  versions: Versions,
  { key, values }: { key: string; values: readonly number[] },
): string[] {
  const doubled = values.filter((value, at) => values.indexOf(value) !== at);
  const found = doubled.map((value) => `at the end ${key} holds ${value} twice`);
  for (const value of values) {
    const write = versions.writeOf.get(value);
    if (!write) found.push(`at the end ${key} holds ${value}, which nobody wrote to it`);
    else if (write.status === 'fail' || write.applied === false)
      found.push(`at the end ${key} holds ${value}, whose write was refused as certainly not done`);
    const by = (versions.replacersOf.get(value) ?? []).find(
      ({ status, applied }) => status === 'ok' && applied !== false,
    );
    if (by && write)
      found.push(`at the end ${key} holds ${value}, which was replaced by ${nameOf(by)}`);
  }
  return found;
}
