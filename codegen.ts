import type { CodegenConfig } from '@graphql-codegen/cli';

const store = '../consistency/store.ts';

/**
 * Resolver types, generated from the contract: a field that the schema has and the resolvers lack, or answer with the
 * wrong shape, does not compile. `npm run check` fails when the file is older than the schema.
 */
const config: CodegenConfig = {
  schema: 'schema.graphql',
  generates: {
    'src/graphql/resolver-types.generated.ts': {
      plugins: ['typescript', 'typescript-resolvers'],
      config: {
        contextType: './request-context.ts#RequestContext',
        defaultScalarType: 'unknown',
        enumsAsTypes: true,
        immutableTypes: true,
        strictScalars: true,
        scalars: {
          JSON: './raw-json.ts#RawJson',
          CausalContext: 'string',
          SessionToken: 'string',
          Cursor: 'string',
          DateTime: 'string',
        },
        // What a resolver of each type is given: the values of the floor below, as they are.
        mappers: {
          Entry: `${store}#Entry as StoreEntry`,
          Revision: `${store}#Entry as StoreEntry`,
          Sibling: '../causality/cell.ts#Sibling as StoreSibling',
          Receipt: `${store}#LevelledReceipt`,
          ReplicaOutcome: '../coordinator/receipt.ts#ReplicaOutcome as StoreReplicaOutcome',
          GetPayload: `${store}#EntryAnswer`,
          GetManyPayload: `${store}#ManyAnswer`,
          EntryConnection: `${store}#RangeAnswer`,
          EntryEdge: './views.ts#RangeEdge',
          PutPayload: `${store}#WriteAnswer`,
          DeletePayload: `${store}#WriteAnswer`,
          CompareAndSetPayload: `${store}#CompareAndSetAnswer`,
          PutResult: `${store}#ItemAnswer`,
          Keyspace: '../consistency/keyspace.ts#Keyspace as StoreKeyspace',
          Cluster: `${store}#ClusterView`,
          ReplicaInfo: `${store}#ReplicaView`,
          Tenant: '../tenancy/tenant-directory.ts#Tenant as StoreTenant',
          Usage: '../quotas/usage.ts#Usage as TenantUsage',
          ApiKey: '../tenancy/api-keys.ts#ApiKey as StoreApiKey',
          AuditRecord: '../audit/audit-record.ts#AuditRecord as StoredAuditRecord',
          AuditConnection: '../audit/audit-log.ts#AuditPage',
          CreatedApiKey: './views.ts#CreatedKey',
        },
        useTypeImports: true,
      },
    },
  },
};

export default config;
