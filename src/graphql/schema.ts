import { readFileSync } from 'node:fs';
import { parse, type DocumentNode, type GraphQLSchema } from 'graphql';
import { createSchema } from 'graphql-yoga';
import { auditResolvers } from './audit.ts';
import { entryResolvers } from './entries.ts';
import { guardFields } from './guard.ts';
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
  ...auditResolvers,
};

/**
 * The contract of `schema.graphql` with its resolvers, guarded by the table of rules. `view` may leave
 * out definitions.
 */
export function createExecutableSchema(
  view?: (definitions: DocumentNode) => DocumentNode,
): GraphQLSchema {
  const text = readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8');
  const everything = parse(text);
  return guardFields(
    createSchema<RequestContext>({
      typeDefs: view ? view(everything) : everything,
      resolvers,
      // A view has no place for the resolvers of what it hides.
      ...(view && { resolverValidationOptions: { requireResolversToMatchSchema: 'ignore' } }),
    }),
  );
}
