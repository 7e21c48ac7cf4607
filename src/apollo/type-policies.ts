import type { FieldMergeFunction, StoreObject, TypePolicies } from '@apollo/client';

/**
 * Keeps the newest revision of an entry, whatever the order in which answers come.
 *
 * A read at ONE may be older than what the cache holds from a read at QUORUM, and Apollo Client lets
 * whatever comes last win. So `Entry.current` has no id of its own, and this policy of the *field*
 * compares `revision`: a merge function of the type is not asked where an object is replaced, and
 * `keyArgs` would only keep the answers apart.
 *
 * The revisions are never mixed: of two, one is kept whole. Fields of one revision, asked for by
 * different queries, are put together. What comes without a `revision` cannot be compared, and wins
 * as it would without the policy: an optimistic response does so on purpose.
 */
export const newestRevision: FieldMergeFunction<StoreObject> = (
  existing,
  incoming,
  { readField, mergeObjects },
) => {
  if (!existing) return incoming;
  const [known, came] = [existing, incoming].map((one) => readField<string>('revision', one));
  if (known === undefined || came === undefined) return incoming;
  if (known === came) return mergeObjects(existing, incoming);
  return came > known ? incoming : existing;
};

/** For `new InMemoryCache({ typePolicies, possibleTypes })`. */
export const typePolicies = {
  Entry: { fields: { current: { merge: newestRevision } } },
} satisfies TypePolicies;

/** What the schema's interface and union stand for, so that fragments on them match. */
export const possibleTypes: Record<'ChangeEvent' | 'Node', string[]> = {
  ChangeEvent: ['EntryChanged', 'FeedBookmark', 'FeedGap'],
  Node: ['Entry', 'Keyspace', 'Tenant'],
};
