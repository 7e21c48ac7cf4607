import { getOperationAST, type ExecutionResult } from 'graphql';
import type { Attributes } from '../runtime/tracing.ts';
import type { Engine, Operation } from './engine.ts';

/** The engine, each operation a span: of its caller's trace, when it says so. */
export function tracedEngine(engine: Engine): Engine {
  return {
    ...engine,
    execute: (operation) => inSpan(operation, () => engine.execute(operation)),
    subscribe: (operation) => inSpan(operation, () => engine.subscribe(operation)),
  };
}

/** A subscription's span is its beginning: how long it then stays open says nothing. */
function inSpan<T extends object>(operation: Operation, work: () => Promise<T>): Promise<T> {
  const { tracing, preferences } = operation.context;
  if (!tracing.isOn) return work();
  return tracing.request({ name: 'graphql', from: preferences.trace }, async (span) => {
    span.set(nameOf(operation));
    const result = await work();
    const [error] = (result as ExecutionResult).errors ?? [];
    if (error) span.fail(String(error.extensions['code']));
    else span.set({ 'quorate.outcome': 'OK' });
    return result;
  });
}

function nameOf({ document, operationName, context }: Operation): Attributes {
  const found = getOperationAST(document, operationName);
  return {
    'graphql.operation.type': found?.operation,
    'graphql.operation.name': found?.name?.value,
    'quorate.tenant': context.principal.tenant,
    'quorate.transport': context.transport,
  };
}
