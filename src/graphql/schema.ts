import { readFileSync } from 'node:fs';
import type { GraphQLSchema } from 'graphql';
import { createSchema } from 'graphql-yoga';
import { entryResolvers } from './entries.ts';
import { guardRootFields } from './guard.ts';
import { keyspaceResolvers } from './keyspaces.ts';
import { mutationResolvers } from './mutations.ts';
import { queryResolvers } from './queries.ts';
import type { RequestContext } from './request-context.ts';
import type { Resolvers } from './resolver-types.generated.ts';
import {
  CausalContextScalar,
  CursorScalar,
  DateTimeScalar,
  JsonScalar,
  SessionTokenScalar,
} from './scalars.ts';
import { subscriptionResolvers } from './subscriptions.ts';
import { tenantResolvers } from './tenants.ts';

const resolvers: Resolvers = {
  JSON: JsonScalar,
  CausalContext: CausalContextScalar,
  SessionToken: SessionTokenScalar,
  Cursor: CursorScalar,
  DateTime: DateTimeScalar,
  ...queryResolvers,
  ...mutationResolvers,
  ...subscriptionResolvers,
  ...entryResolvers,
  ...keyspaceResolvers,
  ...tenantResolvers,
};

/** The contract of `schema.graphql` with its resolvers, every root field guarded. */
export function createExecutableSchema(): GraphQLSchema {
  const typeDefs = readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8');
  return guardRootFields(createSchema<RequestContext>({ typeDefs, resolvers }));
}
