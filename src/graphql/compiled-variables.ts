import {
  getNullableType,
  getVariableValues,
  isLeafType,
  isNonNullType,
  typeFromAST,
  type GraphQLError,
  type GraphQLLeafType,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';

type Values = Readonly<Record<string, unknown>>;

/** A variable whose values are scalars or words of an enum. */
export interface LeafVariable {
  readonly name: string;
  readonly type: GraphQLLeafType;
  readonly isRequired: boolean;
}

/** Undefined where one is a list or an object, or has a default: then graphql-js coerces them. */
export function planVariables(
  schema: GraphQLSchema,
  { variableDefinitions = [] }: OperationDefinitionNode,
): readonly LeafVariable[] | undefined {
  const plan = variableDefinitions.flatMap((definition): LeafVariable[] => {
    const { name } = definition.variable;
    const given = typeFromAST(schema, definition.type);
    const type = getNullableType(given);
    if (definition.defaultValue || !isLeafType(type) || name.value === '__proto__') return [];
    return [{ name: name.value, type, isRequired: isNonNullType(given) }];
  });
  return plan.length === variableDefinitions.length ? plan : undefined;
}

const coercionErrorsMax = 50;

/**
 * `CoerceVariableValues` of the specification. What does not fit is looked at a second time, by
 * graphql-js, which says what is wrong with it.
 */
export function variableValues(
  compiled: {
    readonly schema: GraphQLSchema;
    readonly operation: OperationDefinitionNode;
    readonly variables: readonly LeafVariable[] | undefined;
  },
  given: Values,
): { coerced: Record<string, unknown> } | { errors: readonly GraphQLError[] } {
  const coerced = compiled.variables && coercedLeaves(compiled.variables, given);
  if (coerced) return { coerced };
  const { schema, operation } = compiled;
  const found = getVariableValues(schema, operation.variableDefinitions ?? [], given, {
    maxErrors: coercionErrorsMax,
  });
  return found.errors ? { errors: found.errors } : { coerced: found.coerced };
}

/** Undefined when one does not fit. */
function coercedLeaves(
  plan: readonly LeafVariable[],
  given: Values,
): Record<string, unknown> | undefined {
  const coerced: Record<string, unknown> = {};
  for (const { name, type, isRequired } of plan) {
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    if (value === undefined || value === null) {
      if (isRequired) return undefined;
      if (value === null) coerced[name] = null;
      continue;
    }
    try {
      const parsed: unknown = type.parseValue(value);
      if (parsed === undefined) return undefined;
      coerced[name] = parsed;
    } catch {
      return undefined;
    }
  }
  return coerced;
}
