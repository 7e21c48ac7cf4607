import { expect, test } from '@jest/globals';
import { getIntrospectionQuery, parse } from 'graphql';
import { measure } from '../../src/graphql/document-metrics.ts';
import { defaultLimits } from '../support/edge.ts';

test('the query that GraphiQL and code generators begin with is within the default limits', () => {
  const options = {
    specifiedByUrl: true,
    directiveIsRepeatable: true,
    inputValueDeprecation: true,
    oneOf: true,
  };
  const { depth, cost } = measure(
    parse(getIntrospectionQuery(options), { maxTokens: defaultLimits.tokens }),
  );
  expect(depth).toBeLessThanOrEqual(defaultLimits.depth);
  expect(cost).toBeLessThanOrEqual(defaultLimits.cost);
});

test('a full page of entries with their siblings is within the default limits', () => {
  const query = `{ range(keyspace: "a", first: 1000) { edges { cursor node { id key current { revision value inConflict context } } } } }`;
  expect(measure(parse(query)).cost).toBeLessThanOrEqual(defaultLimits.cost);
});

test('a chain of fragments that each spread the next twice is counted in as many steps as there are fragments', () => {
  const chain = Array.from(
    { length: 25 },
    (_, i) => `fragment f${i} on Query { a${i} { ...f${i + 1} } b${i} { ...f${i + 1} } }`,
  );
  const document = parse(`{ ...f0 } ${chain.join(' ')} fragment f25 on Query { leaf }`);
  expect(measure(document)).toMatchObject({ depth: 26 });
  expect(measure(document).cost).toBeGreaterThan(2 ** 25);
});

test('a cycle of fragments is counted once: validation will name it', () => {
  expect(
    measure(parse('{ ...a } fragment a on Query { x { ...b } } fragment b on Query { y { ...a } }'))
      .depth,
  ).toBe(2);
});

test('inline fragments inside each other are depth', () => {
  expect(measure(parse(`{ ${'... { '.repeat(40)} a ${'}'.repeat(40)} }`)).depth).toBe(41);
});

test('a list that a variable fills is counted when the variables are known', () => {
  const document = parse(
    'query($k: [String!]!) { getMany(keyspace: "a", keys: $k) { entries { current { value } } } }',
  );
  expect(measure(document).costNeedsVariables).toBe(true);
  const keys = Array.from({ length: 500 }, String);
  expect(measure(document, { k: keys }).cost).toBeGreaterThan(measure(document).cost * 100);
});

// The guard: `defaultsIn`. Without it a list of any length costs as much as a list of one.
test('a list that the default of a variable fills is counted as if it stood in its place', () => {
  const keys = JSON.stringify(Array.from({ length: 500 }, String));
  const ask = (type: string, by: string, field: string) => ({
    direct: parse(`{ ${field.replace('$v', by)} { edges { node { key } } } }`),
    byDefault: parse(`query ($v: ${type} = ${by}) { ${field} { edges { node { key } } } }`),
  });
  for (const [type, by, field] of [
    ['[String!]', keys, 'getMany(keys: $v)'],
    ['Int', '700', 'range(first: $v)'],
  ] as const) {
    const { direct, byDefault } = ask(type, by, field);
    expect(measure(byDefault, {}).cost).toBe(measure(direct).cost);
    expect(measure(byDefault, { v: by === keys ? ['a'] : 1 }).cost).toBeLessThan(10);
  }
});
