import { GraphQLError } from 'graphql';
import { failures, StoreError, type FailureCode } from '../errors.ts';
import type { Log } from '../runtime/log.ts';
import type { Random } from '../runtime/random.ts';

/** Failures that GraphQL itself names, before anything was run. */
type DocumentCode = (typeof documentCodes)[number];

const documentCodes = [
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'PERSISTED_QUERY_NOT_FOUND',
  'PERSISTED_QUERY_NOT_SUPPORTED',
] as const;

/**
 * Codes of the libraries below us for requests that are not GraphQL requests at all; to clients
 * they are bad input.
 */
const foreignCodes: readonly unknown[] = ['BAD_REQUEST', 'OPERATION_RESOLUTION_FAILURE'];

interface Deps {
  readonly log: Log;
  readonly random: Random;
}

/**
 * The error as a client may see it: a code of the table, whether something may have been written,
 * whether to try again.
 *
 * What nobody foresaw becomes INTERNAL_SERVER_ERROR with an `errorId` and nothing else; the log
 * holds the rest under that id.
 */
export function publicError(error: unknown, { log, random }: Deps): GraphQLError {
  const given = error instanceof GraphQLError ? error : undefined;
  const failure = storeErrorIn(error);
  if (failure !== undefined) return withExtensions(failure.message, given, extensionsOf(failure));
  const request = given && requestError(given);
  if (request !== undefined) return request;
  const errorId = random.uuid();
  log.error({ errorId, err: given?.originalError ?? error, path: given?.path }, 'unexpected error');
  return withExtensions(
    'Something went wrong in the gateway; its log has the details under this errorId',
    given,
    {
      code: 'INTERNAL_SERVER_ERROR',
      outcome: 'UNKNOWN',
      retryable: false,
      errorId,
    },
  );
}

/**
 * The error when it is about the request itself, or has been made public already; undefined when it
 * is not.
 */
function requestError(given: GraphQLError): GraphQLError | undefined {
  const { code, http } = given.extensions;
  if (isDocumentCode(code)) {
    return withExtensions(given.message, given, {
      outcome: 'NONE',
      retryable: false,
      ...given.extensions,
    });
  }
  if (isPublicCode(code)) {
    const { outcome, retry } = failures[code];
    return withExtensions(given.message, given, { outcome, retryable: retry, ...given.extensions });
  }
  if (!foreignCodes.includes(code) && !isClientMistake(given)) return undefined;
  const extensions = { code: 'BAD_USER_INPUT', outcome: 'NONE', retryable: false };
  return withExtensions(
    given.message,
    given,
    http === undefined ? extensions : { ...extensions, http },
  );
}

/**
 * A syntax error, a limit or a coercion: what graphql-js throws about the request itself has no
 * cause below it.
 */
function isClientMistake(error: GraphQLError): boolean {
  if (error.originalError === undefined) return true;
  return error.path === undefined && error.originalError instanceof GraphQLError;
}

function storeErrorIn(error: unknown): StoreError | undefined {
  let cause = error;
  for (let depth = 0; depth < 8 && cause instanceof Error; depth++) {
    if (cause instanceof StoreError) return cause;
    cause = cause instanceof GraphQLError ? cause.originalError : cause.cause;
  }
  return undefined;
}

/** What a failure tells its client, besides its message. */
export function extensionsOf(failure: StoreError): Record<string, unknown> {
  const { code, outcome, retryable, details } = failure;
  return { ...details, code, outcome, retryable };
}

function withExtensions(
  message: string,
  from: GraphQLError | undefined,
  extensions: Record<string, unknown>,
) {
  return new GraphQLError(message, {
    nodes: from?.nodes ?? null,
    source: from?.source ?? null,
    positions: from?.positions ?? null,
    path: from?.path ?? null,
    extensions,
  });
}

function isDocumentCode(code: unknown): code is DocumentCode {
  return documentCodes.includes(code as DocumentCode);
}

function isPublicCode(code: unknown): code is FailureCode {
  return typeof code === 'string' && Object.hasOwn(failures, code);
}
