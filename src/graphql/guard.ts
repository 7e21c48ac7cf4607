import {
  defaultFieldResolver,
  OperationTypeNode,
  type GraphQLFieldResolver,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
} from 'graphql';
import { StoreError } from '../errors.ts';
import { mayActAs } from '../tenancy/principal.ts';
import { askedOf } from './asked.ts';
import { fieldRules, type FieldRule } from './field-rules.ts';
import type { RequestContext } from './request-context.ts';

type Resolver = GraphQLFieldResolver<unknown, RequestContext, Record<string, unknown>>;

/**
 * Puts the table of rules in front of every root field: the role first, then the field, then its
 * figures.
 *
 * Around the schema and not in each resolver, so that a new field is refused until the table names
 * it.
 */
export function guardRootFields(schema: GraphQLSchema): GraphQLSchema {
  for (const root of [
    schema.getQueryType(),
    schema.getMutationType(),
    schema.getSubscriptionType(),
  ]) {
    if (root) guardType(root);
  }
  return schema;
}

function guardType(root: GraphQLObjectType): void {
  const rules: Readonly<Record<string, FieldRule>> = Object.hasOwn(fieldRules, root.name)
    ? fieldRules[root.name as keyof typeof fieldRules]
    : {};
  for (const field of Object.values(root.getFields())) {
    const rule = rules[field.name];
    if (field.subscribe) field.subscribe = guarded(field.subscribe as Resolver, rule);
    else field.resolve = guarded((field.resolve ?? defaultFieldResolver) as Resolver, rule);
  }
}

function guarded(resolve: Resolver, rule: FieldRule | undefined): Resolver {
  return async (source, args, context, info) => {
    const startedMs = context.clock.monotonicMs();
    const labels = { field: info.fieldName, level: levelLabel(rule, args, { context, info }) };
    let code = 'OK';
    try {
      allow(rule, context, info);
      const answer: unknown = await resolve(source, args, context, info);
      keepSession(answer, context);
      return answer;
    } catch (error) {
      code = error instanceof StoreError ? error.code : 'INTERNAL_SERVER_ERROR';
      throw error;
    } finally {
      context.metrics.requests.inc({ ...labels, code });
      const seconds = (context.clock.monotonicMs() - startedMs) / 1000;
      if (info.operation.operation !== OperationTypeNode.SUBSCRIPTION)
        context.metrics.requestSeconds.observe(labels, seconds);
    }
  };
}

function allow(
  rule: FieldRule | undefined,
  { principal }: RequestContext,
  info: GraphQLResolveInfo,
): void {
  if (rule !== undefined && mayActAs(principal, rule.role)) return;
  const needs = rule === undefined ? 'nobody may use it' : `it needs the role ${rule.role}`;
  throw new StoreError('FORBIDDEN', `Field "${info.fieldName}" is refused: ${needs}`, {
    field: info.fieldName,
    ...(rule && { role: rule.role }),
  });
}

/**
 * A token that the answer carries goes along in the header too, and to the mutation fields that
 * follow.
 */
function keepSession(answer: unknown, context: RequestContext): void {
  if (typeof answer !== 'object' || answer === null || !('session' in answer)) return;
  if (typeof answer.session === 'string') context.outgoing.session = answer.session;
}

/** The level that was asked for; few values, for a metric. */
function levelLabel(
  rule: FieldRule | undefined,
  args: Record<string, unknown>,
  where: { context: RequestContext; info: GraphQLResolveInfo },
): string {
  if (rule?.side === undefined) return 'none';
  try {
    const { level, replicas } = askedOf(rule.side, args, where);
    return level ?? (replicas === undefined ? 'default' : 'number');
  } catch {
    return 'refused';
  }
}
