import { levels, type LevelName } from '../consistency/levels.ts';
import type { Quota as StoredQuota } from '../tenancy/tenant-record.ts';
import { given } from './arguments.ts';
import { tenantId } from './global-id.ts';
import type { MutationResolvers, Quota, Resolvers } from './resolver-types.generated.ts';

/** How a tenant and its keys look from outside. */
export const tenantResolvers: Pick<Resolvers, 'Tenant' | 'Usage' | 'ApiKey'> = {
  Tenant: {
    id: ({ name }) => tenantId(name),
    quota: ({ record }) => quotaView(record.quota),
    usage: ({ filed }, _args, { usage }) => usage.of(filed),
    apiKeys: (tenant, _args, { tenants }) => tenants.keysOf(tenant),
    createdAt: ({ record }) => timeText(record.createdAtMs),
  },
  Usage: {
    countedAt: ({ countedAtMs }) => timeIfAny(countedAtMs),
  },
  ApiKey: {
    role: ({ record }) => record.role,
    keyspaces: ({ record }) => record.keyspaces ?? null,
    createdAt: ({ record }) => timeText(record.createdAtMs),
    expiresAt: ({ record }) => timeIfAny(record.expiresAtMs),
    revokedAt: ({ record }) => timeIfAny(record.revokedAtMs),
  },
};

type Names = 'createTenant' | 'updateTenant' | 'dropTenant' | 'createApiKey' | 'revokeApiKey';

/** What operators do with tenants and keys. */
export const tenantMutations: Required<Pick<MutationResolvers, Names>> = {
  createTenant: (_root, { input }, { tenants }) => tenants.create(input.name, input.quota ?? {}),
  updateTenant: (_root, { name, input }, { tenants }) =>
    tenants.update(name, input.quota ? { ...input.quota } : undefined),
  dropTenant: (_root, { name }, { tenants }) => tenants.drop(name),
  createApiKey: (_root, { tenant, role, keyspaces, expiresAt }, { tenants }) =>
    tenants.createKey({
      tenant,
      role,
      keyspaces: given(keyspaces),
      expiresAtMs: expiresAt ? Date.parse(expiresAt) : undefined,
    }),
  revokeApiKey: (_root, { prefix }, { tenants }) => tenants.revokeKey(prefix),
};

function quotaView(quota: StoredQuota): Quota {
  const named = Object.entries(quota).filter(([, value]) => value !== undefined);
  return { allowedLevels: allLevels, ...Object.fromEntries(named) };
}

const allLevels = Object.keys(levels) as LevelName[];

function timeText(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

function timeIfAny(timeMs: number | undefined): string | null {
  return timeMs === undefined ? null : timeText(timeMs);
}
