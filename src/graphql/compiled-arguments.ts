import {
  getArgumentValues,
  isNonNullType,
  Kind,
  valueFromAST,
  visit,
  type FieldNode,
  type GraphQLArgument,
  type GraphQLField,
  type ValueNode,
} from 'graphql';

type Values = Readonly<Record<string, unknown>>;

/** The arguments of a field, with all done that does not depend on the variables. */
export interface ArgumentsPlan {
  readonly constants: Values;
  readonly variables: readonly VariableArgument[];
}

/** An argument that is a variable, and not only holds one. */
interface VariableArgument {
  readonly name: string;
  readonly variable: string;
  readonly isRequired: boolean;
  /** What stands where the variable is not given; undefined for none. */
  readonly otherwise: unknown;
}

const nothing: ArgumentsPlan = { constants: Object.freeze({}), variables: [] };

/**
 * Undefined for what is seldom asked, or fails whatever the variables are: then graphql-js finds the
 * values each time, and says what is wrong with them.
 */
export function planArguments(
  field: GraphQLField<unknown, unknown>,
  node: FieldNode,
): ArgumentsPlan | undefined {
  if (field.args.length === 0) return nothing;
  const constants: Record<string, unknown> = {};
  const variables: VariableArgument[] = [];
  for (const definition of field.args) {
    const { name, type, defaultValue } = definition;
    const given = node.arguments?.find((argument) => argument.name.value === name)?.value;
    if (given?.kind === Kind.VARIABLE) {
      const variable = given.name.value;
      variables.push({ name, variable, isRequired: isNonNullType(type), otherwise: defaultValue });
      continue;
    }
    const value = given ? constantOf(definition, given) : defaultValue;
    if (value === undefined && (given || isNonNullType(type))) return undefined;
    if (value !== undefined) constants[name] = value;
  }
  return { constants, variables };
}

/** Undefined where a variable is in it, or where it does not fit. */
function constantOf({ type }: GraphQLArgument, given: ValueNode): unknown {
  const found = { variable: false };
  visit(given, { Variable: () => void (found.variable = true) });
  return found.variable ? undefined : valueFromAST(given, type);
}

/** `CoerceArgumentValues` of the specification. Throws the errors of graphql-js. */
export function argumentValues(
  {
    field,
    node,
    plan,
  }: {
    readonly field: GraphQLField<unknown, unknown>;
    readonly node: FieldNode;
    readonly plan: ArgumentsPlan | undefined;
  },
  given: Values,
): Values {
  if (!plan) return getArgumentValues(field, node, given);
  if (plan.variables.length === 0) return plan.constants;
  const values: Record<string, unknown> = { ...plan.constants };
  for (const { name, variable, isRequired, otherwise } of plan.variables) {
    const isGiven = Object.hasOwn(given, variable);
    const value = isGiven ? given[variable] : otherwise;
    const isAmiss = value === undefined ? isGiven || isRequired : value === null && isRequired;
    if (isAmiss) return getArgumentValues(field, node, given);
    if (value !== undefined) values[name] = value;
  }
  return values;
}
