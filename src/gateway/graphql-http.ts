import type { IncomingMessage, ServerResponse } from 'node:http';
import { GraphQLError, type DocumentNode, type ExecutionResult } from 'graphql';
import { createYoga, type GraphQLParams, type Plugin, type YogaInitialContext } from 'graphql-yoga';
import { badInput, failures, type FailureCode } from '../errors.ts';
import type { AdmittedSource } from '../graphql/documents.ts';
import { operationOf, type Engine, type OperationArguments } from '../graphql/engine.ts';
import { memberAt, wholeText, type JsonSource } from '../graphql/json-source.ts';
import { preferencesFrom, sessionHeader, consistencyHeader } from '../graphql/preferences.ts';
import { stringifyResult } from '../graphql/raw-json.ts';
import {
  createRequestContext,
  type Preferences,
  type RequestContext,
  type Services,
} from '../graphql/request-context.ts';
import { endable, type Results } from '../graphql/results.ts';
import { leavingSession } from '../graphql/sessions.ts';
import type { Hold } from '../quotas/room.ts';
import type { Principal } from '../tenancy/principal.ts';
import { noteBatch, placeInBatch, standsFor } from './batch.ts';
import type { CredentialWatch } from './credential-watch.ts';

/** What http.ts has found out about a request before it hands it over. */
export interface Arrival {
  readonly principal: Principal;
  /** The body's text; undefined for GET. */
  readonly body: string | undefined;
  /** What keeps its bytes until the answer is out. */
  readonly hold: Hold | undefined;
  /** What the fast lane has run already; it is only told here. */
  readonly outcome?: Outcome | undefined;
}

/** What came of an operation that has been run. */
export interface Outcome {
  /** Not asked for again: the gate may have forgotten it meanwhile. */
  readonly source: AdmittedSource;
  readonly result: ExecutionResult;
  readonly context: RequestContext;
}
type ServerContext = Arrival & { readonly req: IncomingMessage; readonly res: ServerResponse };

export type GraphqlHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  arrival: Arrival,
) => Promise<void>;

interface Deps {
  readonly engine: Engine;
  readonly services: Services;
  readonly watch: CredentialWatch;
  readonly corsOrigins: readonly string[];
  /** Operations that one request may carry, as a list. 1: none but a single one. */
  readonly operationsPerRequest: number;
}

/**
 * GraphQL over HTTP, server-sent events included: Yoga speaks the protocol (media types, status
 * codes, streams), the engine does all
 * that decides.
 */
export function createGraphqlHandler(deps: Deps): GraphqlHandler {
  const { engine, services, corsOrigins, operationsPerRequest } = deps;
  const yoga = createYoga<ServerContext, RequestContext>({
    graphqlEndpoint: '/graphql',
    logging: false,
    graphiql: false,
    landingPage: false,
    multipart: false,
    batching: operationsPerRequest > 1 && { limit: operationsPerRequest },
    parserAndValidationCache: false,
    maxRequestBodySize: false, // the body has been counted as it was read
    cors: corsOrigins.length === 0 ? false : corsFor(corsOrigins),
    maskedErrors: {
      errorMessage: '',
      maskError: (error) => withStatus(engine.publicError(error), statusIn(error)),
    },
    context: ({ req, body, principal, hold, params }) =>
      createRequestContext(services, {
        principal,
        hold,
        transport: 'http',
        preferences: preferencesOf(req, params),
        variablesSource: () => variablesSource(req, body, params),
      }),
    extraParamNames: ['documentId'],
    plugins: [bodyParser, engineHooks(deps)],
  });
  return async (request, response, arrival) => {
    await yoga(request, response, arrival);
  };
}

/** The body was read and counted before; here it is only parsed. */
const bodyParser: Plugin<object, ServerContext> = {
  onRequestParse({ request, serverContext, setRequestParser }) {
    const { body } = serverContext;
    if (request.method !== 'POST' || body === undefined) return;
    setRequestParser(() => {
      const parsed = parseJson(body);
      if (Array.isArray(parsed)) noteBatch(body, parsed);
      if (typeof parsed === 'object' && parsed !== null) return parsed;
      throw badRequest('The body must be a JSON object with a "query"');
    });
  },
};

/** Yoga runs nothing by itself: every step is the engine's, the same that WebSocket uses. */
function engineHooks({ engine, watch }: Deps): Plugin<object, ServerContext> {
  const execute = async (args: OperationArguments): Promise<ExecutionResult> => {
    const { outcome } = args.contextValue as RequestContext & Partial<ServerContext>;
    if (outcome) return forHttp(outcome.result, outcome.context);
    return forHttp(await engine.execute(operationOf(args)), args.contextValue);
  };
  const subscribe = async (args: OperationArguments): Promise<ExecutionResult | Results> => {
    const { params } = args.contextValue as RequestContext & Partial<YogaInitialContext>;
    if (params && placeInBatch(params)) return { errors: [engine.publicError(noStream())] };
    const started = await engine.subscribe(operationOf(args));
    return Symbol.asyncIterator in started
      ? printable(started, { engine, watch, principal: args.contextValue.principal })
      : forHttp(started, args.contextValue);
  };
  return {
    onParams({ params, setParams, context }) {
      if (!isRecord(params)) return; // Yoga says what it should have been
      const documentId = params['documentId'] ?? inQuery(context, 'documentId');
      const { outcome, principal } = context;
      const query = outcome?.source ?? engine.admit({ ...params, documentId }, principal);
      if (query === undefined) return;
      const asked = { ...params, query };
      standsFor(asked, params);
      setParams(asked);
    },
    // There is no other way to here than by `onParams`.
    onParse: ({ setParseFn }) =>
      setParseFn((source: string) => engine.parse(source as AdmittedSource)),
    onValidate: ({ setValidationFn, context }) =>
      setValidationFn(((_schema: unknown, document: DocumentNode) =>
        engine.validate(document, (context as never as ServerContext).principal)) as never),
    onExecute: ({ setExecuteFn }) => setExecuteFn(execute as never),
    onSubscribe: ({ setSubscribeFn }) => setSubscribeFn(subscribe as never),
  };
}

/** Server-sent events print each result by itself, and end with the credential. */
function printable(
  results: Results,
  what: { engine: Engine; watch: CredentialWatch; principal: Principal },
): Results {
  const { engine, watch, principal } = what;
  const printed = endable(results, {
    each: (result) => ({ ...result, stringify: stringifyResult }) as ExecutionResult,
    failed: (error) => ({ errors: [engine.publicError(error)] }),
    ended: () => unwatch(),
  });
  const unwatch = watch.add(principal, (error) => printed.fail(error));
  return printed;
}

/** Adds what only HTTP has: the status, `Retry-After`, and the session's header. */
function forHttp(result: ExecutionResult, context: RequestContext): ExecutionResult {
  const session = leavingSession(context);
  const errors = result.errors?.map((error) => (hasData(result) ? error : withStatus(error)));
  const retryAfter = errors
    ?.map(({ extensions }) => retryAfterSeconds(extensions))
    .find((seconds) => seconds !== undefined);
  const headers = {
    ...(session.header !== undefined && { [sessionHeader]: session.header }),
    ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }),
  };
  const extensions = {
    ...result.extensions,
    ...(session.extension !== undefined && { session: session.extension }),
    http: { headers },
  };
  return {
    ...result,
    ...(errors && { errors }),
    extensions,
    stringify: stringifyResult,
  } as ExecutionResult;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function hasData({ data }: ExecutionResult): boolean {
  return data !== null && data !== undefined;
}

/**
 * `spec: true`: a client that only knows `application/json` gets 200, as GraphQL over HTTP wants it
 * for well-formed requests that
 * GraphQL itself refuses.
 */
function withStatus(error: GraphQLError, given: unknown = error.extensions['http']): GraphQLError {
  const code = error.extensions['code'];
  const known =
    typeof code === 'string' && Object.hasOwn(failures, code)
      ? failures[code as FailureCode]
      : undefined;
  const bySpec = known === undefined || code === 'BAD_USER_INPUT';
  const http = given ?? { status: known?.http ?? 400, spec: bySpec };
  const { nodes, source, positions, path } = error;
  return new GraphQLError(error.message, {
    nodes: nodes ?? null,
    source: source ?? null,
    positions: positions ?? null,
    path: path ?? null,
    extensions: { ...error.extensions, http },
  });
}

function statusIn(error: unknown): unknown {
  return error instanceof GraphQLError ? error.extensions['http'] : undefined;
}

/** What `Retry-After` says of a failure; undefined where to wait does not help. */
export function retryAfterSeconds(
  extensions: Readonly<Record<string, unknown>>,
): number | undefined {
  if (extensions['code'] !== 'LIMIT_EXCEEDED' && extensions['code'] !== 'OVERLOADED')
    return undefined;
  if (extensions['retryable'] === false) return undefined;
  const retryAfterMs = extensions['retryAfterMs'];
  return typeof retryAfterMs === 'number' ? Math.ceil(retryAfterMs / 1000) : 1;
}

/** What Yoga does not take from the address of a GET. */
function inQuery({ req, body }: ServerContext, name: string): string | undefined {
  return body === undefined ? parameterOf(req, name) : undefined;
}

function parameterOf({ url = '' }: IncomingMessage, name: string): string | undefined {
  return new URLSearchParams(url.split('?')[1] ?? '').get(name) ?? undefined;
}

/** A list has one header for all of its answers: each carries its own session. */
function preferencesOf(request: IncomingMessage, params: GraphQLParams): Preferences {
  const stated = preferencesFrom((name) => singleHeader(request, name), params.extensions);
  return placeInBatch(params) ? { ...stated, sessionIn: 'extensions' } : stated;
}

function noStream(): Error {
  return badInput(
    'A subscription cannot be in a list of operations: its answers are many',
    'query',
  );
}

function variablesSource(
  request: IncomingMessage,
  body: string | undefined,
  params: object,
): JsonSource | undefined {
  const place = placeInBatch(params);
  if (place) return place.variables;
  if (body !== undefined) return memberAt(wholeText(body), ['variables']);
  const text = parameterOf(request, 'variables');
  return text === undefined ? undefined : wholeText(text);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw badRequest('The body is not valid JSON');
  }
}

function badRequest(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_REQUEST', http: { status: 400 } } });
}

/** One value of a header; of several with one name the first. */
export function singleHeader(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function corsFor(origins: readonly string[]) {
  return {
    origin: [...origins],
    credentials: false,
    methods: ['GET', 'POST'],
    allowedHeaders: ['content-type', 'authorization', consistencyHeader, sessionHeader],
    exposedHeaders: [sessionHeader, 'retry-after'],
    maxAge: 600,
  };
}
