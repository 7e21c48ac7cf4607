import { type Cell, type Seen, emptyCell, seenOf, write } from '../../src/causality/cell.ts';
import { encodeCell } from '../../src/causality/cell-codec.ts';
import type { Change, ChangePosition } from '../../src/replica/change-source.ts';

/** A cell after one more write; the writer has seen `seen`, or nothing. */
export function written(
  cell: Cell,
  what: { actor: string; at: number; value: string; seen?: Seen },
): Cell {
  const { actor, at, value, seen = seenOf(cell) } = what;
  const version = {
    dot: { actor, counter: at },
    writeId: `${actor}-${at}`,
    writtenAtUs: at,
    value: JSON.stringify(value),
  };
  return write(cell, seen, version);
}

/** v1, v2, … each written on top of the one before. */
export function chain(actor: string, values: readonly string[], startUs = 1): readonly Cell[] {
  let cell = emptyCell;
  return values.map((value, n) => (cell = written(cell, { actor, at: startUs + n, value })));
}

export function valuesOf(cell: Cell): string {
  return cell.siblings
    .map(({ value }) => (value === null ? '-' : String(JSON.parse(value))))
    .sort()
    .join('+');
}

export function changeOf(key: string, cell: Cell, seq = 1): Change {
  const position: ChangePosition = {
    incarnation: 'i',
    seen: '1:1:',
    window: { until: '9:9:', seq },
  };
  return { tenant: 't', keyspace: 'k', key, cell, position };
}

export { encodeCell };
