import {
  defaultFieldResolver,
  isObjectType,
  OperationTypeNode,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
} from 'graphql';
import type { Asked } from '../consistency/store.ts';
import { StoreError } from '../errors.ts';
import { mayUse } from '../tenancy/keyspace-patterns.ts';
import { mayActAs, type Principal } from '../tenancy/principal.ts';
import { askedOf } from './asked.ts';
import { isAct, recordAct } from './audit.ts';
import { fieldRules, ruleOf, type FieldRule } from './field-rules.ts';
import type { RequestContext } from './request-context.ts';
import { tracedField, type Resolver } from './traced-field.ts';
import { keepSession } from './sessions.ts';

/**
 * Puts the table of rules in front of every root field, and of the others that it names: the role
 * first, then the keyspace, then the field, then its figures.
 *
 * Around the schema and not in each resolver, so that a new root field is refused until the table
 * names it.
 */
export function guardFields(schema: GraphQLSchema): GraphQLSchema {
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  for (const root of roots) if (root) guardRoot(root);
  const table: Readonly<Record<string, Readonly<Record<string, FieldRule>>>> = fieldRules;
  for (const [type, rules] of Object.entries(table)) {
    const guardedType = schema.getType(type);
    if (!isObjectType(guardedType) || roots.includes(guardedType)) continue;
    for (const [name, rule] of Object.entries(rules)) guardField(guardedType, name, rule);
  }
  return schema;
}

function guardRoot(root: GraphQLObjectType): void {
  for (const field of Object.values(root.getFields())) {
    const rule = ruleOf(root.name, field.name);
    if (field.subscribe)
      field.subscribe = tracedField(root.name, guarded(field.subscribe as Resolver, rule));
    else {
      const resolve = guarded((field.resolve ?? defaultFieldResolver) as Resolver, rule);
      field.resolve = tracedField(root.name, resolve);
    }
  }
}

/** Of a field below the roots only the role is asked: its root field has been counted. */
function guardField(type: GraphQLObjectType, name: string, rule: FieldRule): void {
  const field = type.getFields()[name];
  if (!field) return; // a view of the schema, which hides it
  const resolve = (field.resolve ?? defaultFieldResolver) as Resolver;
  field.resolve = ((source, args, context, info) => {
    allow(rule, args, { context, info });
    return resolve(source, args, context, info);
  }) satisfies Resolver;
}

function guarded(resolve: Resolver, rule: FieldRule | undefined): Resolver {
  return async (source, args, context, info) => {
    const startedMs = context.clock.monotonicMs();
    const asked = askedIfAny(rule, args, { context, info });
    const labels = { field: info.fieldName, level: levelLabel(asked) };
    let code = 'OK';
    let answer: unknown;
    try {
      allow(rule, args, { context, info });
      answer = await resolve(source, args, context, info);
      keepSession(answer, typeof asked === 'string' ? undefined : asked.session, context);
      return answer;
    } catch (error) {
      code = error instanceof StoreError ? error.code : 'INTERNAL_SERVER_ERROR';
      throw error;
    } finally {
      const field = info.fieldName;
      // A refusal is recorded as one, by the engine.
      if (code !== 'FORBIDDEN' && isAct(info.operation.operation, rule))
        await recordAct(context, { field, args, outcome: code, answer });
      context.metrics.requests.inc({ ...labels, code });
      const seconds = (context.clock.monotonicMs() - startedMs) / 1000;
      if (info.operation.operation !== OperationTypeNode.SUBSCRIPTION)
        context.metrics.requestSeconds.observe(labels, seconds);
    }
  };
}

function allow(
  rule: FieldRule | undefined,
  args: Record<string, unknown>,
  where: { context: RequestContext; info: GraphQLResolveInfo },
): void {
  const { principal } = where.context;
  const { fieldName: field } = where.info;
  if (rule === undefined || !mayActAs(principal.role, rule.role)) {
    const needs = rule === undefined ? 'nobody may use it' : `it needs the role ${rule.role}`;
    throw new StoreError('FORBIDDEN', `Field "${field}" is refused: ${needs}`, {
      field,
      ...(rule && { role: rule.role }),
    });
  }
  const keyspace = rule.keyspace && namedBy(rule.keyspace, args);
  if (keyspace !== undefined) allowKeyspace(principal, keyspace);
}

/** Refuses a keyspace that a credential is not for, whether it is there or not. */
export function allowKeyspace(principal: Principal, keyspace: string): void {
  if (mayUse(principal, keyspace)) return;
  const shown = keyspace.slice(0, 64);
  throw new StoreError('FORBIDDEN', `The credential is not for the keyspace "${shown}"`, {
    keyspace: shown,
  });
}

/** The schema makes each of these a string that must be given. */
function namedBy(place: NonNullable<FieldRule['keyspace']>, args: Record<string, unknown>): string {
  const holder = place === 'input.name' ? (args['input'] as Record<string, unknown>) : args;
  return holder[place === 'keyspace' ? 'keyspace' : 'name'] as string;
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
