/**
 * Apollo Client on Quorate: a session that needs no thought, a cache that does not go back, and
 * retries that never write twice.
 *
 *     npm start                         # in one terminal
 *     node examples/apollo/main.ts      # in another; or with the gateway's address
 *
 * In a project of your own, import from 'quorate/apollo'.
 */
import {
  ApolloClient,
  ApolloLink,
  gql,
  HttpLink,
  InMemoryCache,
  type TypedDocumentNode,
} from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { createClient } from 'graphql-ws';
import {
  possibleTypes,
  quorateLink,
  sessionLink,
  typePolicies,
} from '../../src/apollo/quorate-link.ts';

const address = process.argv[2] ?? 'http://localhost:4000';
const url = new URL('/graphql', address).href;

// One socket for subscriptions; queries and mutations by HTTP.
const sockets = createClient({ url: url.replace(/^http/, 'ws') });
const sending = ApolloLink.split(
  ({ operationType }) => operationType.valueOf() === 'subscription',
  new GraphQLWsLink(sockets),
  new HttpLink({ uri: url }),
);

// In a browser: sessionLink({ storage: sessionStorage }), and a reload keeps the session.
const session = sessionLink();
const client = new ApolloClient({
  link: quorateLink(sending, { session }),
  cache: new InMemoryCache({ typePolicies, possibleTypes }),
});

interface Cart {
  readonly __typename: 'Entry';
  readonly id: string;
  readonly key: string;
  readonly current: { readonly value: unknown; readonly context: string };
}
interface Receipt {
  readonly answered: number;
}

const cart: TypedDocumentNode<Cart> = gql`
  fragment Cart on Entry {
    id
    key
    current {
      revision # what the cache compares; select it wherever you select "current"
      value
      context # pass it to the next put, so that it replaces what was read
    }
  }
`;
const put: TypedDocumentNode<{ put: { entry: Cart } }> = gql`
  mutation ($key: String!, $value: JSON!, $context: CausalContext, $id: String) {
    put(
      keyspace: "demo"
      key: $key
      value: $value
      context: $context
      consistency: SESSION
      idempotencyKey: $id # with it, the retry link may send the mutation again
    ) {
      entry {
        ...Cart
      }
      receipt {
        answered
        replicationFactor
      }
    }
  }
  ${cart}
`;
const get: TypedDocumentNode<{ get: { entry: Cart; receipt: Receipt } }> = gql`
  query ($key: String!, $level: ConsistencyLevel!) {
    get(keyspace: "demo", key: $key, consistency: $level) {
      entry {
        ...Cart
      }
      receipt {
        answered
        stale
      }
    }
  }
  ${cart}
`;
const changes: TypedDocumentNode<{ changes: { entry?: Cart } }> = gql`
  subscription ($prefix: String!) {
    changes(keyspace: "demo", prefix: $prefix) {
      __typename
      ... on EntryChanged {
        session # makes the event part of the session
        entry {
          ...Cart
        }
      }
    }
  }
  ${cart}
`;

async function write(key: string, value: unknown, context?: string): Promise<Cart> {
  const variables = { key, value, context, id: crypto.randomUUID() };
  const { data } = await client.mutate({ mutation: put, variables });
  if (!data) throw new Error('no answer');
  return data.put.entry;
}

async function read(key: string, level: string): Promise<{ entry: Cart; receipt: Receipt }> {
  const { data } = await client.query({
    query: get,
    variables: { key, level },
    fetchPolicy: 'network-only',
  });
  if (!data) throw new Error('no answer');
  return data.get;
}

const prefix = `cart-${Date.now().toString(36)}-`;
const shown: string[] = [];
let live = (): void => {};
const isLive = new Promise<void>((resolve) => (live = resolve));
const watching = client
  .subscribe({
    query: changes,
    variables: { prefix },
  })
  .subscribe(({ data }) => {
    live();
    const entry = data?.changes.entry;
    if (entry) shown.push(`${entry.key} = ${JSON.stringify(entry.current.value)}`);
  });
await isLive;

const mine = await write(`${prefix}mine`, ['apple']);
console.log('written at SESSION, one acknowledgement awaited:', mine.current.value);

const again = await read(mine.key, 'SESSION');
console.log(
  `read back at SESSION: ${JSON.stringify(again.entry.current.value)}, from ${again.receipt.answered} replica(s)`,
);

// Side by side: each is answered with a token of its own, and the session keeps both.
await Promise.all([
  write(mine.key, ['apple', 'pear'], again.entry.current.context),
  write(`${prefix}yours`, ['plum']),
]);
console.log(`tokens after two writes at once: ${session.token.split(',').filter(Boolean).length}`);
const both = [await read(mine.key, 'SESSION'), await read(`${prefix}yours`, 'SESSION')];
console.log('both read back:', JSON.stringify(both.map(({ entry }) => entry.current.value)));
console.log(`tokens after the next answer: ${session.token.split(',').filter(Boolean).length}`);

// The cache keeps the newest revision, also when a read at ONE is older than what it holds.
await read(mine.key, 'ONE');
const cached = client.readFragment({
  fragment: cart,
  id: client.cache.identify({ __typename: 'Entry', id: mine.id }) ?? '',
});
console.log('in the cache after a read at ONE:', JSON.stringify(cached?.current.value));
console.log(`the subscription was told:\n  ${shown.join('\n  ')}`);

watching.unsubscribe();
client.stop();
await sockets.dispose();
