import type { IncomingMessage, ServerResponse } from 'node:http';
import { getOperationAST, OperationTypeNode, type ExecutionResult } from 'graphql';
import type { DocumentRequest } from '../graphql/document-admission.ts';
import type { AdmittedSource } from '../graphql/documents.ts';
import type { Engine, Operation } from '../graphql/engine.ts';
import { memberAt, wholeText } from '../graphql/json-source.ts';
import { PlainResult } from '../graphql/plain-result.ts';
import { preferencesFrom, sessionHeader } from '../graphql/preferences.ts';
import { stringifyResult } from '../graphql/raw-json.ts';
import { createRequestContext, type Services } from '../graphql/request-context.ts';
import { leavingSession } from '../graphql/sessions.ts';
import { singleHeader, type Arrival, type Outcome } from './graphql-http.ts';

/**
 * What the fast lane made of a request: it is answered; or it has been run, and the slow lane has to
 * say what came of it; or it has not been touched.
 */
export type LaneVerdict = 'answered' | 'not taken' | Outcome;

export type FastLane = (
  request: IncomingMessage,
  response: ServerResponse,
  arrival: Arrival,
) => Promise<LaneVerdict>;

/**
 * The short way of a plain request: a POST of a valid query or mutation whose answer has no errors. Everything that decides is the engine's, as in the slow lane: admission
 * of documents, charges, guards, masking, sessions; only the machinery of protocols is left out.
 *
 * Nothing is done for a request that is not taken, so that the slow lane can begin anew; and what has
 * been run is never run again.
 */
export function createFastLane(deps: {
  readonly engine: Engine;
  readonly services: Services;
  readonly corsOrigins: readonly string[];
}): FastLane {
  const { engine } = deps;
  const isCors = deps.corsOrigins.length > 0;
  return async (request, response, arrival) => {
    const { headers } = request;
    const mediaType = mediaTypes.get(headers.accept ?? '*/*');
    const isPlain = request.url === '/graphql' && !(isCors && headers.origin !== undefined);
    if (!isPlain || mediaType === undefined || arrival.body === undefined) return 'not taken';
    const found = prepared(request, { ...arrival, body: arrival.body }, deps);
    if (!found) return 'not taken';
    const { operation, source } = found;
    const result = await engine.execute(operation);
    if (result.errors !== undefined) return { source, result, context: operation.context };
    answer(response, mediaType, { operation, result });
    return 'answered';
  };
}

/**
 * What clients accept, and what they are answered with. The words of other clients are weighed by the
 * slow lane.
 */
const mediaTypes: ReadonlyMap<string, string> = new Map([
  ['application/json', 'application/json; charset=utf-8'],
  ['application/graphql-response+json', 'application/graphql-response+json; charset=utf-8'],
  ['*/*', 'application/json; charset=utf-8'],
  [
    'application/graphql-response+json, application/json',
    'application/graphql-response+json; charset=utf-8',
  ],
  [
    'application/graphql-response+json,application/json;q=0.9',
    'application/graphql-response+json; charset=utf-8',
  ],
]);

/** Longer ones are not remembered: they would be parsed twice where they are refused. */
const documentLengthMax = 8_192;

/** Undefined for whatever is not plain and valid; the slow lane finds out what it is. */
function prepared(
  request: IncomingMessage,
  { body, principal, hold }: Arrival & { readonly body: string },
  { engine, services }: { engine: Engine; services: Services },
): { operation: Operation; source: AdmittedSource } | undefined {
  try {
    const asked = plainRequest(body);
    const source = asked && engine.tryAdmit(asked, principal);
    if (!asked || source === undefined || source.length > documentLengthMax) return undefined;
    const document = engine.parse(source);
    if (engine.validate(document, principal).length > 0) return undefined;
    const operationName = asked.operationName ?? undefined;
    const operation = getOperationAST(document, operationName);
    if (!operation || operation.operation === OperationTypeNode.SUBSCRIPTION) return undefined;
    const context = createRequestContext(services, {
      principal,
      hold,
      transport: 'http',
      preferences: preferencesFrom((name) => singleHeader(request, name), asked.extensions),
      variablesSource: () => memberAt(wholeText(body), ['variables']),
    });
    const variables = asked.variables ?? {};
    return { operation: { document, operationName, variables, context }, source };
  } catch {
    return undefined; // it will be refused in the same words there
  }
}

interface PlainRequest extends DocumentRequest {
  readonly variables?: Readonly<Record<string, unknown>> | null;
  readonly operationName?: string | null;
}

const parts = ['query', 'variables', 'operationName', 'extensions', 'documentId'];

function plainRequest(body: string): PlainRequest | undefined {
  const asked: unknown = JSON.parse(body);
  if (!isRecord(asked) || !Object.keys(asked).every((name) => parts.includes(name)))
    return undefined;
  const { variables, operationName, extensions } = asked;
  const isPlain =
    isRecordOrNothing(variables) &&
    isRecordOrNothing(extensions) &&
    (operationName === undefined || operationName === null || typeof operationName === 'string');
  return isPlain ? asked : undefined;
}

function isRecordOrNothing(value: unknown): boolean {
  return value === undefined || value === null || isRecord(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function answer(
  response: ServerResponse,
  mediaType: string,
  { operation, result }: { operation: Operation; result: ExecutionResult },
): void {
  const session = leavingSession(operation.context);
  const data = result instanceof PlainResult ? result.dataText() : stringifyResult(result.data);
  const extensions =
    session.extension === undefined
      ? ''
      : `,"extensions":{"session":${JSON.stringify(session.extension)}}`;
  // As a text it leaves in one piece with the headers.
  const body = `{"data":${data}${extensions}}`;
  const length = Buffer.byteLength(body);
  const headers = ['content-type', mediaType, 'content-length', String(length)];
  if (session.header !== undefined) headers.push(sessionHeader, session.header);
  response.writeHead(200, headers);
  // All of ASCII is the same in both, and is written out without being coded.
  response.end(body, length === body.length ? 'latin1' : 'utf8');
}
