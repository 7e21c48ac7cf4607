import {
  ApolloClient,
  type ApolloLink,
  gql,
  HttpLink,
  InMemoryCache,
  type TypedDocumentNode,
} from '@apollo/client';
import {
  possibleTypes,
  quorateLink,
  sessionLink,
  typePolicies,
  type SessionLink,
  type SessionLinkOptions,
} from '../../src/apollo/quorate-link.ts';

/** The documents of these tests, and clients for them; runs in Node and in a browser alike. */

export interface Current {
  readonly revision: string;
  readonly value: unknown;
}
interface Entry {
  readonly entry: { readonly id: string; readonly current: Current };
}
type Level = 'ONE' | 'QUORUM' | 'SESSION';

export const put: TypedDocumentNode<
  { put: Entry },
  { key: string; context: string; value?: unknown; level?: Level }
> = gql`
  mutation Put(
    $key: String!
    $context: CausalContext
    $value: JSON = "new"
    $level: ConsistencyLevel = SESSION
  ) {
    put(keyspace: "demo", key: $key, value: $value, context: $context, consistency: $level) {
      entry {
        id
        current {
          revision
          value
        }
      }
    }
  }
`;

export const get: TypedDocumentNode<{ get: Entry }, { key: string; level: Level }> = gql`
  query Get($key: String!, $level: ConsistencyLevel!) {
    get(keyspace: "demo", key: $key, consistency: $level) {
      entry {
        id
        current {
          revision
          value
        }
      }
    }
  }
`;

export interface Page {
  readonly client: ApolloClient;
  /** Undefined for a page that carries no session. */
  readonly session: SessionLink | undefined;
  /** What the gateway says now; not what the cache knows. */
  read(key: string, level: Level): Promise<unknown>;
  write(what: { key: string; context: string }): Promise<void>;
}

/** A client as the documentation sets it up; `bare` has neither link nor policies of ours. */
export function openPage(
  sending: ApolloLink | string,
  options: SessionLinkOptions | 'bare' = {},
): Page {
  const end = typeof sending === 'string' ? new HttpLink({ uri: sending }) : sending;
  const session = options === 'bare' ? undefined : sessionLink(options);
  const client = new ApolloClient({
    link: session ? quorateLink(end, { session }) : end,
    cache: new InMemoryCache(session ? { typePolicies, possibleTypes } : { possibleTypes }),
  });
  return {
    client,
    session,
    async read(key, level) {
      const variables = { key, level };
      const { data } = await client.query({ query: get, variables, fetchPolicy: 'no-cache' });
      return data?.get.entry.current.value;
    },
    async write(variables) {
      await client.mutate({ mutation: put, variables, fetchPolicy: 'no-cache' });
    },
  };
}

/** Writes every key and reads it back, one after the other: what the reads found. */
export async function writeAndReadBack(
  page: Page,
  keys: readonly { key: string; context: string }[],
  level: Level,
): Promise<unknown[]> {
  const found: unknown[] = [];
  for (const old of keys) {
    await page.write(old);
    found.push(await page.read(old.key, level));
  }
  return found;
}
