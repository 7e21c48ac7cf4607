import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { OperationTypeNode, parse, type OperationDefinitionNode } from 'graphql';
import { compile, type ObjectPlan } from '../../src/graphql/compiled-document.ts';
import { PlainResult } from '../../src/graphql/plain-result.ts';
import { RawJson, stringifyResult } from '../../src/graphql/raw-json.ts';
import { createExecutableSchema } from '../../src/graphql/schema.ts';

const document = parse(`{
  one: get(keyspace: "k", key: "a") {
    __typename
    entry { id key current { exists value updatedAt siblings { dot value } } }
    receipt { answered replicas { replica elapsedMs } }
  }
}`);

function plan(): ObjectPlan {
  const operation = document.definitions[0] as OperationDefinitionNode;
  expect(operation.operation).toBe(OperationTypeNode.QUERY);
  const compiled = compile(createExecutableSchema(), document, operation);
  if (!compiled) throw new Error('it is not compiled');
  return compiled.root;
}

const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }));
const orNull = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });
const json = orNull(fc.json().map((one) => new RawJson(one)));
const data = fc.record({
  one: orNull(
    fc.record({
      __typename: fc.constant('GetPayload'),
      entry: fc.record({
        id: text,
        key: text,
        current: fc.record({
          exists: fc.boolean(),
          value: json,
          updatedAt: orNull(text),
          siblings: fc.array(fc.record({ dot: text, value: json })),
        }),
      }),
      receipt: fc.record({
        answered: fc.integer(),
        replicas: fc.array(fc.record({ replica: text, elapsedMs: orNull(fc.double()) })),
      }),
    }),
  ),
});

describe('a plain answer', () => {
  // Guard: `leafText`; with `value.text` printed as a string, or `JSON.stringify` left out, this fails.
  test('is printed as any other result would be, letter by letter', () => {
    const root = plan();
    fc.assert(
      fc.property(data, (one) => {
        expect(new PlainResult(root, one).dataText()).toBe(stringifyResult(one));
      }),
    );
  });
});
