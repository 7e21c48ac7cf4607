import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { OperationTypeNode } from 'graphql';
import { createClient } from 'graphql-ws';

interface Addresses {
  readonly url: string;
  readonly socketUrl: string;
  /** Node has no WebSocket that graphql-ws accepts on every version we support; browsers have theirs. */
  readonly webSocketImpl?: unknown;
}

/**
 * Apollo Client as our documentation tells to set it up: a stale read must not overwrite a newer one in the cache, so the greater
 * revision stays.
 */
export function createApollo({ url, socketUrl, webSocketImpl }: Addresses) {
  const sockets = createClient({ url: socketUrl, webSocketImpl });
  const link = ApolloLink.split(
    ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
    new GraphQLWsLink(sockets),
    new HttpLink({ uri: url }),
  );
  const cache = new InMemoryCache({
    possibleTypes: {
      ChangeEvent: ['EntryChanged', 'FeedBookmark', 'FeedGap'],
      Node: ['Entry', 'Keyspace', 'Tenant'],
    },
    typePolicies: { Entry: { fields: { current: { merge: newest } } } },
  });
  const client = new ApolloClient({ link, cache });
  return { client, stop: () => void (client.stop(), sockets.dispose()) };
}

interface Revisioned {
  readonly revision?: string;
}

function newest(existing: Revisioned | undefined, incoming: Revisioned): Revisioned {
  return existing?.revision !== undefined && (incoming.revision ?? '') < existing.revision
    ? existing
    : incoming;
}
