import type { GraphQLFieldResolver } from 'graphql';
import type { LevelledReceipt } from '../consistency/store.ts';
import type { Span } from '../runtime/tracing.ts';
import type { RequestContext } from './request-context.ts';

export type Resolver = GraphQLFieldResolver<unknown, RequestContext, Record<string, unknown>>;

/** A root field as a span, which says what it was really given. */
export function tracedField(type: string, resolve: Resolver): Resolver {
  return (source, args, context, info) => {
    const { tracing } = context;
    if (!tracing.isOn) return resolve(source, args, context, info);
    const { keyspace } = args;
    const attributes = typeof keyspace === 'string' ? { 'quorate.keyspace': keyspace } : {};
    return tracing.within(`${type}.${info.fieldName}`, attributes, async (span) => {
      const answer: unknown = await resolve(source, args, context, info);
      tell(span, answer);
      return answer;
    });
  };
}

function tell(span: Span, answer: unknown): void {
  span.set({ 'quorate.outcome': 'OK' });
  const receipt = (answer as { receipt?: LevelledReceipt } | null | undefined)?.receipt;
  if (receipt === undefined) return;
  span.set({
    'quorate.level': receipt.level ?? 'number',
    'quorate.quorum.required': receipt.required,
    'quorate.quorum.answered': receipt.answered,
  });
}
