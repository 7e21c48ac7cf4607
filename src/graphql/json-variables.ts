import {
  getNamedType,
  getNullableType,
  isInputObjectType,
  isInputType,
  isListType,
  typeFromAST,
  type GraphQLInputType,
  type GraphQLNamedInputType,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';
import { badInput } from '../errors.ts';
import { elements, members, nesting, type JsonSource, type Span } from './json-source.ts';
import { RawJson } from './raw-json.ts';

/** Variables as they were parsed, and the text they were parsed from. */
export interface GivenVariables {
  readonly parsed: Readonly<Record<string, unknown>>;
  /** The variables' object; undefined when there was none. Looked for when somebody needs it. */
  readonly source: () => JsonSource | undefined;
}

/**
 * The deepest nesting of a value: deeper ones cost a stack in most of the programs that would read
 * them back.
 */
export const nestingMax = 500;

/**
 * The same variables, with every position whose declared type is JSON replaced by its exact text.
 *
 * By type, not by name: lists, input objects and a lone value where a list is expected are followed
 * as GraphQL coerces them.
 */
export function withRawJson(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  given: GivenVariables,
): Record<string, unknown> {
  const variables = copyOf(given.parsed);
  let source: JsonSource | undefined;
  let spans: ReadonlyMap<string, Span> | undefined;
  for (const definition of operation.variableDefinitions ?? []) {
    const name = definition.variable.name.value;
    const type = typeFromAST(schema, definition.type);
    if (!type || !isInputType(type) || !holdsJson(type)) continue;
    source ??= given.source();
    if (source === undefined) return variables;
    spans ??= members(source.text, source.span);
    const span = spans.get(name);
    if (span === undefined) continue;
    variables[name] = cut(type, variables[name], { text: source.text, span, field: name });
  }
  return variables;
}

/** Whether `withRawJson` has anything to do for an operation. */
export function hasJsonVariables(
  schema: GraphQLSchema,
  { variableDefinitions = [] }: OperationDefinitionNode,
): boolean {
  return variableDefinitions.some((definition) => {
    const type = typeFromAST(schema, definition.type);
    return type !== undefined && isInputType(type) && holdsJson(type);
  });
}

interface Place {
  readonly text: string;
  readonly span: Span;
  /** The variable, for messages. */
  readonly field: string;
}

function cut(givenType: GraphQLInputType, value: unknown, place: Place): unknown {
  const type = getNullableType(givenType);
  // A null is GraphQL's own, whatever the type: only its position decides whether it is allowed.
  if (value === null || value === undefined) return value;
  const { text, span } = place;
  if (isListType(type)) {
    if (!Array.isArray(value)) return cut(type.ofType, value, place);
    const spans = elements(text, span);
    return value.map((item: unknown, index) => {
      const at = spans[index];
      return at === undefined ? item : cut(type.ofType, item, { ...place, span: at });
    });
  }
  if (isInputObjectType(type)) {
    if (typeof value !== 'object') return value;
    const copy = copyOf(value);
    const spans = members(text, span);
    for (const field of Object.values(type.getFields())) {
      const at = spans.get(field.name);
      if (at === undefined || !holdsJson(field.type)) continue;
      copy[field.name] = cut(field.type, copy[field.name], { ...place, span: at });
    }
    return copy;
  }
  return type.name === 'JSON' ? rawJson(place) : value;
}

/** Without a prototype: a member may be called `__proto__`. */
function copyOf(record: object): Record<string, unknown> {
  return Object.assign(Object.create(null) as Record<string, unknown>, record);
}

function rawJson({ text, span, field }: Place): RawJson {
  const depth = nesting(text, span);
  if (depth > nestingMax) throw tooDeep(field, depth);
  return new RawJson(text.slice(span.start, span.end));
}

/** The refusal of a value that is nested too deeply. */
export function tooDeep(field: string, depth: number): Error {
  const message = `A JSON value must be nested at most ${nestingMax} levels deep, and "${field}" is nested ${depth} levels deep`;
  return badInput(message, field, { limit: nestingMax, value: depth });
}

const verdicts = new WeakMap<GraphQLNamedInputType, boolean>();

/** Whether a value of this type can have JSON anywhere in it. */
function holdsJson(type: GraphQLInputType): boolean {
  const named = getNamedType(type);
  const known = verdicts.get(named);
  if (known !== undefined) return known;
  // Until it is known: an input object that holds itself adds nothing to the answer.
  verdicts.set(named, false);
  const verdict = isInputObjectType(named)
    ? Object.values(named.getFields()).some((field) => holdsJson(field.type))
    : named.name === 'JSON';
  verdicts.set(named, verdict);
  return verdict;
}
