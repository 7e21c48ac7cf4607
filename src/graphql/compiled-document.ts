import {
  defaultFieldResolver,
  GraphQLSkipDirective,
  GraphQLIncludeDirective,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  OperationTypeNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLFieldResolver,
  type GraphQLLeafType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import { planArguments, type ArgumentsPlan } from './compiled-arguments.ts';
import { planVariables, type LeafVariable } from './compiled-variables.ts';
import { hasJsonVariables } from './json-variables.ts';

/** An operation with everything decided that does not depend on its variables or its data. */
export interface CompiledOperation {
  readonly schema: GraphQLSchema;
  readonly operation: OperationDefinitionNode;
  readonly fragments: Readonly<Record<string, FragmentDefinitionNode>>;
  readonly variables: readonly LeafVariable[] | undefined;
  /** Whether a variable may hold JSON, which is cut out of the request's text. */
  readonly holdsJson: boolean;
  readonly root: ObjectPlan;
}

/** What is asked of an object: fields of one name are one already. */
export interface ObjectPlan {
  readonly type: GraphQLObjectType;
  readonly fields: readonly FieldPlan[];
}

export interface FieldPlan {
  readonly key: string;
  /** The key as an answer prints it, with its colon. */
  readonly label: string;
  readonly nodes: readonly FieldNode[];
  readonly field: GraphQLField<unknown, unknown>;
  readonly parent: GraphQLObjectType;
  /** Undefined: a property of the source, or what it returns when it is a function. */
  readonly resolve: GraphQLFieldResolver<unknown, unknown> | undefined;
  readonly args: ArgumentsPlan | undefined;
  readonly value: ValuePlan;
}

export type ValuePlan =
  | { readonly kind: 'nonNull'; readonly of: ValuePlan }
  | { readonly kind: 'list'; readonly of: ValuePlan }
  | { readonly kind: 'leaf'; readonly type: GraphQLLeafType }
  | { readonly kind: 'typeName'; readonly name: string }
  | { readonly kind: 'object'; readonly plan: ObjectPlan };

/** What this compiler leaves to graphql-js. */
class NotCompiled extends Error {}

/**
 * Compiles an operation of a validated document; undefined for what is seldom asked and is left to
 * graphql-js: subscriptions, introspection, `@skip` and `@include`, interfaces and unions.
 *
 * Own work, and not graphql-jit: that drops the `locations` of errors, and coerces by rules of its
 * own. What it would gain over this by generating code is little beside what a request costs.
 */
export function compile(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): CompiledOperation | undefined {
  if (operation.operation === OperationTypeNode.SUBSCRIPTION) return undefined;
  const type = schema.getRootType(operation.operation);
  if (!type) return undefined;
  const fragments = fragmentsOf(document);
  try {
    const root = new Compiler(fragments).object(type, [operation.selectionSet]);
    const variables = planVariables(schema, operation);
    const holdsJson = hasJsonVariables(schema, operation);
    return { schema, operation, fragments, variables, holdsJson, root };
  } catch (error) {
    if (error instanceof NotCompiled) return undefined;
    throw error;
  }
}

function fragmentsOf({ definitions }: DocumentNode): Record<string, FragmentDefinitionNode> {
  const fragments = Object.create(null) as Record<string, FragmentDefinitionNode>;
  for (const definition of definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments[definition.name.value] = definition;
  return fragments;
}

/** Fields that a document may hold once all its fragments are spread; beyond that it is run unspread. */
const fieldsMax = 2_000;

class Compiler {
  readonly #fragments: Readonly<Record<string, FragmentDefinitionNode>>;
  #fields = 0;

  constructor(fragments: Readonly<Record<string, FragmentDefinitionNode>>) {
    this.#fragments = fragments;
  }

  object(type: GraphQLObjectType, selections: readonly SelectionSetNode[]): ObjectPlan {
    if (type.isTypeOf) throw new NotCompiled();
    const grouped = new Map<string, FieldNode[]>();
    const visited = new Set<string>();
    for (const selection of selections) this.#collect(type, selection, { grouped, visited });
    // What is asked for becomes a plain object, of which this would be the prototype.
    if (grouped.has('__proto__')) throw new NotCompiled();
    return { type, fields: [...grouped].map(([key, nodes]) => this.#field(type, key, nodes)) };
  }

  /** `CollectFields` of the specification, for a type that is known beforehand. */
  #collect(
    type: GraphQLObjectType,
    { selections }: SelectionSetNode,
    into: { grouped: Map<string, FieldNode[]>; visited: Set<string> },
  ): void {
    for (const selection of selections) {
      const isConditional = selection.directives?.some(({ name }) =>
        [GraphQLSkipDirective.name, GraphQLIncludeDirective.name].includes(name.value),
      );
      if (isConditional || ++this.#fields > fieldsMax) throw new NotCompiled();
      if (selection.kind === Kind.FIELD) {
        const key = (selection.alias ?? selection.name).value;
        const nodes = into.grouped.get(key);
        if (nodes) nodes.push(selection);
        else into.grouped.set(key, [selection]);
        continue;
      }
      if (selection.kind === Kind.INLINE_FRAGMENT) {
        this.#sameType(type, selection.typeCondition?.name.value);
        this.#collect(type, selection.selectionSet, into);
        continue;
      }
      const name = selection.name.value;
      if (into.visited.has(name)) continue;
      into.visited.add(name);
      const fragment = this.#fragments[name];
      if (!fragment) throw new NotCompiled();
      this.#sameType(type, fragment.typeCondition.name.value);
      this.#collect(type, fragment.selectionSet, into);
    }
  }

  #sameType(type: GraphQLObjectType, condition: string | undefined): void {
    if (condition !== undefined && condition !== type.name) throw new NotCompiled();
  }

  #field(parent: GraphQLObjectType, key: string, nodes: readonly FieldNode[]): FieldPlan {
    const [node] = nodes;
    const name = node?.name.value ?? '';
    if (name === '__typename') return typeNameField(parent, key, nodes);
    const field = parent.getFields()[name] as GraphQLField<unknown, unknown> | undefined;
    if (!field || !node) throw new NotCompiled();
    const resolve = field.resolve === defaultFieldResolver ? undefined : field.resolve;
    const inner = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
    const value = this.#value(field.type, inner);
    const args = planArguments(field, node);
    return { key, label: labelOf(key), nodes, field, parent, resolve, args, value };
  }

  #value(type: GraphQLOutputType, inner: readonly SelectionSetNode[]): ValuePlan {
    if (isNonNullType(type)) return { kind: 'nonNull', of: this.#value(type.ofType, inner) };
    if (isListType(type)) return { kind: 'list', of: this.#value(type.ofType, inner) };
    if (isLeafType(type)) return { kind: 'leaf', type };
    if (isObjectType(type)) return { kind: 'object', plan: this.object(type, inner) };
    throw new NotCompiled();
  }
}

function typeNameField(
  parent: GraphQLObjectType,
  key: string,
  nodes: readonly FieldNode[],
): FieldPlan {
  const [field] = Object.values<GraphQLField<unknown, unknown>>(parent.getFields());
  if (!field) throw new NotCompiled();
  const value = { kind: 'typeName', name: parent.name } as const;
  const none = { resolve: undefined, args: undefined };
  return { key, label: labelOf(key), nodes, field, parent, ...none, value };
}

function labelOf(key: string): string {
  return `${JSON.stringify(key)}:`;
}

/** What has been compiled, as long as somebody remembers the document. */
export class CompiledDocuments {
  readonly #schema: GraphQLSchema;
  readonly #known = new WeakMap<OperationDefinitionNode, CompiledOperation | 'left'>();

  constructor(schema: GraphQLSchema) {
    this.#schema = schema;
  }

  of(
    document: DocumentNode,
    operation: OperationDefinitionNode,
    schema: GraphQLSchema,
  ): CompiledOperation | undefined {
    if (schema !== this.#schema) return undefined; // somebody's view of it
    const known = this.#known.get(operation);
    if (known) return known === 'left' ? undefined : known;
    const compiled = compile(schema, document, operation);
    this.#known.set(operation, compiled ?? 'left');
    return compiled;
  }
}
