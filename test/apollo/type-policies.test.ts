import { readFileSync } from 'node:fs';
import { ApolloClient, ApolloLink, gql, InMemoryCache, Observable } from '@apollo/client';
import { describe, expect, test } from '@jest/globals';
import { buildSchema, isAbstractType } from 'graphql';
import { possibleTypes, typePolicies } from '../../src/apollo/quorate-link.ts';

const older = '0000000000000001';
const newer = '0000000000000002';

function query(level: string, fields = 'revision value'): ReturnType<typeof gql> {
  return gql(
    `{ get(keyspace: "demo", key: "k", consistency: ${level}) { __typename entry { __typename id current { __typename ${fields} } } } }`,
  );
}
const data = (current: object) => ({
  get: {
    __typename: 'GetPayload',
    entry: { __typename: 'Entry', id: 'RW50cnk', current: { __typename: 'Revision', ...current } },
  },
});

function read(cache: InMemoryCache, level: string, fields?: string): unknown {
  const found = cache.readQuery<ReturnType<typeof data>>({ query: query(level, fields) });
  if (found === null) return null;
  const fieldsFound = Object.entries(found.get.entry.current);
  return Object.fromEntries(fieldsFound.filter(([name]) => name !== '__typename'));
}

describe('a stale read that comes last', () => {
  const quorumThenStale = (cache: InMemoryCache): unknown => {
    cache.writeQuery({ query: query('QUORUM'), data: data({ revision: newer, value: 'new' }) });
    cache.writeQuery({ query: query('ONE'), data: data({ revision: older, value: 'old' }) });
    return read(cache, 'QUORUM');
  };

  test('does not overwrite what a better one has found', () => {
    expect(quorumThenStale(new InMemoryCache({ typePolicies, possibleTypes }))).toEqual({
      revision: newer,
      value: 'new',
    });
  });

  test('does, without the policy: that is what it is for', () => {
    const stale = { revision: older, value: 'old' };
    expect(quorumThenStale(new InMemoryCache({ possibleTypes }))).toEqual(stale);
    // Nor does a merge function of the type help.
    const byType = { Entry: { merge: true }, Revision: { merge: true } };
    expect(quorumThenStale(new InMemoryCache({ typePolicies: byType }))).toEqual(stale);
  });

  test('reaches nobody who watches the entry', async () => {
    const answers = [
      { data: data({ revision: newer, value: 'new' }) },
      { data: data({ revision: older, value: 'old' }) },
    ];
    const link = new ApolloLink(
      () =>
        new Observable((observer) => {
          observer.next(answers.shift()!);
          observer.complete();
        }),
    );
    const cache = new InMemoryCache({ typePolicies, possibleTypes });
    const client = new ApolloClient({ link, cache });
    const seen: unknown[] = [];
    const watching = client
      .watchQuery<ReturnType<typeof data>>({ query: query('QUORUM') })
      .subscribe(({ data: found }) => {
        const current = found?.get?.entry?.current as { value?: unknown } | undefined;
        if (current) seen.push(current.value);
      });
    await client.query({ query: query('QUORUM') });
    await client.query({ query: query('ONE'), fetchPolicy: 'network-only' });
    expect(answers).toEqual([]);
    expect(seen).toEqual(['new']);
    watching.unsubscribe();
    client.stop();
  });
});

describe('two revisions', () => {
  const after = (first: object, second: object, fields: string): unknown => {
    const cache = new InMemoryCache({ typePolicies, possibleTypes });
    const write = (current: object): void => {
      const names = Object.keys(current).join(' ');
      cache.writeQuery({ query: query('ONE', names), data: data(current) });
    };
    write(first);
    write(second);
    return read(cache, 'ONE', fields);
  };

  test('the newer one takes the place of the older', () => {
    const [first, second] = [
      { revision: older, value: 1 },
      { revision: newer, value: 2 },
    ];
    expect(after(first, second, 'revision value')).toEqual(second);
  });

  test('are never mixed: a field that only the older had is gone', () => {
    const first = { revision: older, value: 1, context: 'c' };
    const second = { revision: newer, value: 2 };
    expect(after(first, second, 'revision value context')).toBeNull();
    expect(after(second, first, 'revision value context')).toBeNull();
    expect(after(second, first, 'revision value')).toEqual(second);
  });

  test('that are one, asked for by different queries, are put together', () => {
    const [first, second] = [
      { revision: older, value: 1 },
      { revision: older, context: 'c' },
    ];
    expect(after(first, second, 'revision value context')).toEqual({ ...first, ...second });
  });

  test('of which one does not say which it is: the last one stays, as an optimistic response needs it', () => {
    expect(after({ revision: newer, value: 1 }, { value: 2 }, 'value')).toEqual({ value: 2 });
    expect(after({ value: 2 }, { revision: older, value: 3 }, 'revision value')).toEqual({
      revision: older,
      value: 3,
    });
  });
});

test('the possible types are those of the schema', () => {
  const schema = buildSchema(
    readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8'),
  );
  const abstract = Object.values(schema.getTypeMap()).filter(
    (type) => isAbstractType(type) && !type.name.startsWith('__'),
  );
  const found = abstract.map((type) => [
    type.name,
    isAbstractType(type)
      ? schema
          .getPossibleTypes(type)
          .map(({ name }) => name)
          .toSorted()
      : [],
  ]);
  const named = Object.entries(possibleTypes).map(([name, types]) => [name, types.toSorted()]);
  expect(Object.fromEntries(found)).toEqual(Object.fromEntries(named));
});
