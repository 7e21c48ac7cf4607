import { z } from 'zod';
import { name } from './config-auth.ts';

const keyBytesMax = 1_024;

const levelNames = [
  'ONE',
  'QUORUM',
  'ALL',
  'READ_YOUR_WRITES',
  'SESSION',
  'CAUSAL',
  'LINEARIZABLE',
] as const;

const level = z.enum(levelNames).optional();
const count = (max: number) => z.int().min(1).max(max).optional();

const splitKey = z
  .string()
  .min(1)
  .refine((key) => key.isWellFormed() && !key.includes('\0'), 'must be Unicode text without NUL')
  .refine((key) => Buffer.byteLength(key) <= keyBytesMax, `must be at most ${keyBytesMax} bytes`);

/**
 * One keyspace to create: all that `createKeyspace` takes, within the same bounds, so that a mistake
 * is told before anything is served. What is left out is what it would be there.
 */
export const keyspaceSchema = z
  .strictObject({
    tenant: name,
    name: z
      .string()
      .regex(
        /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/,
        'must be 1 to 63 letters, digits, ".", "_" or "-", the first a letter or digit',
      ),
    conflicts: z.enum(['SIBLINGS', 'LAST_WRITE_WINS']).optional(),
    partitioner: z.enum(['CONSISTENT_HASH', 'MODULO_HASH', 'RANGE']).optional(),
    splitKeys: z.array(splitKey).max(1_000).readonly().optional(),
    replicationFactor: count(64),
    defaultReadLevel: level,
    defaultWriteLevel: level,
    minimumReadLevel: level,
    minimumWriteLevel: level,
    maxValueBytes: count(1_048_576),
    maxSiblings: count(1_000),
    defaultTtlSeconds: count(315_360_000),
  })
  .readonly();

type KeyspaceDraft = z.output<typeof keyspaceSchema>;

const levelFields = [
  'defaultReadLevel',
  'defaultWriteLevel',
  'minimumReadLevel',
  'minimumWriteLevel',
] as const;

/**
 * What is wrong with keyspaces beside their single settings, by path: those of one name, and what
 * does not go together. `replicas`: how many there are.
 */
export function keyspaceProblems(
  keyspaces: readonly KeyspaceDraft[],
  replicas: number,
): readonly { readonly path: readonly [number, string]; readonly message: string }[] {
  const names = keyspaces.map(({ tenant, name: own }) => `${tenant}/${own}`);
  return keyspaces.flatMap((keyspace, index) => {
    const own = problemsOf(keyspace, replicas);
    const isTwice = names.indexOf(names[index] ?? '') < index;
    const all = isTwice ? [{ field: 'name', message: 'is listed twice' }, ...own] : own;
    return all.map(({ field, message }) => ({ path: [index, field] as const, message }));
  });
}

function problemsOf(
  keyspace: KeyspaceDraft,
  replicas: number,
): readonly { readonly field: string; readonly message: string }[] {
  const { replicationFactor = 1, partitioner, splitKeys = [], conflicts } = keyspace;
  const needsConsensus = (field: (typeof levelFields)[number]): boolean =>
    keyspace[field] === 'LINEARIZABLE' && conflicts === 'LAST_WRITE_WINS';
  const rules = [
    {
      isBroken: replicationFactor > replicas,
      field: 'replicationFactor',
      message: `must be at most ${replicas}, the number of replicas`,
    },
    {
      isBroken: splitKeys.length > 0 && partitioner !== 'RANGE',
      field: 'splitKeys',
      message: 'is only for the partitioner RANGE',
    },
    {
      isBroken: new Set(splitKeys).size < splitKeys.length,
      field: 'splitKeys',
      message: 'holds a key twice',
    },
    ...levelFields.map((field) => ({
      isBroken: needsConsensus(field),
      field,
      message: 'LINEARIZABLE needs conflicts SIBLINGS, and they are LAST_WRITE_WINS',
    })),
  ];
  return rules.filter(({ isBroken }) => isBroken);
}
