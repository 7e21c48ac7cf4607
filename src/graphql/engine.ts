import {
  execute,
  getOperationAST,
  subscribe,
  type DocumentNode,
  type ExecutionResult,
  type GraphQLError,
  type GraphQLSchema,
} from 'graphql';
import { createDocuments, type DocumentLimits } from './documents.ts';
import { withRawJson } from './json-variables.ts';
import { publicError } from './mask-errors.ts';
import type { RequestContext, Services } from './request-context.ts';
import { endable, type Results } from './results.ts';
import { createExecutableSchema } from './schema.ts';

/** One operation, parsed and validated. */
export interface Operation {
  readonly document: DocumentNode;
  readonly operationName: string | undefined;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly context: RequestContext;
}

/**
 * Runs operations, whichever transport they came by: the same limits, the same exact JSON, the same errors.
 * What leaves it is fit for clients; only its `parse` throws.
 */
export interface Engine {
  readonly schema: GraphQLSchema;
  parse(source: string): DocumentNode;
  validate(document: DocumentNode): readonly GraphQLError[];
  execute(operation: Operation): Promise<ExecutionResult>;
  subscribe(operation: Operation): Promise<ExecutionResult | Results>;
  /** The error as a client may see it. */
  publicError(error: unknown): GraphQLError;
  /** Ends every open subscription, as if the feeds had ended. */
  endSubscriptions(): Promise<void>;
}

/** What the transports' libraries hand to `execute` and `subscribe`. */
export interface OperationArguments {
  readonly document: DocumentNode;
  readonly operationName?: string | null;
  readonly variableValues?: Readonly<Record<string, unknown>> | null;
  readonly contextValue: RequestContext;
}

/** The operation that a transport's library has prepared. */
export function operationOf(args: OperationArguments): Operation {
  return {
    document: args.document,
    operationName: args.operationName ?? undefined,
    variables: args.variableValues ?? {},
    context: args.contextValue,
  };
}

export function createEngine(services: Services, limits: DocumentLimits): Engine {
  const schema = createExecutableSchema();
  const documents = createDocuments(schema, limits);
  const open = new Set<Results>();
  const toPublic = (error: unknown): GraphQLError => publicError(error, services);

  const mask = (result: ExecutionResult): ExecutionResult =>
    result.errors === undefined ? result : { ...result, errors: result.errors.map(toPublic) };

  const engine: Engine = {
    schema,
    parse: (source) => documents.parse(source),
    validate: (document) => documents.validate(document).map(toPublic),
    publicError: toPublic,
    async execute(operation) {
      const startedMs = services.clock.monotonicMs();
      let result: ExecutionResult;
      try {
        result = mask(await execute(argumentsOf(operation)));
      } catch (error) {
        result = { errors: [toPublic(error)] };
      }
      logOperation(operation, result, services.clock.monotonicMs() - startedMs);
      return result;
    },
    async subscribe(operation) {
      let started: ExecutionResult | AsyncGenerator<ExecutionResult, void, void>;
      try {
        started = await subscribe(argumentsOf(operation));
      } catch (error) {
        started = { errors: [toPublic(error)] };
      }
      if (!(Symbol.asyncIterator in started)) {
        const refused = mask(started);
        logOperation(operation, refused, 0);
        return refused;
      }
      const results = endable(started, {
        each: mask,
        failed: (error) => ({ errors: [toPublic(error)] }),
        ended: () => {
          open.delete(results);
          services.metrics.subscriptions.dec();
        },
      });
      open.add(results);
      services.metrics.subscriptions.inc();
      logOperation(operation, {}, 0);
      return results;
    },
    async endSubscriptions() {
      await Promise.all([...open].map((results) => results.return()));
    },
  };

  function argumentsOf({ document, operationName, variables, context }: Operation) {
    documents.checkCost(document, variables);
    const operation = getOperationAST(document, operationName);
    const given = { parsed: variables, source: context.variablesSource };
    return {
      schema,
      document,
      operationName,
      contextValue: context,
      variableValues: operation ? withRawJson(schema, operation, given) : variables,
    };
  }

  return engine;
}

/** One line a request, without anything a client may have put into it but the names of operations and fields. */
function logOperation({ document, operationName, context }: Operation, result: ExecutionResult, elapsedMs: number): void {
  const { log, principal, transport } = context;
  if (!log.isLevelEnabled('debug')) return;
  const operation = getOperationAST(document, operationName);
  const fields = operation?.selectionSet.selections.map((field) => ('name' in field ? field.name.value : '...'));
  const codes = result.errors?.map(({ extensions }) => extensions['code']);
  log.debug(
    {
      tenant: principal.tenant,
      transport,
      operation: operation?.operation,
      name: operation?.name?.value,
      fields: fields?.slice(0, 20),
      codes: codes?.slice(0, 20),
      elapsedMs: Math.round(elapsedMs * 1000) / 1000,
    },
    'request',
  );
}
