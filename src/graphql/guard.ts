import {
  defaultFieldResolver,
  OperationTypeNode,
  type GraphQLFieldResolver,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
} from 'graphql';
import type { Asked } from '../consistency/store.ts';
import { StoreError } from '../errors.ts';
import { mayActAs } from '../tenancy/principal.ts';
import { askedOf } from './asked.ts';
import { fieldRules, type FieldRule } from './field-rules.ts';
import type { RequestContext } from './request-context.ts';
import { keepSession } from './sessions.ts';

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
    const asked = askedIfAny(rule, args, { context, info });
    const labels = { field: info.fieldName, level: levelLabel(asked) };
    let code = 'OK';
    try {
      allow(rule, context, info);
      const answer: unknown = await resolve(source, args, context, info);
      keepSession(answer, typeof asked === 'string' ? undefined : asked.session, context);
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

/** What the field asks of consistency, as far as it can be told before the field itself is run. */
function askedIfAny(
  rule: FieldRule | undefined,
  args: Record<string, unknown>,
  where: { context: RequestContext; info: GraphQLResolveInfo },
): Asked | 'none' | 'refused' {
  if (rule?.side === undefined) return 'none';
  try {
    return askedOf(rule.side, args, where);
  } catch {
    return 'refused';
  }
}

/** The level that was asked for; few values, for a metric. */
function levelLabel(asked: Asked | 'none' | 'refused'): string {
  if (typeof asked === 'string') return asked;
  return asked.level ?? (asked.replicas === undefined ? 'default' : 'number');
}
