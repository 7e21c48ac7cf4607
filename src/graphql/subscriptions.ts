import type { Resolvers } from './resolver-types.generated.ts';

/** The change feed as GraphQL events. */
export const subscriptionResolvers: Pick<Resolvers, 'Subscription' | 'ChangeEvent'> = {
  Subscription: {
    changes: {
      subscribe: (_root, args, { changes, principal }) => changes.subscribe(principal, args),
      resolve: (event: unknown) => event as never,
    },
  },
  ChangeEvent: { __resolveType: (event) => (event as { __typename: 'FeedGap' }).__typename },
};
