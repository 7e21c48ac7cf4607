import { getDirectiveValues, type GraphQLResolveInfo } from 'graphql';
import type { LevelName } from '../consistency/levels.ts';
import type { Asked } from '../consistency/store.ts';
import { badInput } from '../errors.ts';
import { given, within } from './arguments.ts';
import type { RequestContext } from './request-context.ts';
import { carriedSession } from './sessions.ts';

/** The arguments that a field has for consistency; each field has some of them. */
interface FieldArguments {
  readonly consistency?: LevelName | null | undefined;
  readonly replicas?: number | null | undefined;
  readonly session?: string | null | undefined;
  readonly timeoutMs?: number | null | undefined;
}

const timeoutMsMax = 30_000;
const replicasMax = 1_000;

/**
 * What a field asks of consistency: its own arguments, then `@consistency` on the operation, then
 * the request's headers. What none of
 * them says is left to the keyspace's defaults. Pure: asked twice, it answers the same.
 */
export function askedOf(
  side: 'read' | 'write',
  args: FieldArguments,
  { context, info }: { context: RequestContext; info: GraphQLResolveInfo },
): Asked {
  const directive = directiveOf(info);
  if (given(args.replicas) !== undefined && given(args.consistency) !== undefined) {
    throw badInput('Give either "consistency" or "replicas", not both', 'replicas');
  }
  const replicas = within('replicas', args.replicas, { min: 1, max: replicasMax });
  const level = given(args.consistency) ?? directive[side] ?? context.preferences[side];
  const carried = carriedSession(context, info.operation.operation);
  return {
    // A number is a field's own argument, and so goes before a level of the operation or the
    // headers.
    level: replicas === undefined ? level : undefined,
    replicas,
    session: given(args.session) ?? carried ?? directive.session ?? context.preferences.session,
    timeoutMs:
      within('timeoutMs', args.timeoutMs, { min: 1, max: timeoutMsMax }) ?? directive.timeoutMs,
    answer: context.answer,
  };
}

interface Directive {
  readonly read: LevelName | undefined;
  readonly write: LevelName | undefined;
  readonly session: string | undefined;
  readonly timeoutMs: number | undefined;
}

const none: Directive = {
  read: undefined,
  write: undefined,
  session: undefined,
  timeoutMs: undefined,
};

function directiveOf({ schema, operation, variableValues }: GraphQLResolveInfo): Directive {
  if (!operation.directives || operation.directives.length === 0) return none;
  const definition = schema.getDirective('consistency');
  const values = definition && getDirectiveValues(definition, operation, variableValues);
  if (!values) return none;
  const timeoutMs = within('timeoutMs', values['timeoutMs'] as number | null | undefined, {
    min: 1,
    max: timeoutMsMax,
  });
  return {
    read: given(values['read'] as LevelName | null | undefined),
    write: given(values['write'] as LevelName | null | undefined),
    session: given(values['session'] as string | null | undefined),
    timeoutMs,
  };
}
