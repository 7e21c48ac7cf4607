import { gql, type TypedDocumentNode } from '@apollo/client';
import { createApollo } from './apollo-client.ts';

const fields = gql`
  fragment Fields on Entry {
    id
    key
    current {
      revision
      value
      inConflict
      context
    }
  }
`;
const put: TypedDocumentNode<{ put: { entry: Entry } }> = gql`
  mutation Put($key: String!, $value: JSON!, $context: CausalContext) {
    put(keyspace: "demo", key: $key, value: $value, context: $context) {
      entry {
        ...Fields
      }
    }
  }
  ${fields}
`;
const get: TypedDocumentNode<{ get: { entry: Entry } }> = gql`
  query Get($key: String!) {
    get(keyspace: "demo", key: $key, consistency: QUORUM) {
      entry {
        ...Fields
      }
      receipt {
        level
      }
    }
  }
  ${fields}
`;
const changes = gql`
  subscription Changes($key: String!) {
    changes(keyspace: "demo", key: $key) {
      __typename
      ... on EntryChanged {
        entry {
          ...Fields
        }
      }
    }
  }
  ${fields}
`;

interface Entry {
  readonly id: string;
  readonly current: {
    readonly revision: string;
    readonly value: unknown;
    readonly inConflict: boolean;
    readonly context: string;
  };
}

/** What the client saw on its way. */
export interface Tour {
  readonly written: unknown;
  readonly read: unknown;
  /** What the cache held after a second write that the client did not make itself, told by the subscription alone. */
  readonly cached: unknown;
  readonly events: readonly string[];
  readonly errorCode: unknown;
}

/** A query, a mutation and a subscription through Apollo Client; runs in Node and in a browser alike. */
export async function apolloTour(
  addresses: Parameters<typeof createApollo>[0],
  { key, writeElsewhere }: { key: string; writeElsewhere: (context: string) => Promise<unknown> },
): Promise<Tour> {
  const { client, stop } = createApollo(addresses);
  const events: string[] = [];
  const waiting = new Map<string, () => void>();
  let fail = (_reason: unknown): void => {};
  const broken = new Promise<never>((_resolve, reject) => (fail = reject));
  const event = (name: string): Promise<void> =>
    Promise.race([broken, new Promise<void>((resolve) => waiting.set(name, resolve))]);
  const live = event('FeedBookmark');
  const subscription = client
    .subscribe<{ changes: { __typename: string; entry?: Entry } }>({
      query: changes,
      variables: { key },
    })
    .subscribe({
      next({ data, error }) {
        if (error !== undefined) fail(error);
        const name = data?.changes.__typename ?? 'nothing';
        events.push(name);
        waiting.get(name + JSON.stringify(data?.changes.entry?.current.value ?? ''))?.();
        waiting.get(name)?.();
      },
      error: fail,
    });
  await live;
  const first = await client.mutate({
    mutation: put,
    variables: { key, value: { a: 1 } },
  });
  const context = first.data?.put.entry.current.context ?? '';
  const read = await client.query({ query: get, variables: { key } });
  const arrived = event('EntryChanged{"a":2}');
  await writeElsewhere(context);
  await arrived;
  const cached = client.readQuery({ query: get, variables: { key } });
  const failure = await client.query({ query: get, variables: { key: '' }, errorPolicy: 'all' });
  subscription.unsubscribe();
  stop();
  const errors = (failure.error as { errors?: { extensions?: { code?: unknown } }[] } | undefined)
    ?.errors;
  return {
    written: first.data?.put.entry.current.value,
    read: read.data?.get.entry.current.value,
    cached: cached?.get.entry.current.value,
    events,
    errorCode: errors?.[0]?.extensions?.code,
  };
}
