import type { Role } from '../tenancy/principal.ts';

/** What a field needs of its caller, and which side of `@consistency` it listens to. */
export interface FieldRule {
  readonly role: Role;
  readonly side?: 'read' | 'write';
  /**
   * The argument that names a keyspace: a caller who is limited to some keyspaces is refused others.
   */
  readonly keyspace?: 'keyspace' | 'name' | 'input.name';
}

const read = { role: 'READER', side: 'read', keyspace: 'keyspace' } as const;
const write = { role: 'WRITER', side: 'write', keyspace: 'keyspace' } as const;

/**
 * THE TABLE of who may use which field; docs/security.md shows it, and a test compares the two. A
 * root field that is not here is refused to everyone, another field is open to whoever can reach it.
 */
export const fieldRules = {
  Query: {
    get: read,
    getMany: read,
    range: read,
    // What an id names is checked when it has been read.
    node: { role: 'READER', side: 'read' },
    keyspace: { role: 'READER', keyspace: 'name' },
    // Lists those that the caller may use.
    keyspaces: { role: 'READER' },
    tenant: { role: 'READER' },
    cluster: { role: 'OPERATOR' },
    tenants: { role: 'OPERATOR' },
    // Of another tenant: OPERATOR only, which the resolver asks.
    auditLog: { role: 'ADMIN' },
  },
  Mutation: {
    get: read,
    range: read,
    put: write,
    delete: write,
    compareAndSet: write,
    putMany: write,
    resolveWrite: { role: 'WRITER', keyspace: 'keyspace' },
    awaitReplication: { role: 'READER', keyspace: 'keyspace' },
    createKeyspace: { role: 'ADMIN', keyspace: 'input.name' },
    updateKeyspace: { role: 'ADMIN', keyspace: 'name' },
    dropKeyspace: { role: 'ADMIN', keyspace: 'name' },
    createTenant: { role: 'OPERATOR' },
    updateTenant: { role: 'OPERATOR' },
    dropTenant: { role: 'OPERATOR' },
    createApiKey: { role: 'OPERATOR' },
    revokeApiKey: { role: 'OPERATOR' },
  },
  Subscription: {
    changes: read,
  },
  Tenant: {
    apiKeys: { role: 'ADMIN' },
  },
} as const satisfies Record<string, Record<string, FieldRule>>;

/** The rule of a field; undefined when it has none. */
export function ruleOf(type: string, field: string): FieldRule | undefined {
  if (!Object.hasOwn(fieldRules, type)) return undefined;
  const rules: Readonly<Record<string, FieldRule>> = fieldRules[type as keyof typeof fieldRules];
  return Object.hasOwn(rules, field) ? rules[field] : undefined;
}
