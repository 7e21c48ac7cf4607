/**
 * The floors of the house, top to bottom; what stands in one row is side by side.
 *
 * Each entry is a room: a folder of `src` with all below it, or a single file; `rooms` has those of
 * several names.
 */
export const floors: readonly (readonly string[])[] = [
  ['main'],
  ['gateway'],
  ['graphql'],
  ['quotas', 'audit'],
  ['tenancy', 'feed'],
  ['consistency'],
  ['coordinator'],
  ['repair'],
  ['replica', 'local-cluster'],
  ['paxos'],
  ['causality', 'placement'],
  ['runtime', 'errors.ts', 'config.ts'],
  ['apollo'],
];

/**
 * Rooms with a door of their own (`exports` in package.json) and none to the rest of the house: they
 * run in somebody else's program, a page in a browser for one.
 */
export const annexes: readonly string[] = ['apollo'];

/** Rooms of several names. */
const rooms: Readonly<Record<string, string>> = {
  'main.ts': 'main',
  'assemble.ts': 'main',
  'assemble-store.ts': 'main',
  'assemble-repair.ts': 'main',
  'assemble-quotas.ts': 'main',
  'assemble-tenancy.ts': 'main',
  'bootstrap.ts': 'main',
  'assemble-identity.ts': 'main',
  cli: 'main',
  'config-text.ts': 'config.ts',
  'config-auth.ts': 'config.ts',
  'config-documents.ts': 'config.ts',
  'config-keyspaces.ts': 'config.ts',
  'config-limits.ts': 'config.ts',
  'config-repair.ts': 'config.ts',
  'config-tracing.ts': 'config.ts',
  'open-telemetry.ts': 'main',
  'assemble-tracing.ts': 'main',
  'trusted-documents.ts': 'main',
};

/** The room of a path such as `src/replica/postgres/rows.ts`: `replica`. */
export function roomOf(path: string): string | undefined {
  const [top, first = ''] = path.split('/');
  if (top !== 'src') return undefined;
  return Object.hasOwn(rooms, first) ? rooms[first] : first;
}

/** How far down a room is: 0 is the top; -1 when no floor has it. */
export function floorOf(room: string | undefined): number {
  return floors.findIndex((floor) => room !== undefined && floor.includes(room));
}
