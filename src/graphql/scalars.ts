import { GraphQLError, GraphQLScalarType, Kind, type ValueNode } from 'graphql';
import { tooDeep, nestingMax } from './json-variables.ts';
import { RawJson, stringifyResult } from './raw-json.ts';

type Variables = Readonly<Record<string, unknown>> | null | undefined;

/**
 * JSON, as text in both directions. Variables arrive as `RawJson` (json-variables cuts them out of
 * the request); literals are printed
 * from the document, their numbers digit by digit as they were written.
 */
export const JsonScalar = new GraphQLScalarType<RawJson, RawJson>({
  name: 'JSON',
  serialize(value) {
    if (value instanceof RawJson) return value;
    throw new TypeError('a JSON field must be resolved to its exact text');
  },
  parseValue(value) {
    if (value instanceof RawJson) return value;
    throw new GraphQLError('JSON is only accepted from the text of a request');
  },
  parseLiteral: (node, variables) => new RawJson(literalText(node, variables, 1)),
});

function literalText(node: ValueNode, variables: Variables, depth: number): string {
  const isContainer = node.kind === Kind.LIST || node.kind === Kind.OBJECT;
  if (isContainer && depth > nestingMax) throw tooDeep('value', depth);
  switch (node.kind) {
    case Kind.NULL:
      return 'null';
    case Kind.BOOLEAN:
      return String(node.value);
    case Kind.INT:
    case Kind.FLOAT:
      return node.value; // GraphQL's numbers are JSON's, so the token can stand as it is
    case Kind.STRING:
      return JSON.stringify(node.value);
    case Kind.LIST:
      return `[${node.values.map((item) => literalText(item, variables, depth + 1)).join(',')}]`;
    case Kind.OBJECT: {
      // As in GraphQL's own input objects, a member whose variable was not given is left out.
      const given = node.fields.filter(({ value }) => !isMissing(value, variables));
      const member = ({ name, value }: (typeof given)[number]): string =>
        `${JSON.stringify(name.value)}:${literalText(value, variables, depth + 1)}`;
      return `{${given.map(member).join(',')}}`;
    }
    case Kind.VARIABLE:
      return stringifyResult(variables?.[node.name.value] ?? null);
    case Kind.ENUM:
      throw new GraphQLError(`JSON cannot represent the name ${node.value}: write it as a string`, {
        nodes: node,
      });
  }
}

function isMissing(node: ValueNode, variables: Variables): boolean {
  // While the document is validated there are no variables yet, and nothing is missing.
  if (node.kind !== Kind.VARIABLE || variables === null || variables === undefined) return false;
  return variables[node.name.value] === undefined;
}

/**
 * Opaque strings: checked where they are opened (consistency/seal), which knows what they must be
 * bound to.
 */
function opaqueScalar(name: string): GraphQLScalarType<string, string> {
  const accept = (value: unknown): string => {
    if (typeof value === 'string') return value;
    throw new GraphQLError(`${name} must be a string, as it was received`);
  };
  return new GraphQLScalarType({ name, serialize: accept, parseValue: accept });
}

export const CausalContextScalar = opaqueScalar('CausalContext');
export const SessionTokenScalar = opaqueScalar('SessionToken');
export const CursorScalar = opaqueScalar('Cursor');

/** Times leave as ISO 8601 text that the resolvers have made, and come in as the same. */
export const DateTimeScalar = new GraphQLScalarType<string, string>({
  name: 'DateTime',
  serialize(value) {
    if (typeof value === 'string') return value;
    throw new TypeError('a DateTime field must be resolved to ISO 8601 text');
  },
  parseValue(value) {
    if (
      typeof value === 'string' &&
      /^\d{4}-\d\d-\d\dT/.test(value) &&
      !Number.isNaN(Date.parse(value))
    ) {
      return new Date(value).toISOString();
    }
    throw new GraphQLError(
      'DateTime must be a time in ISO 8601, such as "2026-01-31T12:00:00.000Z"',
    );
  },
});
