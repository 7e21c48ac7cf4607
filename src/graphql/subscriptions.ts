import { checkLevel } from '../quotas/allowed-levels.ts';
import { askedOf } from './asked.ts';
import type { Resolvers } from './resolver-types.generated.ts';

/**
 * The change feed as GraphQL events.
 *
 * The level comes from where every read's comes from (argument, then `@consistency`, then header),
 * so that none is ignored in silence: one
 * that the feed does not know is refused. The feed's iterator is handed on as it is: its `return()`
 * frees a subscription that waits.
 */
export const subscriptionResolvers: Pick<Resolvers, 'Subscription' | 'ChangeEvent'> = {
  Subscription: {
    changes: {
      subscribe: (_root, args, context, info) => {
        const { level } = askedOf('read', args, { context, info });
        const { allowedLevels } = context.account.quota;
        if (allowedLevels && level !== undefined) checkLevel(allowedLevels, level);
        const what = { ...args, consistency: level, usable: allowedLevels };
        return context.changes.subscribe(context.principal, what);
      },
      resolve: (event: unknown) => event as never,
    },
  },
  ChangeEvent: { __resolveType: (event) => (event as { __typename: 'FeedGap' }).__typename },
};
