import type { Role } from '../tenancy/principal.ts';

/** What a root field needs of its caller, and which side of `@consistency` it listens to. */
export interface FieldRule {
  readonly role: Role;
  readonly side?: 'read' | 'write';
}

/** THE TABLE of who may use which root field. A field that is not here is refused to everyone. */
export const fieldRules = {
  Query: {
    get: { role: 'READER', side: 'read' },
    getMany: { role: 'READER', side: 'read' },
    range: { role: 'READER', side: 'read' },
    node: { role: 'READER', side: 'read' },
    keyspace: { role: 'READER' },
    keyspaces: { role: 'READER' },
    tenant: { role: 'READER' },
    cluster: { role: 'OPERATOR' },
    tenants: { role: 'OPERATOR' },
  },
  Mutation: {
    get: { role: 'READER', side: 'read' },
    range: { role: 'READER', side: 'read' },
    put: { role: 'WRITER', side: 'write' },
    delete: { role: 'WRITER', side: 'write' },
    compareAndSet: { role: 'WRITER', side: 'write' },
    putMany: { role: 'WRITER', side: 'write' },
    resolveWrite: { role: 'WRITER' },
    awaitReplication: { role: 'READER' },
    createKeyspace: { role: 'ADMIN' },
    updateKeyspace: { role: 'ADMIN' },
    dropKeyspace: { role: 'ADMIN' },
    createTenant: { role: 'OPERATOR' },
    updateTenant: { role: 'OPERATOR' },
    dropTenant: { role: 'OPERATOR' },
    createApiKey: { role: 'OPERATOR' },
    revokeApiKey: { role: 'OPERATOR' },
  },
  Subscription: {
    changes: { role: 'READER', side: 'read' },
  },
} as const satisfies Record<string, Record<string, FieldRule>>;
