import { StoreError } from '../errors.ts';
import { mayUse } from '../tenancy/keyspace-patterns.ts';
import { tenantNameOf } from '../tenancy/principal.ts';
import { auditLog } from './audit.ts';
import { boundedList, rangeArguments } from './arguments.ts';
import { askedOf } from './asked.ts';
import { parseId } from './global-id.ts';
import { allowKeyspace } from './guard.ts';
import type { Resolvers, ResolversTypes } from './resolver-types.generated.ts';

/** Reads: each names its arguments and asks the store. */
export const queryResolvers: Pick<Resolvers, 'Query' | 'Node'> = {
  Query: {
    get: (_root, args, context, info) => {
      const asked = askedOf('read', args, { context, info });
      return context.reads.load({ keyspace: args.keyspace, key: args.key, asked });
    },
    getMany: (_root, args, context, info) => {
      const keys = boundedList('keys', args.keys);
      const asked = askedOf('read', args, { context, info });
      return context.store.getMany(context.principal, { keyspace: args.keyspace, keys }, asked);
    },
    range: (_root, args, context, info) =>
      context.store.range(
        context.principal,
        rangeArguments(args),
        askedOf('read', args, { context, info }),
      ),
    node: async (_root, { id }, context, info): Promise<Awaited<ResolversTypes['Node']> | null> => {
      const name = parseId(id);
      switch (name.type) {
        case 'Entry': {
          allowKeyspace(context.principal, name.keyspace);
          const asked = askedOf('read', {}, { context, info });
          const { keyspace, key } = name;
          const answer = context.reads.load({ keyspace, key, asked });
          return (await answer.catch(nullWhenNoKeyspace))?.entry ?? null;
        }
        case 'Keyspace':
          allowKeyspace(context.principal, name.name);
          return (await context.store.keyspace(context.principal, name.name)) ?? null;
        case 'Tenant':
          // Another tenant is nobody's business, not even that it exists.
          return name.name === tenantNameOf(context.principal.tenant)
            ? context.tenants.own(context.principal)
            : null;
      }
    },
    keyspace: async (_root, { name }, { store, principal }) =>
      (await store.keyspace(principal, name)) ?? null,
    keyspaces: async (_root, _args, { store, principal }) =>
      (await store.keyspaces(principal)).filter(({ name }) => mayUse(principal, name)),
    cluster: (_root, _args, { store }) => store.cluster(),
    tenants: (_root, _args, { tenants }) => tenants.list(),
    tenant: (_root, _args, { tenants, principal }) => tenants.own(principal),
    auditLog,
  },
  Node: {
    __resolveType: (value) =>
      'cell' in value ? 'Entry' : 'storageName' in value ? 'Keyspace' : 'Tenant',
  },
};

function nullWhenNoKeyspace(error: unknown): null {
  if (error instanceof StoreError && error.code === 'KEYSPACE_NOT_FOUND') return null;
  throw error;
}
