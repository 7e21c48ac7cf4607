import { OperationTypeNode } from 'graphql';
import type { RequestContext } from './request-context.ts';

/** Whether the client sent several tokens, which `withOneSession` joins. */
export function cameWithSeveral({ preferences: { session } }: RequestContext): boolean {
  return session?.includes(',') === true;
}

/** The tokens that the client sent are joined once, and not by every field again. */
export async function withOneSession(context: RequestContext): Promise<RequestContext> {
  const { preferences, store, principal } = context;
  const session = await store.joinSessions(principal, [preferences.session ?? '']);
  return { ...context, preferences: { ...preferences, session } };
}

/**
 * An operation has been run, in the context that it came with or in the one of its joined session:
 * several tokens that its fields leave are joined behind them. Undefined: nothing is left to do.
 */
export function leaveOneSession(
  one: RequestContext,
  came: RequestContext,
): Promise<void> | undefined {
  const { outgoing, preferences } = one;
  const cameJoined = one === came ? undefined : preferences.session;
  // Who sent several has one to keep now, whatever the operation was about.
  if (outgoing.sessions.length === 0 && cameJoined !== undefined) outgoing.sessions = [cameJoined];
  return outgoing.sessions.length > 1 ? settle(one) : undefined;
}

/**
 * What does not fit into one token leaves as it is: the tokens say the same together, and the
 * answer is not worth losing for it.
 */
async function settle({ outgoing, store, principal }: RequestContext): Promise<void> {
  outgoing.sessions = await store.joinSessions(principal, outgoing.sessions).then(
    (session) => [session],
    () => outgoing.sessions,
  );
}

/** The token that a field of a mutation goes on from: the one of the field before it. */
export function carriedSession(
  context: RequestContext,
  operation: OperationTypeNode,
): string | undefined {
  const { sessions } = context.outgoing;
  if (operation !== OperationTypeNode.MUTATION || sessions.length === 0) return undefined;
  return sessions.join(',');
}

/**
 * Keeps the token of a field's answer for the transport, and for the mutation fields that follow.
 *
 * Invariant: what leaves with the answer covers what came with the request. So a token takes the
 * place of the one that its field was given, and stands beside the others: fields of a query run
 * side by side, and a field with a `session` of its own knows nothing of the operation's.
 */
export function keepSession(
  answer: unknown,
  given: string | undefined,
  { outgoing, preferences }: RequestContext,
): void {
  if (typeof answer !== 'object' || answer === null || !('session' in answer)) return;
  const { session } = answer;
  if (typeof session !== 'string') return;
  if (outgoing.sessions.length === 0 && preferences.session === given) {
    outgoing.sessions = [session];
    return;
  }
  const came = preferences.session === undefined ? [] : [preferences.session];
  const before = outgoing.sessions.length > 0 ? outgoing.sessions : came;
  const others = before.join(',') === (given ?? '') ? [] : before;
  outgoing.sessions = [...new Set([...others, session])];
}

/** The token that leaves with the answer: as a header, or in its `extensions` when it came so. */
export function leavingSession({ outgoing, preferences, transport }: RequestContext): {
  readonly header?: string;
  readonly extension?: string;
} {
  if (outgoing.sessions.length === 0) return {};
  const session = outgoing.sessions.join(',');
  const hasHeaders = transport === 'http' && preferences.sessionIn !== 'extensions';
  return hasHeaders ? { header: session } : { extension: session };
}
