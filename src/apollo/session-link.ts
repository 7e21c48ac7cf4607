import { ApolloLink, Observable } from '@apollo/client';
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
/** The gateway joins 32 tokens at once and no more; a few may come from subscriptions. */
const operationsMost = 28;

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
      });
    return new Observable<Result>((observer) => {
      let inner = (): void => {};
      const leave = this.#turnstile.enter(() => {
        const subscription = this.#exchange(operation, forward).subscribe(observer);
        inner = () => subscription.unsubscribe();
      });
      return () => {
        inner();
        leave();
      };
    });
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
    const text = this.#tokens.text;
    let sent = text;
    // Asked as the message is written: a socket that was reconnected carries what is known by then.
    const toJSON = (): string => (sent = this.#tokens.text);
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
