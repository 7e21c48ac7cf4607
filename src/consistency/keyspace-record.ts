import { z } from 'zod';
import { isTombstone, visible, type Cell } from '../causality/cell.ts';
import { compareDots } from '../causality/dot.ts';
import { badInput } from '../errors.ts';
import { compareKeys } from '../placement/key-order.ts';
import { partitioners } from '../placement/partitioner.ts';
import { checkKey } from './arguments.ts';
import { keyspaceDefaults, type Keyspace, type KeyspaceSettings } from './keyspace.ts';
import { levels, type LevelName } from './levels.ts';
import { policies } from './policies.ts';

const levelName = z.enum(Object.keys(levels) as [LevelName, ...LevelName[]]);

const settingsSchema = z.object({
  partitioner: z.enum(Object.keys(partitioners) as [keyof typeof partitioners]),
  splitKeys: z.array(z.string()),
  replicationFactor: z.int(),
  conflicts: z.enum(Object.keys(policies) as [keyof typeof policies]),
  defaultReadLevel: levelName,
  defaultWriteLevel: levelName,
  minimumReadLevel: levelName,
  minimumWriteLevel: levelName,
  maxValueBytes: z.int(),
  maxSiblings: z.int(),
  defaultTtlSeconds: z.int().optional(),
});

const generationSchema = z.object({
  generation: z.int(),
  droppedAtMs: z.number(),
  /** The first of several that are kept as one; they go up to `generation`, which was dropped last. */
  from: z.int().optional(),
});

/** One that was dropped, or several in a row, and of which rows may be left. */
export type Generation = z.output<typeof generationSchema>;

const recordSchema = z.object({
  /** Counts creations under this name. */
  generation: z.int(),
  /** Counts changes of the settings. */
  version: z.int(),
  dropped: z.boolean(),
  settings: settingsSchema,
  left: z.array(generationSchema).default([]),
});

/**
 * What the directory stores of one name. It is never deleted: the generation must not be forgotten.
 */
export type KeyspaceRecord = z.output<typeof recordSchema>;

/** Beyond so many, the oldest are kept as one: a record stays small, and none is forgotten. */
const leftMax = 100;

/** One more was dropped. */
export function withLeft(left: readonly Generation[], dropped: Generation): readonly Generation[] {
  const [oldest, next, ...rest] = [...left, dropped];
  if (!next || left.length < leftMax) return [...left, dropped];
  return [{ ...next, from: oldest.from ?? oldest.generation }, ...rest];
}

/**
 * The record that counts. Consensus leaves one; a directory from before it may hold siblings, of
 * which everyone chooses alike: the latest generation, its latest version, and of two equal ones
 * the first.
 */
export function currentRecord(cell: Cell): KeyspaceRecord | undefined {
  const [first] = visible(cell)
    .filter((sibling) => !isTombstone(sibling, 0))
    .map(({ dot, value }) => ({ dot, record: recordSchema.parse(JSON.parse(value ?? 'null')) }))
    .sort(
      (a, b) =>
        b.record.generation - a.record.generation ||
        b.record.version - a.record.version ||
        compareDots(a.dot, b.dot),
    );
  return first?.record;
}

export function keyspaceOf(
  tenant: string,
  name: string,
  { generation, settings }: KeyspaceRecord,
): Keyspace {
  return {
    tenant,
    name,
    storageName: generation === 1 ? name : `${name}@${generation}`,
    ...settings,
  };
}

const nameShape = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/;

/** Refuses a name or settings that could not be served. `replicas` is how many there are. */
export function checkSettings(name: string, settings: KeyspaceSettings, replicas: number): void {
  const refuse = (field: string, rule: string, value: unknown, limit?: unknown) =>
    badInput(
      `Cannot keep keyspace "${name}": ${field} ${rule}, and it is ${JSON.stringify(value)}`,
      field,
      { value, limit },
    );
  if (!nameShape.test(name)) {
    throw badInput(
      'A keyspace is named with 1 to 63 letters, digits, ".", "_" or "-", the first a letter or digit',
      'name',
      { value: name.slice(0, 64) },
    );
  }
  const bounds = {
    replicationFactor: [1, replicas],
    maxValueBytes: [1, 1_048_576],
    maxSiblings: [1, 1_000],
    defaultTtlSeconds: [1, 315_360_000],
  } as const;
  for (const [field, [least, most]] of Object.entries(bounds)) {
    const value = settings[field as keyof typeof bounds];
    if (value === undefined) continue;
    if (!Number.isInteger(value) || value < least || value > most)
      throw refuse(field, `must be from ${least} to ${most}`, value, most);
  }
  checkSplitKeys(name, settings);
  checkLevels(name, settings);
}

function checkSplitKeys(name: string, { partitioner, splitKeys }: KeyspaceSettings): void {
  if (splitKeys.length > 0 && partitioner !== 'RANGE') {
    throw badInput(
      `Cannot keep keyspace "${name}": splitKeys belong to the partitioner RANGE, and it is ${partitioner}`,
      'splitKeys',
    );
  }
  if (splitKeys.length > 1_000)
    throw badInput('At most 1000 splitKeys', 'splitKeys', {
      limit: 1_000,
      value: splitKeys.length,
    });
  splitKeys.forEach((key) => checkKey(key, 'splitKeys'));
  if (new Set(splitKeys).size < splitKeys.length)
    throw badInput(`Cannot keep keyspace "${name}": a split key is given twice`, 'splitKeys');
}

function checkLevels(name: string, settings: KeyspaceSettings): void {
  const pairs = [
    ['read', settings.minimumReadLevel, settings.defaultReadLevel],
    ['write', settings.minimumWriteLevel, settings.defaultWriteLevel],
  ] as const;
  for (const [side, minimum, standard] of pairs) {
    for (const level of [minimum, standard]) {
      if (levels[level].route === 'quorum' || policies[settings.conflicts].consensus) continue;
      throw badInput(
        `Cannot keep keyspace "${name}": ${level} ${side}s need conflicts SIBLINGS, and it is ${settings.conflicts}`,
        `minimum${side === 'read' ? 'Read' : 'Write'}Level`,
      );
    }
  }
}

/**
 * A default that is weaker than the minimum would refuse every request that names no level: it is
 * raised.
 */
export function raisedDefaults(settings: KeyspaceSettings): KeyspaceSettings {
  const atLeast = (level: LevelName, minimum: LevelName): LevelName =>
    levels[level].strength < levels[minimum].strength ? minimum : level;
  return {
    ...settings,
    defaultReadLevel: atLeast(settings.defaultReadLevel, settings.minimumReadLevel),
    defaultWriteLevel: atLeast(settings.defaultWriteLevel, settings.minimumWriteLevel),
  };
}

/** What was given, over the defaults; split keys in byte order. */
export function settingsWith(
  given: Partial<KeyspaceSettings>,
  replicationFactor: number,
): KeyspaceSettings {
  const wishes: Record<string, unknown> = { ...given };
  const named = Object.fromEntries(
    Object.entries(wishes).filter(([, wish]) => (wish ?? null) !== null),
  );
  const settings = {
    ...keyspaceDefaults,
    replicationFactor,
    ...named,
  } as KeyspaceSettings;
  return raisedDefaults({ ...settings, splitKeys: settings.splitKeys.toSorted(compareKeys) });
}
