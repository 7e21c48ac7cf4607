import {
  execute,
  getOperationAST,
  subscribe,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type GraphQLError,
  type GraphQLSchema,
} from 'graphql';
import { auditedGate, recordRefusals, type AuditedGate } from './audit.ts';
import { createCharge, type Charge } from './charge.ts';
import { CompiledDocuments } from './compiled-document.ts';
import { createDocumentAdmission, type DocumentPolicy } from './document-admission.ts';
import { createDocuments, type AdmittedSource, type DocumentLimits } from './documents.ts';
import { tenantNameOf, type Principal } from '../tenancy/principal.ts';
import { withRawJson } from './json-variables.ts';
import { publicError } from './mask-errors.ts';
import type { RequestContext, Services } from './request-context.ts';
import { endable, type ResultHooks, type Results } from './results.ts';
import { runCompiled } from './run-compiled.ts';
import { createExecutableSchema } from './schema.ts';
import type { Hold } from '../quotas/room.ts';
import { cameWithSeveral, leaveOneSession, withOneSession } from './sessions.ts';
import { createVisibleSchemas, type VisibleSchemas } from './visible-schema.ts';

/** One operation, parsed and validated. */
export interface Operation {
  readonly document: DocumentNode;
  readonly operationName: string | undefined;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly context: RequestContext;
}

/**
 * Runs operations, whichever transport they came by: the same limits, the same exact JSON, the same
 * errors.
 * What leaves it is fit for clients; only its `admit` and `parse` throw.
 */
export interface Engine extends AuditedGate {
  readonly schema: GraphQLSchema;
  /** Before a request is read: what keeps its bytes. Errors: LIMIT_EXCEEDED, OVERLOADED. See `Charge`. */
  knock(principal: Principal): Hold;
  /** What keeps the bytes of messages that have not wholly arrived; it refuses with OVERLOADED. */
  arriving(principal: Principal | undefined): Hold;
  parse(source: AdmittedSource): DocumentNode;
  /** What is wrong with it, as far as the caller's role may be told. */
  validate(document: DocumentNode, principal: Principal): readonly GraphQLError[];
  execute(operation: Operation): Promise<ExecutionResult>;
  subscribe(operation: Operation): Promise<ExecutionResult | Results>;
  /** The error as a client may see it. */
  publicError(error: unknown): GraphQLError;
  /** Lets go of every open subscription. Its client must have been told before that it goes on elsewhere. */
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

export interface EngineSettings {
  /** Whether it shows everybody everything, or what his role may use. */
  readonly introspection: 'everything' | 'by role';
  readonly policy: DocumentPolicy;
  /** Whether documents are compiled; graphql-js runs them otherwise. */
  readonly compiled: boolean;
}

/** Throws when a trusted document cannot be run. */
export function createEngine(
  services: Services,
  limits: DocumentLimits,
  { introspection, policy, compiled }: EngineSettings,
): Engine {
  const fullSchema = createExecutableSchema();
  const visible = createVisibleSchemas(fullSchema, introspection);
  const documents = createDocuments(fullSchema, limits);
  const toPublic = (error: unknown): GraphQLError => publicError(error, services);
  const mask = (result: ExecutionResult): ExecutionResult =>
    result.errors === undefined ? result : { ...result, errors: result.errors.map(toPublic) };
  const failed = (error: unknown): ExecutionResult => ({ errors: [toPublic(error)] });
  const open = createOpenSubscriptions();
  const { argumentsOf, run } = createRunner(visible, compiled ? fullSchema : undefined);
  const charge = createCharge(documents, services);
  const execution = createExecution(charge, { run, failed });

  return {
    schema: fullSchema,
    ...auditedGate(createDocumentAdmission(documents, policy), services),
    knock: (principal) => charge.knock(principal),
    arriving: (principal) => charge.arriving(principal),
    parse: (source) => documents.parse(source),
    validate(document, { role }) {
      const errors = documents.validate(document);
      return errors.length === 0 ? errors : visible.explain(document, role, errors).map(toPublic);
    },
    publicError: toPublic,
    async execute(operation) {
      const startedMs = services.clock.monotonicMs();
      const result = await execution(operation);
      const masked = mask(result);
      finished(operation, masked, services.clock.monotonicMs() - startedMs);
      return masked;
    },
    async subscribe(operation) {
      const startedMs = services.clock.monotonicMs();
      const start = async () => subscribe(argumentsOf(operation));
      const opened = (ended: () => void) => open.add(start, { each: mask, failed, ended });
      const started = await charged(operation, { charge, failed }, () =>
        charge.subscription(operation, opened),
      );
      const answer = Symbol.asyncIterator in started ? started : mask(started);
      const refused = Symbol.asyncIterator in answer ? {} : answer;
      finished(operation, refused, services.clock.monotonicMs() - startedMs);
      return answer;
    },
    endSubscriptions: () => open.end(),
  };
}

type Failed = (error: unknown) => ExecutionResult;

/**
 * An operation charged, and run in one session. All in one function, in which a plain operation waits
 * once: for what it asks of the store.
 */
function createExecution(
  charge: Charge,
  how: {
    readonly run: (operation: Operation) => ExecutionResult | Promise<ExecutionResult>;
    readonly failed: Failed;
  },
): (operation: Operation) => Promise<ExecutionResult> {
  const { run, failed } = how;
  return async (operation) => {
    const came = operation.context;
    let leave: (() => void) | undefined;
    try {
      leave = charge.enter(operation);
      const context = cameWithSeveral(came) ? await withOneSession(came) : came;
      const running = run(context === came ? operation : { ...operation, context });
      const result = running instanceof Promise ? await running : running;
      const left = leaveOneSession(context, came);
      if (left) await left;
      return result;
    } catch (error) {
      return failed(error);
    } finally {
      leave?.();
    }
  };
}

async function charged<T>(
  operation: Operation,
  { charge, failed }: { readonly charge: Charge; readonly failed: Failed },
  run: () => Promise<T>,
): Promise<T | ExecutionResult> {
  let leave: (() => void) | undefined;
  try {
    leave = charge.enter(operation);
    return await run();
  } catch (error) {
    return failed(error);
  } finally {
    leave?.();
  }
}

/** How operations are run: compiled where they can be, or by graphql-js. */
function createRunner(visible: VisibleSchemas, compiledFor: GraphQLSchema | undefined) {
  const plans = compiledFor && new CompiledDocuments(compiledFor);

  function argumentsOf({ document, operationName, variables, context }: Operation): ExecutionArgs {
    const schema = visible.of(document, context.principal.role);
    const operation = getOperationAST(document, operationName);
    const given = { parsed: variables, source: context.variablesSource };
    const variableValues = operation ? withRawJson(schema, operation, given) : variables;
    return {
      schema,
      document,
      operationName: operationName ?? null,
      contextValue: context,
      variableValues,
    };
  }

  function run(operation: Operation): ExecutionResult | Promise<ExecutionResult> {
    const { document, operationName, variables, context } = operation;
    const definition = plans && getOperationAST(document, operationName);
    const schema = visible.of(document, context.principal.role);
    const plan = definition && plans.of(document, definition, schema);
    if (!plan) return execute(argumentsOf(operation));
    if (!plan.holdsJson) return runCompiled(plan, { context, variables });
    const given = { parsed: variables, source: context.variablesSource };
    return runCompiled(plan, { context, variables: withRawJson(schema, definition, given) });
  }

  return { argumentsOf, run };
}

/**
 * The subscriptions of this gateway, so that it can end them when it ends. (The feed counts them.)
 */
function createOpenSubscriptions() {
  const open = new Set<Results>();
  return {
    /** What `start` answers, which may be that there is no subscription. */
    async add(
      start: () => Promise<ExecutionResult | AsyncIterator<ExecutionResult>>,
      hooks: ResultHooks,
    ): Promise<ExecutionResult | Results> {
      const source = await start();
      if (!('next' in source)) return source;
      const ended = (): void => {
        open.delete(results);
        hooks.ended();
      };
      const results = endable(source, { ...hooks, ended });
      open.add(results);
      return results;
    },
    async end(): Promise<void> {
      await Promise.all([...open].map((results) => results.return()));
    },
  };
}

/** What is noted of every operation, whichever way it came and ended. */
function finished(operation: Operation, result: ExecutionResult, elapsedMs: number): void {
  const { document, operationName, context } = operation;
  const { metrics, principal } = context;
  const tenant = metrics.tenantNames.of(tenantNameOf(principal.tenant));
  const [error] = result.errors ?? [];
  metrics.tenantRequests.inc({ tenant, code: error ? String(error.extensions['code']) : 'OK' });
  if (result.errors) recordRefusals(context, { document, operationName, principal }, result);
  logOperation(operation, result, elapsedMs);
}

/**
 * One line a request, without anything a client may have put into it but the names of operations
 * and fields.
 */
function logOperation(
  { document, operationName, context }: Operation,
  result: ExecutionResult,
  elapsedMs: number,
): void {
  const { log, principal, transport } = context;
  if (!log.isLevelEnabled('debug')) return;
  const operation = getOperationAST(document, operationName);
  const fields = operation?.selectionSet.selections.map((field) =>
    'name' in field ? field.name.value : '...',
  );
  const codes = result.errors?.map(({ extensions }) => extensions['code']);
  log.debug(
    {
      tenant: principal.tenant,
      key: principal.apiKey,
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
