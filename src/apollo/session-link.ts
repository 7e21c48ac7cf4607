import { ApolloLink, Observable } from '@apollo/client';
import { joinOperation } from './join-operation.ts';
import { kindOf } from './operation.ts';
import { SessionTokens, type SessionTokensOptions } from './session-tokens.ts';
import { createTurnstile } from './turnstile.ts';

export interface SessionLinkOptions extends SessionTokensOptions {
  /**
   * `header` (default): `quorate-session`, as long as it is short enough for proxies, else as
   * `body`. `body`: in the request's `extensions`, for gateways behind a proxy that drops or
   * shortens headers. Over WebSocket it is always in the `extensions`.
   */
  readonly carry?: 'header' | 'body';
  /** Queries and mutations under way at once, at most 28; the others wait. Default: 24. */
  readonly operationsMax?: number;
}

const sessionHeader = 'quorate-session';
/** Many proxies refuse header lines of more than 8 KB, and some of more than 4. */
const headerCharsMax = 4_000;
/** The gateway joins as many tokens at once, and no more. */
const tokensMost = 32;
const operationsMost = 28;
/** So many are joined without waiting for an operation of the page's: events of a busy feed. */
const tokensMany = 16;
const joinRoundsMax = 10;

type Operation = ApolloLink.Operation;
type Result = ApolloLink.Result;

/**
 * Carries the session's token from each answer to the next request, over HTTP and WebSocket, so that
 * SESSION, CAUSAL and READ_YOUR_WRITES hold for all that one client does, at whatever gateway.
 *
 * Stands before the link that sends, and behind a link that retries: a retry carries what is known
 * by then. A token that the gateway refuses (it is another tenant's, or its signing key is gone) is
 * forgotten once the operation has failed with that refusal: the next one begins a new session.
 */
export class SessionLink extends ApolloLink {
  readonly #tokens: SessionTokens;
  readonly #turnstile: ReturnType<typeof createTurnstile>;
  readonly #carry: 'header' | 'body';
  #joining: Promise<void> | undefined;

  constructor(options: SessionLinkOptions = {}) {
    super();
    const { operationsMax = 24, carry = 'header' } = options;
    if (!Number.isInteger(operationsMax) || operationsMax < 1 || operationsMax > operationsMost)
      throw new RangeError(
        `operationsMax must be 1 to ${operationsMost}, and it is ${operationsMax}`,
      );
    this.#tokens = new SessionTokens(options);
    this.#turnstile = createTurnstile(operationsMax);
    this.#carry = carry;
  }

  /** The session as it stands, to be handed on: as `session` of a request, or as `token` of another link. */
  get token(): string {
    return this.#tokens.text;
  }

  /** Begins a new session: after somebody else has signed in, for one. */
  forget(): void {
    this.#tokens.forget();
  }

  override request(operation: Operation, forward: ApolloLink.ForwardFunction): Observable<Result> {
    if (kindOf(operation) === 'subscription')
      return this.#watched(operation, forward, (result) => {
        // An event says what it showed, and nothing of what the session had seen before.
        for (const token of tokensOfFields(result)) this.#tokens.add(token);
        // What fails now is tried again with the next event, or by the next operation, which is told.
        if (this.#tokens.count > tokensMany) this.#join(operation, forward).catch(() => undefined);
      });
    return new Observable<Result>((observer) => {
      let inner = (): void => {};
      let isGone = false;
      const exchange = (): void => {
        if (isGone) return;
        const subscription = this.#exchange(operation, forward).subscribe(observer);
        inner = () => subscription.unsubscribe();
      };
      const leave = this.#turnstile.enter(() => {
        if (this.#tokens.count <= tokensMost) exchange();
        else
          this.#join(operation, forward).then(exchange, (error: unknown) => observer.error(error));
      });
      return () => {
        isGone = true;
        inner();
        leave();
      };
    });
  }

  /** Lets the gateway join what has gathered, until it fits into one request. */
  #join(like: Operation, forward: ApolloLink.ForwardFunction): Promise<void> {
    return (this.#joining ??= this.#joinAll(like, forward).finally(() => {
      this.#joining = undefined;
    }));
  }

  async #joinAll(like: Operation, forward: ApolloLink.ForwardFunction): Promise<void> {
    for (let round = 0; round < joinRoundsMax; round++) {
      const joining = this.#exchange(joinOperation(like), forward);
      await new Promise<void>((complete, error) => joining.subscribe({ complete, error }));
      if (this.#tokens.count <= tokensMost) return;
    }
    throw new Error(
      `The session has gathered ${this.#tokens.count} tokens, and the gateway joins no more than ${tokensMost} at once`,
    );
  }

  /** One query or mutation. */
  #exchange(operation: Operation, forward: ApolloLink.ForwardFunction): Observable<Result> {
    return this.#watched(operation, forward, (result, sent) => {
      const received = receivedBy(operation, result);
      if (received !== undefined) this.#tokens.replace(sent, received);
      else if (isSessionRefused(result)) this.#tokens.forget(sent);
    });
  }

  #watched(
    operation: Operation,
    forward: ApolloLink.ForwardFunction,
    watch: (result: Result, sent: string) => void,
  ): Observable<Result> {
    const sent = this.#attach(operation);
    return new Observable<Result>((observer) =>
      forward(operation).subscribe({
        next: (result) => {
          watch(result, sent());
          observer.next(result);
        },
        error: (error: unknown) => observer.error(error),
        complete: () => observer.complete(),
      }),
    );
  }

  /** Gives the operation its tokens; what it returns tells which ones have really been sent. */
  #attach(operation: Operation): () => string {
    const text = this.#tokens.first(tokensMost);
    let sent = text;
    // Asked as the message is written: a socket that was reconnected carries what is known by then.
    const toJSON = (): string => (sent = this.#tokens.first(tokensMost));
    operation.extensions = { ...operation.extensions, session: { toJSON } };
    const isInBody = this.#carry === 'body' || text.length > headerCharsMax;
    operation.setContext(({ headers, http }: Carriers) => ({
      headers: {
        ...without(headers, sessionHeader),
        ...(!isInBody && text && { [sessionHeader]: text }),
      },
      ...(isInBody && { http: { ...http, includeExtensions: true } }),
      // What an earlier attempt was answered says nothing of this one.
      response: undefined,
    }));
    return () => sent;
  }
}

/** Carries the session by itself; see `SessionLink`. */
export function sessionLink(options: SessionLinkOptions = {}): SessionLink {
  return new SessionLink(options);
}

interface Carriers {
  readonly headers?: Readonly<Record<string, string>>;
  readonly http?: object;
  readonly response?: { readonly headers?: { get(name: string): string | null } };
}

function without(
  headers: Readonly<Record<string, string>> | undefined,
  name: string,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers ?? {}).filter(([header]) => header.toLowerCase() !== name),
  );
}

/**
 * The token that covers what the operation was sent: from the `extensions`, or the response's
 * header. Not from `session` of a field: a field may have been given a session of its own.
 */
function receivedBy(operation: Operation, result: Result): string | undefined {
  const inBody: unknown = result.extensions?.['session'];
  if (typeof inBody === 'string') return inBody;
  const { response } = operation.getContext() as Carriers;
  return response?.headers?.get(sessionHeader) ?? undefined;
}

function tokensOfFields(result: Result): string[] {
  const data: unknown = 'data' in result ? result.data : undefined;
  return Object.values(Object(data) as Record<string, unknown>).flatMap((field) => {
    const session = (Object(field) as { session?: unknown }).session;
    return typeof session === 'string' ? [session] : [];
  });
}

function isSessionRefused(result: Result): boolean {
  const errors = 'errors' in result ? (result.errors ?? []) : [];
  return errors.some(
    ({ extensions }) =>
      extensions?.['code'] === 'BAD_USER_INPUT' && extensions['field'] === 'session',
  );
}
