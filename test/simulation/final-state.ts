import { encodeCell } from '../../src/causality/cell-codec.ts';
import { visible } from '../../src/causality/cell.ts';
import type { Keyspace } from '../../src/consistency/keyspace.ts';
import type { FinalState } from './checkers/siblings.ts';
import type { World } from './world/world.ts';

/** What every replica holds of a keyspace now, of the keys that are its own. */
export function finalState(world: World, keyspace: Keyspace): FinalState {
  return new Map(
    world.servers.map(({ id, replica }) => {
      const cells = [...replica.snapshot()].flatMap(([name, { cell }]) => {
        const [tenant, storageName, key = ''] = name.split('\0');
        const isHere = tenant === keyspace.tenant && storageName === keyspace.storageName;
        if (!isHere || cell.context.size === 0 || !world.owners(keyspace, key).includes(id))
          return [];
        const { siblings, context } = encodeCell(cell);
        const values = visible(cell).flatMap(({ value }) =>
          value === null ? [] : [Number(value)],
        );
        return [[key, { text: `${siblings} ${context}`, values }] as const];
      });
      return [id, new Map(cells)];
    }),
  );
}
