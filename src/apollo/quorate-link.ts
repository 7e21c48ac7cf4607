import { ApolloLink } from '@apollo/client';
import { retryLink, type RetryLinkOptions } from './retry-link.ts';
import { SessionLink, type SessionLinkOptions } from './session-link.ts';

export { isRepeatable } from './operation.ts';
export { retryLink, type RetryLinkOptions } from './retry-link.ts';
export {
  retryPolicy,
  type FailedAttempt,
  type RetryPolicy,
  type RetryPolicyOptions,
} from './retry-policy.ts';
export { sessionLink, SessionLink, type SessionLinkOptions } from './session-link.ts';
export { type TokenStorage } from './session-tokens.ts';
export { newestRevision, possibleTypes, typePolicies } from './type-policies.ts';

export interface QuorateLinkOptions {
  readonly session?: SessionLinkOptions | SessionLink;
  readonly retry?: RetryLinkOptions;
}

/** Both links in the order in which they must stand, before the one that sends. */
export function quorateLink(sending: ApolloLink, options: QuorateLinkOptions = {}): ApolloLink {
  const { session, retry } = options;
  const carrying = session instanceof SessionLink ? session : new SessionLink(session);
  return ApolloLink.from([retryLink(retry), carrying, sending]);
}
