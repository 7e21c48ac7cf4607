import { valuesOf, type Operation } from '../history.ts';
import { divergence, type FinalState } from './siblings.ts';
import { byKey, fromNowhere, nameOf } from './versions.ts';

/** One version as a gateway offered it to the replicas. */
export interface Offered {
  readonly key: string;
  /** Undefined for a tombstone. */
  readonly value: number | undefined;
  readonly clockUs: number;
  readonly gateway: string;
  readonly valueHash: string;
  /** Whether some replica stored it at some time. */
  readonly stored: boolean;
}

/**
 * ONE with LAST_WRITE_WINS: once all is quiet the replicas hold the same, and it is the greatest of all versions that were
 * acknowledged or stored anywhere, by (clock, gateway, hash) — compared here by itself, not by the product's own stamp.
 */
export function checkLastWriteWins(
  operations: readonly Operation[],
  offered: readonly Offered[],
  final: FinalState,
): readonly string[] {
  const found = divergence(final);
  const [state] = final.values();
  const acknowledged = new Set(
    operations.flatMap((one) =>
      one.status === 'ok' && typeof one.value === 'number' ? [one.value] : [],
    ),
  );
  for (const [key, versions] of byKey(operations)) {
    found.push(...fromNowhere(versions));
    for (const read of versions.reads) {
      if (valuesOf(read.value).length > 1)
        found.push(`${nameOf(read)} shows several values where one wins`);
    }
    const counted = offered.filter(
      (one) =>
        one.key === key && (one.stored || (one.value !== undefined && acknowledged.has(one.value))),
    );
    const winner = counted.toSorted(compareOffered).at(-1);
    const values = state?.get(key)?.values ?? [];
    const expected = winner?.value === undefined ? [] : [winner.value];
    if (values.length === expected.length && values[0] === expected[0]) continue;
    const what =
      winner && `${winner.value ?? 'a deletion'} by ${winner.gateway} at ${winner.clockUs}`;
    found.push(
      `at the end ${key} holds ${values.join(', ') || 'nothing'}, and the latest write is ${what ?? 'none'}`,
    );
  }
  return found;
}

function compareOffered(a: Offered, b: Offered): number {
  const byGateway = a.gateway < b.gateway ? -1 : a.gateway > b.gateway ? 1 : 0;
  return a.clockUs - b.clockUs || byGateway || (a.valueHash < b.valueHash ? -1 : 1);
}
