import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { send, startMemoryEdge, type MemoryEdge } from '../support/edge.ts';

let edge: MemoryEdge;
beforeAll(async () => void (edge = await startMemoryEdge()));
afterAll(() => edge.close());
beforeEach(() => void (edge.memory.calls.length = 0));

// What they take of the event loop is measured in `edge-inputs.test.ts`.
describe('documents that are too much', () => {
  const refused = async (query: string, variables?: object): Promise<unknown> => {
    const reply = await send(edge, query, variables ? { variables } : {});
    expect(edge.memory.calls).toEqual([]);
    return [reply.status, reply.code, reply.errors?.[0]?.extensions['limit']];
  };

  test('trap 5: 20,000 aliases', async () => {
    const aliases = Array.from({ length: 20_000 }, (_, i) => `a${i}:keyspaces{name}`).join(' ');
    expect(await refused(`{${aliases}}`)).toEqual([400, 'BAD_USER_INPUT', 65_536]);
    const fewer = Array.from({ length: 500 }, (_, i) => `a${i}:keyspaces{name}`).join(' ');
    expect(await refused(`{${fewer}}`)).toEqual([400, 'BAD_USER_INPUT', 1_000]);
  });

  test('trap 5: a kilobyte of fragments that stands for 2^25 fields', async () => {
    const chain = Array.from(
      { length: 25 },
      (_, i) => `fragment f${i} on __Type{a:ofType{...f${i + 1}}b:ofType{...f${i + 1}}}`,
    );
    const query = `{__type(name:"Query"){...f0}}${chain.join('')}fragment f25 on __Type{name}`;
    expect(await refused(query)).toEqual([400, 'BAD_USER_INPUT', 15]);
    const shallow = Array.from(
      { length: 12 },
      (_, i) => `fragment f${i} on __Type{a:ofType{...f${i + 1}}b:ofType{...f${i + 1}}}`,
    );
    const wide = `{__type(name:"Query"){...f0}}${shallow.join('')}fragment f12 on __Type{name}`;
    expect(await refused(wide)).toEqual([400, 'BAD_USER_INPUT', 5_000]);
  });

  test('trap 5: inline fragments inside each other, which would block validation', async () => {
    const nested = `{${'...on Query{'.repeat(190)}keyspaces{name}${'}'.repeat(190)}}`;
    expect(await refused(nested)).toEqual([400, 'BAD_USER_INPUT', 15]);
  });

  test('a cost that only the variables tell', async () => {
    const field = (i: number): string =>
      `a${i}: range(keyspace: "demo", first: $n) { nodes { current { siblings { dot } } } }`;
    const query = `query($n: Int) { ${[1, 2, 3, 4].map(field).join(' ')} }`;
    expect(await refused(query, { n: 1000 })).toEqual([400, 'BAD_USER_INPUT', 5_000]);
    expect((await send(edge, query, { variables: { n: 10 } })).status).toBe(200);
  });
});

describe('lists and numbers out of bounds', () => {
  const code = async (query: string, variables?: string): Promise<unknown> =>
    (await send(edge, query, variables === undefined ? {} : { variables })).code;

  test('pages of 0, -1, 1001 and 2^31 entries are bad input, as literal and as variable', async () => {
    for (const first of ['0', '-1', '1001', '2147483648']) {
      expect(await code(`{ range(keyspace: "demo", first: ${first}) { session } }`)).toBe(
        'BAD_USER_INPUT',
      );
      const byVariable = 'query($n: Int) { range(keyspace: "demo", last: $n) { session } }';
      expect(await code(byVariable, `{"n":${first}}`)).toBe('BAD_USER_INPUT');
    }
    expect(edge.memory.calls).toEqual([]);
  });

  test('first with last, prefix with bounds, level with number are bad input', async () => {
    expect(await code('{ range(keyspace: "demo", first: 1, last: 1) { session } }')).toBe(
      'BAD_USER_INPUT',
    );
    expect(await code('{ range(keyspace: "demo", prefix: "a", to: "b") { session } }')).toBe(
      'BAD_USER_INPUT',
    );
    expect(
      await code('{ get(keyspace: "demo", key: "a", consistency: ONE, replicas: 1) { session } }'),
    ).toBe('BAD_USER_INPUT');
  });

  test('at most 500 keys, 30 seconds, a second to live', async () => {
    const keys = JSON.stringify({ k: Array.from({ length: 501 }, String) });
    expect(
      await code('query($k: [String!]!) { getMany(keyspace: "demo", keys: $k) { session } }', keys),
    ).toBe('BAD_USER_INPUT');
    expect(await code('{ get(keyspace: "demo", key: "a", timeoutMs: 30001) { session } }')).toBe(
      'BAD_USER_INPUT',
    );
    expect(
      await code(
        'mutation { put(keyspace: "demo", key: "a", value: 1, ttlSeconds: 0) { session } }',
      ),
    ).toBe('BAD_USER_INPUT');
  });
});
