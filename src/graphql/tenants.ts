import { levels, type LevelName } from '../consistency/levels.ts';
import { tenantId } from './global-id.ts';
import { notServed } from './not-served.ts';
import type { Resolvers } from './resolver-types.generated.ts';

/** How a tenant looks from outside. */
export const tenantResolvers: Pick<Resolvers, 'Tenant'> = {
  Tenant: {
    id: ({ tenant }) => tenantId(tenant),
    name: ({ tenant }) => tenant,
    // Nothing is limited yet.
    quota: () => ({ allowedLevels: availableLevels }),
    usage: () => notServed('Tenant.usage'),
    apiKeys: () => notServed('Tenant.apiKeys'),
    createdAt: () => notServed('Tenant.createdAt'),
  },
};

const availableLevels = Object.keys(levels) as LevelName[];
