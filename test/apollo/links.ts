import { ApolloClient, ApolloLink, InMemoryCache, Observable, gql } from '@apollo/client';

export type Operation = ApolloLink.Operation;
export type Answer = ApolloLink.Result;

/** One request as it arrived at the far end of the links, and the means to answer it. */
export interface Arrived {
  readonly operation: Operation;
  /** The session that came with it: in the header, or as the message would be written. */
  readonly header: string | undefined;
  readonly extension: () => string | undefined;
  answer(result: Answer, session?: { header?: string; extension?: string }): void;
  fail(error: unknown): void;
  /** Set when the caller has gone. */
  isGone: boolean;
}

/** A gateway that answers when the test says so. */
export function heldGateway() {
  const arrived: Arrived[] = [];
  const link = new ApolloLink(
    (operation) =>
      new Observable<Answer>((observer) => {
        const { headers = {} } = operation.getContext() as { headers?: Record<string, string> };
        const request: Arrived = {
          operation,
          header: headers['quorate-session'],
          extension: () =>
            (JSON.parse(JSON.stringify(operation.extensions)) as { session?: string }).session,
          answer(result, { header, extension } = {}) {
            if (header !== undefined)
              operation.setContext({
                response: { headers: new Headers({ 'quorate-session': header }) },
              });
            observer.next(
              extension === undefined ? result : { ...result, extensions: { session: extension } },
            );
            if (operation.operationType.valueOf() !== 'subscription') observer.complete();
          },
          fail: (error) => observer.error(error),
          isGone: false,
        };
        arrived.push(request);
        return () => void (request.isGone = true);
      }),
  );
  return { arrived, link };
}

const client = new ApolloClient({ link: ApolloLink.empty(), cache: new InMemoryCache() });

/** What became of an operation that was sent through a link by itself. */
export interface Sent {
  readonly results: Answer[];
  error: unknown;
  isComplete: boolean;
  cancel(): void;
}

export function sendThrough(
  link: ApolloLink,
  text: string,
  variables: Record<string, unknown> = {},
  context: Record<string, unknown> = {},
): Sent {
  const sent: Sent = { results: [], error: undefined, isComplete: false, cancel: () => {} };
  const subscription = ApolloLink.execute(
    link,
    { query: gql(text), variables, context },
    { client },
  ).subscribe({
    next: (result) => sent.results.push(result),
    error: (error: unknown) => (sent.error = error),
    complete: () => (sent.isComplete = true),
  });
  sent.cancel = () => subscription.unsubscribe();
  return sent;
}
