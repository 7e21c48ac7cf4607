import { createHash } from 'node:crypto';
import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { afterEach, expect, test } from '@jest/globals';
import { print } from 'graphql';
import type { DocumentPolicy } from '../../src/graphql/document-admission.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { createAuthenticator } from '../../src/tenancy/authenticate.ts';
import { startMemoryEdge, type MemoryEdge } from '../support/edge.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const automatic = { documentsPerTenant: 10, bytesPerTenant: 10_000, bytes: 10_000 };
const query = gql`
  query Keyspaces {
    keyspaces {
      name
    }
  }
`;

let edge: MemoryEdge;
afterEach(() => edge.close());

/** Apollo Client with its own link for hashes; `sent` is what it asked, request by request. */
async function client(documents: DocumentPolicy) {
  const authenticator = createAuthenticator({
    clock: systemClock,
    apiKeys: [{ tenant: 'demo', role: 'READER', secretHash: sha256('key') }],
  });
  edge = await startMemoryEdge({ documents, authenticator });
  const sent: string[] = [];
  const fetchAndNote: typeof fetch = (input, init) => {
    const body = JSON.parse(init?.body as string) as Record<string, object>;
    const { persistedQuery } = (body['extensions'] ?? {}) as { persistedQuery?: object };
    sent.push([persistedQuery && 'hash', body['query'] && 'query'].filter(Boolean).join(' and '));
    return fetch(input, init);
  };
  const http = new HttpLink({
    uri: edge.url,
    fetch: fetchAndNote,
    headers: { authorization: 'Bearer key' },
  });
  const link = ApolloLink.from([new PersistedQueryLink({ sha256 }), http]);
  const apollo = new ApolloClient({ link, cache: new InMemoryCache() });
  const ask = async (): Promise<unknown> => {
    const { data } = await apollo.query({ query, fetchPolicy: 'network-only' });
    return (data as { keyspaces: unknown[] }).keyspaces.length;
  };
  return { ask, sent };
}

test('Apollo Client sends the hash, then the document once, and from then on the hash alone', async () => {
  const { ask, sent } = await client({ trusted: 'off', automatic });
  const count = await ask();
  expect(await ask()).toBe(count);
  expect(sent).toEqual(['hash', 'hash and query', 'hash']);
});

test('where no hashes are taken, Apollo Client gives up on them after the first', async () => {
  const { ask, sent } = await client({ trusted: 'off' });
  const count = await ask();
  expect(await ask()).toBe(count);
  expect(sent).toEqual(['hash', 'query', 'query']);
});

test('a trusted document never leaves the client: its hash is enough from the first time on', async () => {
  // As Apollo Client sends it: with `__typename` where its cache wants it.
  const text = print(new InMemoryCache().transformDocument(query));
  const { ask, sent } = await client({ trusted: 'required', documents: new Map([['k', text]]) });
  await ask();
  expect(sent).toEqual(['hash']);
});
