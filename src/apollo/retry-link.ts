import { ApolloLink, Observable } from '@apollo/client';
import { isRepeatable, kindOf } from './operation.ts';
import { retryPolicy, type RetryPolicy, type RetryPolicyOptions } from './retry-policy.ts';

export interface RetryLinkOptions extends RetryPolicyOptions {
  /** Instead of `retryPolicy` with the other options. */
  readonly policy?: RetryPolicy;
}

type Result = ApolloLink.Result;

/**
 * Tries operations again as `retryPolicy` says, and hands on the last answer.
 *
 * Apollo Client's own RetryLink sees failures of the network only, and would send a mutation twice
 * whose answer was lost. This one reads the errors of results too. Subscriptions pass: the socket's
 * client reconnects them. It stands before `sessionLink`, so that a retry carries the newest session.
 */
export function retryLink(options: RetryLinkOptions = {}): ApolloLink {
  const policy = options.policy ?? retryPolicy(options);
  return new ApolloLink((operation, forward) => {
    if (kindOf(operation) === 'subscription') return forward(operation);
    return new Observable<Result>((observer) => {
      let stop = (): void => {};
      let attempt = 0;

      const run = (): void => {
        attempt++;
        if (!isRepeatable(operation)) sendOnce(operation);
        let isOver = false;
        const hasEnded = (): boolean => isOver;
        const again = (delayMs: number): void => {
          isOver = true;
          stop();
          const timer = setTimeout(run, delayMs);
          stop = () => clearTimeout(timer);
        };
        const subscription = forward(operation).subscribe({
          next(result) {
            if (isOver) return;
            const errors = 'errors' in result ? result.errors : undefined;
            const delayMs = errors?.length ? policy({ operation, attempt, errors }) : undefined;
            if (delayMs === undefined) observer.next(result);
            else again(delayMs);
          },
          error(error: unknown) {
            if (isOver) return;
            const delayMs = policy({ operation, attempt, error });
            if (delayMs === undefined) observer.error(error);
            else again(delayMs);
          },
          complete() {
            if (!isOver) observer.complete();
          },
        });
        // It may have ended, and planned another attempt, before `subscribe` returned.
        if (!hasEnded()) stop = () => subscription.unsubscribe();
      };

      run();
      return () => stop();
    });
  });
}

/**
 * Lets a mutation onto a socket once. A client of graphql-ws sends what was under way again when it
 * reconnects, mutations too, and asks nobody; here the message cannot be written a second time.
 */
function sendOnce(operation: ApolloLink.Operation): void {
  let isSent = false;
  const toJSON = (): undefined => {
    if (isSent)
      throw new Error(
        'The socket broke before the mutation was answered: it may have been applied. It is not sent again without an idempotencyKey',
      );
    isSent = true;
  };
  operation.extensions = { ...operation.extensions, sentOnce: { toJSON } };
}
