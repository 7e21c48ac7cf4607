import type { ServerResponse } from 'node:http';
import { failures, StoreError } from '../errors.ts';
import { stringifyResult } from '../graphql/raw-json.ts';
import { asStoreError, RefusedRequest } from './body.ts';
import { retryAfterSeconds } from './graphql-http.ts';

/** Answers a request that is not let in; throws what is no refusal. */
export function refuseRequest(response: ServerResponse, error: unknown): void {
  if (error instanceof RefusedRequest) {
    if (error.mustClose) response.setHeader('connection', 'close');
    refuse(response, errorBody(asStoreError(error)), error.status);
    return;
  }
  if (!(error instanceof StoreError)) throw error;
  const body = errorBody(error);
  if (error.code === 'UNAUTHENTICATED') response.setHeader('www-authenticate', 'Bearer');
  const retryAfter = retryAfterSeconds(body.extensions);
  if (retryAfter !== undefined) response.setHeader('retry-after', retryAfter);
  // With nothing of GraphQL run, a refusal is no success, whatever its code is inside an answer.
  const { http } = failures[error.code];
  refuse(response, body, http === 200 ? 503 : http);
}

/** Answers a request that did not get as far as GraphQL, in GraphQL's shape. */
export function refuse(response: ServerResponse, error: unknown, status: number): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(status, {
    'content-type': 'application/graphql-response+json; charset=utf-8',
  });
  response.end(stringifyResult({ errors: [error] }));
}

function errorBody(error: StoreError) {
  const { message, code, outcome, retryable, details } = error;
  return { message, extensions: { ...details, code, outcome, retryable } };
}
