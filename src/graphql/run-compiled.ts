import {
  GraphQLError,
  locatedError,
  OperationTypeNode,
  type ExecutionResult,
  type GraphQLResolveInfo,
} from 'graphql';
import { argumentValues } from './compiled-arguments.ts';
import type { CompiledOperation, FieldPlan, ObjectPlan, ValuePlan } from './compiled-document.ts';
import { variableValues } from './compiled-variables.ts';
import { PlainResult } from './plain-result.ts';
import type { RequestContext } from './request-context.ts';

interface Path {
  readonly prev: Path | undefined;
  readonly key: string | number;
  readonly typename: string | undefined;
}

interface Run {
  readonly compiled: CompiledOperation;
  readonly context: RequestContext;
  readonly variables: Record<string, unknown>;
  readonly errors: GraphQLError[];
}

type Data = Record<string, unknown>;

/**
 * Runs a compiled operation as `execute` of graphql-js would have run it: the same values, the same
 * errors in the same places. What is at hand at once is answered without waiting for a turn of the
 * event loop.
 *
 * Source: "Execution" in the GraphQL specification (October 2021), sections 6.1 to 6.4.
 */
export function runCompiled(
  compiled: CompiledOperation,
  given: {
    readonly context: RequestContext;
    readonly variables: Readonly<Record<string, unknown>>;
  },
): ExecutionResult | Promise<ExecutionResult> {
  const { operation, root } = compiled;
  const found = variableValues(compiled, given.variables);
  if ('errors' in found) return found;
  const run: Run = { compiled, context: given.context, variables: found.coerced, errors: [] };
  const inTurn = operation.operation === OperationTypeNode.MUTATION;
  try {
    const data = inTurn
      ? oneAfterAnother(root, run)
      : objectOf(root, { source: undefined, path: undefined, run });
    if (!isPromise(data)) return resultOf(run, data);
    return data.then(
      (ready) => resultOf(run, ready),
      (error: unknown) => failed(run, error),
    );
  } catch (error) {
    return failed(run, error);
  }
}

function resultOf({ errors, compiled }: Run, data: Data | null): ExecutionResult {
  if (errors.length > 0) return { errors, data };
  return data ? new PlainResult(compiled.root, data) : { data };
}

function failed(run: Run, error: unknown): ExecutionResult {
  run.errors.push(error as GraphQLError);
  return resultOf(run, null);
}

interface At {
  readonly source: unknown;
  readonly path: Path | undefined;
  readonly run: Run;
}

/** Fields of a mutation: each begins when the one before it has ended. */
async function oneAfterAnother(plan: ObjectPlan, run: Run): Promise<Data> {
  const data: Data = {};
  for (const field of plan.fields)
    data[field.key] = await valueOf(field, { source: undefined, path: undefined, run });
  return data;
}

/** All fields side by side; their order in the answer is that of the document. */
function objectOf(plan: ObjectPlan, at: At): Data | Promise<Data> {
  const data: Data = {};
  let waiting: Promise<void>[] | undefined;
  try {
    for (const field of plan.fields) {
      const { key } = field;
      const value = valueOf(field, at);
      data[key] = value;
      if (isPromise(value)) (waiting ??= []).push(value.then((ready) => void (data[key] = ready)));
    }
  } catch (error) {
    if (!waiting) throw error;
    // What is under way must have ended before its object is given up.
    return Promise.allSettled(waiting).then(() => {
      throw error;
    });
  }
  if (!waiting) return data;
  const [only] = waiting;
  return only && waiting.length === 1
    ? only.then(() => data)
    : Promise.all(waiting).then(() => data);
}

/** A field's value, or null with an error of its own where that is allowed. */
function valueOf(field: FieldPlan, at: At): unknown {
  const path = { prev: at.path, key: field.key, typename: field.parent.name };
  try {
    const found = resolved(field, path, at);
    const where = { field, path, run: at.run };
    if (!isPromise(found)) return settledValue(found, where);
    return found.then(
      (ready) => settledValue(ready, where),
      (error: unknown) => refused(field.value, error, where),
    );
  } catch (error) {
    return refused(field.value, error, { field, path, run: at.run });
  }
}

/** What was resolved, completed; as a promise only where something in it is one. */
function settledValue(found: unknown, where: Where): unknown {
  const { value: plan } = where.field;
  try {
    const value = complete(plan, found, where);
    if (!isPromise(value)) return value;
    return value.then(undefined, (error: unknown) => refused(plan, error, where));
  } catch (error) {
    return refused(plan, error, where);
  }
}

function resolved(field: FieldPlan, path: Path, { source, run }: At): unknown {
  if (field.value.kind === 'typeName') return field.value.name;
  const { resolve } = field;
  if (!resolve) {
    const own = (source as Data | null | undefined)?.[field.field.name];
    if (typeof own !== 'function') return own;
    const call = own as (...parts: unknown[]) => unknown;
    return call.call(source, argumentsOf(field, run), run.context, infoOf(field, path, run));
  }
  return resolve(source, argumentsOf(field, run), run.context, infoOf(field, path, run));
}

function argumentsOf(field: FieldPlan, { variables }: Run): Record<string, unknown> {
  const [node] = field.nodes;
  if (!node) throw new Error('a field has a node');
  return argumentValues({ field: field.field, node, plan: field.args }, variables);
}

function infoOf(field: FieldPlan, path: Path, { compiled, variables }: Run): GraphQLResolveInfo {
  return {
    fieldName: field.field.name,
    fieldNodes: field.nodes,
    returnType: field.field.type,
    parentType: field.parent,
    path,
    schema: compiled.schema,
    fragments: compiled.fragments,
    rootValue: undefined,
    operation: compiled.operation,
    variableValues: variables,
  };
}

interface Where {
  readonly field: FieldPlan;
  readonly path: Path;
  readonly run: Run;
}

/** Null in the place of what failed, and the error beside it; or the failure of what holds it. */
function refused(plan: ValuePlan, raw: unknown, { field, path, run }: Where): null {
  const error = locatedError(raw, field.nodes, namesOf(path));
  if (plan.kind === 'nonNull') throw error;
  run.errors.push(error);
  return null;
}

function namesOf(path: Path): (string | number)[] {
  const names: (string | number)[] = [];
  for (let at: Path | undefined = path; at; at = at.prev) names.push(at.key);
  return names.reverse();
}

/** `CompleteValue` of the specification. */
function complete(plan: ValuePlan, value: unknown, where: Where): unknown {
  if (value instanceof Error) throw value;
  if (plan.kind === 'nonNull') {
    const completed = complete(plan.of, value, where);
    if (isPromise(completed)) return completed.then((ready) => demanded(ready, where));
    return demanded(completed, where);
  }
  if (value === null || value === undefined) return null;
  switch (plan.kind) {
    case 'typeName':
      return value;
    case 'leaf': {
      const printed: unknown = plan.type.serialize(value);
      if (printed !== null && printed !== undefined) return printed;
      throw new Error(`Expected a value of ${plan.type.name} to be printed as something`);
    }
    case 'object':
      return objectOf(plan.plan, { source: value, path: where.path, run: where.run });
    case 'list':
      return listOf(plan.of, value, where);
  }
}

function demanded(value: unknown, { field }: Where): unknown {
  if (value !== null) return value;
  const name = `${field.parent.name}.${field.field.name}`;
  throw new Error(`Cannot return null for non-nullable field ${name}.`);
}

function listOf(plan: ValuePlan, value: unknown, where: Where): unknown {
  if (!isList(value)) {
    const name = `${where.field.parent.name}.${where.field.field.name}`;
    throw new GraphQLError(`Expected Iterable, but did not find one for field "${name}".`);
  }
  const items = Array.from(value, (item, index) => {
    const path = { prev: where.path, key: index, typename: undefined };
    return itemOf(plan, item, { ...where, path });
  });
  return items.some(isPromise) ? Promise.all(items) : items;
}

function itemOf(plan: ValuePlan, item: unknown, where: Where): unknown {
  try {
    const completed = isPromise(item)
      ? item.then((ready) => complete(plan, ready, where))
      : complete(plan, item, where);
    if (!isPromise(completed)) return completed;
    return completed.then(undefined, (error: unknown) => refused(plan, error, where));
  } catch (error) {
    return refused(plan, error, where);
  }
}

function isList(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
