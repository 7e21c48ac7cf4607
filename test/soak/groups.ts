import type { LevelName } from '../../src/consistency/levels.ts';

/** Keys of one keyspace that are worked on, and checked, in one way. */
export interface Group {
  readonly keyspace: string;
  readonly level: LevelName;
  /** As the input of `createKeyspace` has them. */
  readonly settings: Readonly<Record<string, string>>;
  readonly keys: number;
  /** Keys of one room are one world: tokens never leave it, so that the past of one read stays small. */
  readonly rooms: number;
  /** Its share of all operations. */
  readonly weight: number;
  /** Tokens are carried. */
  readonly session?: boolean;
  /** Contexts are not. */
  readonly blind?: boolean;
  /** Some clients send a write of unknown outcome again, with its idempotency key. */
  readonly retried?: boolean;
}

/** A hundred keys. */
export const groups = {
  locks: {
    keyspace: 'locks',
    level: 'LINEARIZABLE',
    settings: { minimumWriteLevel: 'LINEARIZABLE', defaultWriteLevel: 'LINEARIZABLE' },
    keys: 20,
    rooms: 1,
    weight: 20,
    blind: true,
    retried: true,
  },
  orders: {
    keyspace: 'orders',
    level: 'QUORUM',
    settings: {},
    keys: 20,
    rooms: 1,
    weight: 18,
    retried: true,
  },
  own: {
    keyspace: 'own',
    level: 'READ_YOUR_WRITES',
    settings: {},
    keys: 10,
    rooms: 5,
    weight: 10,
    session: true,
  },
  feeds: {
    keyspace: 'feeds',
    level: 'SESSION',
    settings: {},
    keys: 12,
    rooms: 4,
    weight: 12,
    session: true,
  },
  threads: {
    keyspace: 'threads',
    level: 'CAUSAL',
    settings: {},
    keys: 12,
    rooms: 4,
    weight: 12,
    session: true,
  },
  carts: {
    keyspace: 'carts',
    level: 'ONE',
    settings: {},
    keys: 10,
    rooms: 1,
    weight: 10,
    retried: true,
  },
  profiles: {
    keyspace: 'profiles',
    level: 'QUORUM',
    settings: { conflicts: 'LAST_WRITE_WINS' },
    keys: 8,
    rooms: 1,
    weight: 8,
    blind: true,
    retried: true,
  },
  mixed: {
    keyspace: 'mixed',
    level: 'QUORUM',
    settings: {},
    keys: 8,
    rooms: 1,
    weight: 10,
    retried: true,
  },
} as const satisfies Record<string, Group>;

export type GroupName = keyof typeof groups;
export const groupNames = Object.keys(groups) as readonly GroupName[];

/** The keys of a group by room; every round has keys of its own. */
export function roomsOf(group: Group, round: number): readonly (readonly string[])[] {
  const size = group.keys / group.rooms;
  const prefix = round === 1 ? '' : `round-${round}-`;
  return Array.from({ length: group.rooms }, (_, room) =>
    Array.from({ length: size }, (_key, at) => `${prefix}k${room * size + at + 1}`),
  );
}

/** How a key is called in histories. */
export function placeOf(keyspace: string, key: string): string {
  return `${keyspace}/${key}`;
}
