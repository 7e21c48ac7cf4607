import { z } from 'zod';
import { isTombstone, type Cell } from '../causality/cell.ts';
import { levels, type LevelName } from '../consistency/levels.ts';
import type { Keeping } from '../consistency/record-memory.ts';
import type { RecordKind } from '../consistency/system-records.ts';
import { badInput } from '../errors.ts';
import { roles } from './principal.ts';

const amount = z.number().min(0);
const atLeastOne = z.int().min(1);

const quotaSchema = z.strictObject({
  requestsPerSecond: atLeastOne.optional(),
  costPerSecond: atLeastOne.optional(),
  storedBytes: amount.optional(),
  keys: amount.optional(),
  keyspaces: z.int().min(0).optional(),
  valueBytes: atLeastOne.optional(),
  concurrentRequests: atLeastOne.optional(),
  sockets: z.int().min(0).optional(),
  subscriptions: z.int().min(0).optional(),
  documentTokens: atLeastOne.optional(),
  documentDepth: atLeastOne.optional(),
  documentCost: atLeastOne.optional(),
  /** Its part of a busy replica beside others; 1 when left out. */
  weight: z.int().min(1).max(100).optional(),
  allowedLevels: z.array(z.enum(Object.keys(levels) as [LevelName])).optional(),
});

const tenantSchema = z.object({
  /** Counts creations under this name. */
  generation: z.int(),
  /** Counts changes. */
  version: z.int(),
  createdAtMs: z.number(),
  isDropped: z.boolean(),
  quota: quotaSchema,
  /** Prefixes of the API keys, oldest first. */
  apiKeys: z.array(z.string()),
  /** Dropped tenants of this name of which something may still be there. */
  left: z.array(
    z.object({ generation: z.int(), droppedAtMs: z.number(), apiKeys: z.array(z.string()) }),
  ),
});

const apiKeySchema = z.object({
  /** SHA-256 of the whole key, hexadecimal. The key itself is nowhere. */
  hash: z.string(),
  tenant: z.string(),
  /** Of which creation of that name. */
  generation: z.int(),
  role: z.enum(roles),
  keyspaces: z.array(z.string()).optional(),
  createdAtMs: z.number(),
  expiresAtMs: z.number().optional(),
  revokedAtMs: z.number().optional(),
});

/** What a tenant may use; what is left out is not limited. */
export type Quota = z.output<typeof quotaSchema>;
/** What is stored of one tenant. Never deleted: the generation must not be forgotten. */
export type TenantRecord = z.output<typeof tenantSchema>;
/** What is stored of one API key, under its visible prefix. */
export type ApiKeyRecord = z.output<typeof apiKeySchema>;

/**
 * So an act of an operator shows at every gateway within two seconds, three where replicas are
 * slow. A gateway that reaches no majority goes on with what it knows for five minutes.
 */
const keeping: Keeping = {
  freshMs: 1_000,
  behindMs: 1_000,
  patienceMs: 1_000,
  keptMs: 300_000,
  absentMs: 1_000,
  entriesMax: 20_000,
};

export const tenantRecords: RecordKind<TenantRecord> = {
  name: 'tenants',
  decode: decoder(tenantSchema),
  // A dropped tenant is not the same as one that never was.
  isShown: () => true,
  keeping,
};

export const apiKeyRecords: RecordKind<ApiKeyRecord> = {
  name: 'api-keys',
  decode: decoder(apiKeySchema),
  isShown: () => true,
  keeping,
};

/** The quota that was asked for; BAD_USER_INPUT names what cannot be one. */
export function checkQuota(given: Readonly<Record<string, unknown>>): Quota {
  const named = Object.entries(given).filter(([, value]) => (value ?? null) !== null);
  const parsed = quotaSchema.safeParse(Object.fromEntries(named));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue?.path.join('.') ?? 'quota';
  throw badInput(`Argument "quota.${field}" is out of bounds: ${issue?.message ?? ''}`, field);
}

/** Consensus leaves one version of a record; a removed one is a tombstone. */
function decoder<R>(schema: z.ZodType<R>): (cell: Cell) => R | undefined {
  return (cell) => {
    const live = cell.siblings.find((sibling) => !isTombstone(sibling, 0));
    return live && schema.parse(JSON.parse(live.value ?? 'null'));
  };
}
