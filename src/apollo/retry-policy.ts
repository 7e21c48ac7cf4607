import type { ApolloLink } from '@apollo/client';
import { CombinedGraphQLErrors, ServerError, ServerParseError } from '@apollo/client/errors';
import { isRepeatable, isSingle, kindOf } from './operation.ts';

export interface RetryPolicyOptions {
  /** Attempts in all, the first one included. Default: 5. */
  readonly attemptsMax?: number;
  /** The wait before the second attempt; it doubles from one to the next. Default: 100. */
  readonly firstDelayMs?: number;
  /** The longest wait. A gateway that asks for a longer one is taken at its word: no retry. Default: 10 000. */
  readonly delayMsMax?: number;
  /** From 0 up to 1; so that clients that failed together do not come back together. */
  readonly random?: () => number;
}

/** An attempt that failed: with errors of GraphQL in a result, or with none at all (`error`). */
export interface FailedAttempt {
  readonly operation: ApolloLink.Operation;
  /** 1 for the first. */
  readonly attempt: number;
  readonly errors?: readonly GraphqlError[] | undefined;
  readonly error?: unknown;
}

interface GraphqlError {
  readonly path?: readonly (string | number)[] | undefined;
  readonly extensions?: Readonly<Record<string, unknown>> | undefined;
}

/** How long to wait before the next attempt, in milliseconds; undefined: tell the caller. */
export type RetryPolicy = (failed: FailedAttempt) => number | undefined;

/**
 * When to try again.
 *
 * A failure that says `retryable` has written nothing, and may be tried again; so may a query that
 * got no answer. What may have been done already — WRITE_UNCERTAIN, a mutation without an answer, a
 * mutation of several fields of which one failed — is tried again only when each of its writes
 * carries an `idempotencyKey`: the gateway then answers with the first outcome. All else is for the
 * caller: a second try would fail in the same way, or write twice.
 */
export function retryPolicy({
  attemptsMax = 5,
  firstDelayMs = 100,
  delayMsMax = 10_000,
  random = Math.random,
}: RetryPolicyOptions = {}): RetryPolicy {
  return (failed) => {
    if (failed.attempt >= attemptsMax || !mayRetry(failed)) return undefined;
    const told = toldMs(failed);
    if (told !== undefined && told > delayMsMax) return undefined;
    const backoff = Math.min(delayMsMax, firstDelayMs * 2 ** (failed.attempt - 1));
    // Never earlier than told; without a word, anything from half the time on.
    return told === undefined ? backoff * (0.5 + random() / 2) : told + random() * backoff;
  };
}

function mayRetry({ operation, errors, error }: FailedAttempt): boolean {
  if (kindOf(operation) === 'subscription') return false; // its socket reconnects by itself
  const found = errors ?? (CombinedGraphQLErrors.is(error) ? error.errors : undefined);
  if (found === undefined) return isRepeatable(operation) && isPassing(error);
  if (found.length === 0) return false;
  if (found.every((one) => wroteNothing(one, operation))) return true;
  return kindOf(operation) === 'mutation' && isRepeatable(operation) && found.every(isWorthIt);
}

/** The failure is of a kind that passes, and for certain nothing was written. */
function wroteNothing(one: GraphqlError, operation: ApolloLink.Operation): boolean {
  const { retryable, outcome } = one.extensions ?? {};
  if (retryable !== true || outcome === 'UNKNOWN') return false;
  if (kindOf(operation) === 'query') return true;
  // The error of another field, or of something below it, says nothing of what was written before.
  return isSingle(operation) && (one.path?.length ?? 0) <= 1;
}

function isWorthIt({ extensions }: GraphqlError): boolean {
  return extensions?.['retryable'] === true || extensions?.['code'] === 'WRITE_UNCERTAIN';
}

/** No answer, or one of a proxy's that asks to come back. */
function isPassing(error: unknown): boolean {
  if ((error as { name?: unknown } | undefined)?.name === 'AbortError') return false;
  if (!ServerError.is(error) && !ServerParseError.is(error)) return true;
  const { statusCode } = error;
  return statusCode >= 500 || statusCode === 429 || statusCode === 408;
}

/** How long the gateway, or a proxy before it, asks to wait. */
function toldMs({ errors, error }: FailedAttempt): number | undefined {
  const found = errors ?? (CombinedGraphQLErrors.is(error) ? error.errors : []);
  const waits = found.map(({ extensions }: GraphqlError) => extensions?.['retryAfterMs']);
  if (ServerError.is(error) || ServerParseError.is(error)) {
    const seconds = error.response.headers.get('retry-after') ?? '';
    if (/^\d+$/.test(seconds)) waits.push(Number(seconds) * 1000);
  }
  const told = waits.filter((wait) => typeof wait === 'number' && wait >= 0) as number[];
  return told.length === 0 ? undefined : Math.max(...told);
}
