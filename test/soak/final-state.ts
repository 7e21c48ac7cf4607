import { hash } from 'node:crypto';
import { decodeCell } from '../../src/causality/cell-codec.ts';
import { pastOf, visible, type Cell } from '../../src/causality/cell.ts';
import { PI } from '../../src/causality/dot.ts';
import { covers } from '../../src/causality/version-vector.ts';
import type { Operation } from '../simulation/history.ts';
import type { Offered } from '../simulation/checkers/last-write-wins.ts';
import type { FinalState } from '../simulation/checkers/siblings.ts';
import type { TestCluster } from '../support/cluster.ts';
import { tenant } from './gateways.ts';
import { placeOf } from './groups.ts';

interface Row {
  readonly key: string;
  readonly siblings: string;
  readonly context: string;
}

/** One cell as some replica held it at some time. */
export interface Logged {
  readonly place: string;
  readonly cell: Cell;
}

/** What every replica holds of a keyspace, byte for byte; only the keys that are asked for. */
export async function finalState(
  cluster: TestCluster,
  keyspace: string,
  places: ReadonlySet<string>,
): Promise<FinalState> {
  const sql =
    'select key, siblings, context from cells where tenant = $1 and keyspace = $2 and digest <> 0';
  const held = await Promise.all(
    cluster.replicas.map(async ({ id }) => {
      const rows = await cluster.query<Row>(id, sql, [tenant, keyspace]);
      const cells = rows.flatMap((row) => {
        const place = placeOf(keyspace, row.key);
        return places.has(place) ? [[place, stateOf(row)] as const] : [];
      });
      return [id, new Map(cells)] as const;
    }),
  );
  return new Map(held);
}

function stateOf({ siblings, context }: Row): { text: string; values: readonly number[] } {
  return { text: `${siblings} ${context}`, values: valuesIn(decodeCell({ siblings, context })) };
}

function valuesIn(cell: Cell): readonly number[] {
  return visible(cell).flatMap(({ value }) => (value === null ? [] : [Number(value)]));
}

/** Every cell that any replica ever stored in a keyspace: the change logs. */
export async function everStored(
  cluster: TestCluster,
  keyspace: string,
): Promise<readonly Logged[]> {
  const sql = 'select key, siblings, context from changes where tenant = $1 and keyspace = $2';
  const logs = await Promise.all(
    cluster.replicas.map(({ id }) => cluster.query<Row>(id, sql, [tenant, keyspace])),
  );
  return logs.flat().map(({ key, siblings, context }) => {
    return { place: placeOf(keyspace, key), cell: decodeCell({ siblings, context }) };
  });
}

/** The versions of a LAST_WRITE_WINS keyspace that were stored anywhere. */
export function offeredVersions(logged: readonly Logged[]): readonly Offered[] {
  return logged.flatMap(({ place, cell }) => {
    const [version] = cell.siblings;
    if (!version) return [];
    const { actor: gateway, counter: clockUs } = version.dot;
    const value = version.value === null ? undefined : Number(version.value);
    const valueHash = hash('sha1', version.value ?? '').slice(0, 8);
    return [{ key: place, value, clockUs, gateway, valueHash, stored: true }];
  });
}

/**
 * Values that consensus replaced because it had read them: some replica stored a consensus version
 * whose context covers the value's dot, and which stands in its place. Of LINEARIZABLE writes that
 * one gateway decided in one round only the last is ever stored: the others give way to one that ran
 * at the same time.
 */
export function supersededByConsensus(
  logged: readonly Logged[],
  operations: readonly Operation[],
): ReadonlySet<number> {
  const superseded = new Set<number>();
  const stored = new Set<number>();
  for (const cells of Map.groupBy(logged, ({ place }) => place).values()) {
    const dots = cells.flatMap(({ cell }) =>
      cell.siblings.flatMap(({ dot, value }) =>
        value === null ? [] : [{ dot, value: Number(value) }],
      ),
    );
    const dotsOf = Map.groupBy(dots, ({ value }) => value);
    for (const { cell } of cells) {
      if (!cell.siblings.some(({ dot }) => dot.actor === PI)) continue;
      const here = new Set(valuesIn(cell));
      for (const [value, own] of dotsOf) {
        if (!here.has(value) && own.some(({ dot }) => covers(pastOf(cell), dot)))
          superseded.add(value);
      }
    }
    for (const value of dotsOf.keys()) stored.add(value);
  }
  const decided = operations.filter(({ op, level, status }) => {
    return op !== 'read' && level === 'LINEARIZABLE' && status !== 'fail';
  });
  for (const one of decided) {
    if (typeof one.value !== 'number' || stored.has(one.value)) continue;
    const isRival = (other: Operation): boolean =>
      other !== one &&
      other.key === one.key &&
      other.start < (one.end ?? Infinity) &&
      one.start < (other.end ?? Infinity) &&
      (typeof other.value !== 'number' || stored.has(other.value));
    if (decided.some(isRival)) superseded.add(one.value);
  }
  return superseded;
}
