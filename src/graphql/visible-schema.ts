import {
  isTypeDefinitionNode,
  Kind,
  validate,
  visit,
  type DefinitionNode,
  type DocumentNode,
  type GraphQLError,
  type GraphQLSchema,
  type TypeDefinitionNode,
} from 'graphql';
import { StoreError } from '../errors.ts';
import { mayActAs, type Role } from '../tenancy/principal.ts';
import { validated } from './documents.ts';
import { ruleOf } from './field-rules.ts';
import { createExecutableSchema } from './schema.ts';

/** What introspection shows to whom. */
export interface VisibleSchemas {
  /**
   * The schema to run a document on: for one that introspects, what `role` may see. FORBIDDEN when it
   * also asks for what it may not.
   */
  of(document: DocumentNode, role: Role): GraphQLSchema;
  /**
   * What is wrong with a document that is not valid, in the words of what `role` may see: a suggestion
   * must not name what introspection hides.
   */
  explain(
    document: DocumentNode,
    role: Role,
    errors: readonly GraphQLError[],
  ): readonly GraphQLError[];
}

interface View {
  readonly schema: GraphQLSchema;
  readonly fits: WeakMap<DocumentNode, boolean>;
  readonly errors: WeakMap<DocumentNode, readonly GraphQLError[]>;
}

const roots = ['Query', 'Mutation', 'Subscription'];

/** `everything`: introspection hides nothing from anybody. */
export function createVisibleSchemas(
  schema: GraphQLSchema,
  introspection: 'everything' | 'by role',
): VisibleSchemas {
  const views = new Map<Role, View>();
  const isIntrospective = remembered(introspects);
  const viewOf = (role: Role): View => {
    const known = views.get(role);
    if (known) return known;
    const view = {
      schema: createExecutableSchema((all) => visibleTo(role, all)),
      fits: new WeakMap<DocumentNode, boolean>(),
      errors: new WeakMap<DocumentNode, readonly GraphQLError[]>(),
    };
    views.set(role, view);
    return view;
  };
  return {
    of(document, role) {
      if (introspection === 'everything' || !isIntrospective(document)) return schema;
      const view = viewOf(role);
      const fits = view.fits.get(document) ?? validate(view.schema, document).length === 0;
      view.fits.set(document, fits);
      if (fits) return view.schema;
      throw new StoreError(
        'FORBIDDEN',
        `The document introspects, and asks for what the role ${role} may not use`,
        { role },
      );
    },
    explain(document, role, errors) {
      if (introspection === 'everything') return errors;
      const view = viewOf(role);
      const seen = view.errors.get(document) ?? validated(view.schema, document);
      view.errors.set(document, seen);
      return seen;
    },
  };
}

/** The definitions without the fields that a role may not use, and without what only those need. */
export function visibleTo(role: Role, { definitions, ...rest }: DocumentNode): DocumentNode {
  const open = definitions.map((definition) => withoutHidden(role, definition));
  const types = open.filter(isTypeDefinitionNode);
  const named = new Map(types.map((type) => [type.name.value, type]));
  const reached = new Set<string>();
  const reach = (name: string): void => {
    const definition = named.get(name);
    if (reached.has(name) || !definition) return;
    reached.add(name);
    for (const next of namesIn(definition)) reach(next);
    for (const type of types) if (implementsIt(type, name)) reach(type.name.value);
  };
  roots.forEach(reach);
  const directives = open.filter(({ kind }) => kind === Kind.DIRECTIVE_DEFINITION);
  directives.flatMap(namesIn).forEach(reach);
  const kept = open.filter((one) => !isTypeDefinitionNode(one) || reached.has(one.name.value));
  return { ...rest, definitions: kept };
}

function withoutHidden(role: Role, definition: DefinitionNode): DefinitionNode {
  if (definition.kind !== Kind.OBJECT_TYPE_DEFINITION) return definition;
  const type = definition.name.value;
  const fields = definition.fields?.filter(({ name }) => {
    const rule = ruleOf(type, name.value);
    return rule ? mayActAs(role, rule.role) : !roots.includes(type);
  });
  return { ...definition, ...(fields && { fields }) };
}

function namesIn(definition: DefinitionNode): readonly string[] {
  const names: string[] = [];
  visit(definition, { NamedType: ({ name }) => void names.push(name.value) });
  return names;
}

function implementsIt(type: TypeDefinitionNode, name: string): boolean {
  return 'interfaces' in type && (type.interfaces ?? []).some((one) => one.name.value === name);
}

function introspects(document: DocumentNode): boolean {
  let found = false;
  visit(document, {
    Field: ({ name: { value } }) => {
      found ||= value === '__schema' || value === '__type';
    },
  });
  return found;
}

function remembered(
  tell: (document: DocumentNode) => boolean,
): (document: DocumentNode) => boolean {
  const known = new WeakMap<DocumentNode, boolean>();
  return (document) => {
    const before = known.get(document);
    if (before !== undefined) return before;
    const verdict = tell(document);
    known.set(document, verdict);
    return verdict;
  };
}
