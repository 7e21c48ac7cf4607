import type { IncomingMessage } from 'node:http';
import { getOperationAST, GraphQLError } from 'graphql';
import type { SubscribePayload } from 'graphql-ws';
import { badInput, StoreError } from '../errors.ts';
import type { Engine, OperationArguments } from '../graphql/engine.ts';
import { memberAt, wholeText } from '../graphql/json-source.ts';
import { preferencesFrom } from '../graphql/preferences.ts';
import { createRequestContext, type Services } from '../graphql/request-context.ts';
import type { Principal } from '../tenancy/principal.ts';
import type { Outbox } from './outbox.ts';

/** What belongs to one socket. */
export interface Connection {
  readonly request: IncomingMessage;
  readonly outbox: Outbox;
  /** Known once `connection_init` was accepted, and until the credential ends. */
  principal: Principal | undefined;
  readonly close: (code: number, reason: string) => void;
  readonly onClosed: (task: () => void) => void;
  /** The text of the message that is being handled. */
  message: string;
  /** Its queries and mutations that are being carried out; not its subscriptions. */
  readonly running: Set<Promise<unknown>>;
  /** Ids of what has no answer yet, and no subscription, even where its client does not want it any more. */
  readonly beginning: Set<string>;
}

type ConnectionParams = Readonly<Record<string, unknown>> | undefined;

/**
 * The credential: from `connection_init`, as browsers cannot set headers of a socket; otherwise the
 * upgrade request's.
 */
export function connectionAuthorization(
  params: ConnectionParams,
  request: IncomingMessage,
): string | undefined {
  return (
    textOf(params, 'authorization') ??
    textOf(params, 'Authorization') ??
    request.headers.authorization
  );
}

/**
 * The operation of a `subscribe` message, parsed and validated; or its errors. Throws what the
 * engine throws.
 */
export function prepareOperation(
  { connectionParams, extra }: { connectionParams?: Record<string, unknown>; extra: Connection },
  payload: SubscribePayload,
  { engine, services }: { engine: Engine; services: Services },
): (OperationArguments & { schema: Engine['schema'] }) | readonly GraphQLError[] {
  // Before anything is awaited: the next message will overwrite it.
  const { message, principal, request } = extra;
  if (principal === undefined)
    throw new StoreError('UNAUTHENTICATED', 'The connection has not been initialised');
  const source = engine.admit(payload, principal);
  if (source === undefined) throw badInput('A document is needed: "query" is empty', 'query');
  const document = engine.parse(source);
  const errors = engine.validate(document, principal);
  if (errors.length > 0) return errors;
  if (!getOperationAST(document, payload.operationName)) {
    const message =
      'The operation to run cannot be determined: name one of the document with "operationName"';
    return [engine.publicError(new GraphQLError(message))];
  }
  const header = (name: string): string | undefined =>
    textOf(connectionParams, name) ?? textOf(request.headers, name);
  return {
    schema: engine.schema,
    document,
    operationName: payload.operationName ?? null,
    variableValues: payload.variables ?? null,
    contextValue: createRequestContext(services, {
      principal,
      transport: 'websocket',
      unheldBytes: message.length,
      preferences: preferencesFrom(header, payload.extensions),
      variablesSource: () => memberAt(wholeText(message), ['payload', 'variables']),
    }),
  };
}

/**
 * The message as graphql-ws takes it: that library wants a query of every operation, also of one that
 * names its document. Every other message is left as it is.
 */
export function withQuery(text: string): string {
  if (!/"(documentId|persistedQuery)"/.test(text)) return text;
  const message = parsedOrNothing(text);
  const payload = message?.payload;
  if (message?.type !== 'subscribe' || typeof payload !== 'object' || payload === null) return text;
  if ('query' in payload) return text;
  return JSON.stringify({ ...message, payload: { ...payload, query: '' } });
}

function parsedOrNothing(text: string): { type?: unknown; payload?: unknown } | undefined {
  try {
    return (JSON.parse(text) ?? undefined) as { type?: unknown; payload?: unknown } | undefined;
  } catch {
    return undefined; // graphql-ws says what is wrong with it
  }
}

/**
 * The refusal of an id whose first operation was completed before it had begun. graphql-ws knows an
 * operation by its id alone: what came of the first would be the second's, and the second's be lost.
 */
export function idInUse(): StoreError {
  const message =
    'The id is still that of an operation that has not come to its end: choose another';
  return badInput(message, 'id');
}

/** The refusal of one operation too many on one socket. */
export function tooManyOperations(limit: number): StoreError {
  const message = `A connection may have at most ${limit} operations open at once`;
  return new StoreError('LIMIT_EXCEEDED', message, { limit, used: limit, retryAfterMs: 1_000 });
}

function textOf(
  record: Readonly<Record<string, unknown>> | undefined,
  name: string,
): string | undefined {
  if (record === undefined || !Object.hasOwn(record, name)) return undefined;
  const value = record[name];
  return typeof value === 'string' ? value : undefined;
}
