import type { ApolloLink } from '@apollo/client';
import type { FieldNode, OperationDefinitionNode, SelectionNode } from 'graphql';

/** Query, mutation or subscription; as text, so that no second copy of graphql-js is needed. */
export function kindOf({ operationType }: ApolloLink.Operation): string {
  return operationType;
}

/** Fields of Mutation that write nothing. */
const reads: readonly string[] = ['get', 'range', 'awaitReplication', '__typename'];

/**
 * Whether an operation may be sent again although it may have been done already: a query always, a
 * mutation when each of its writes carries an idempotency key.
 *
 * The field's argument counts, and not a variable that happens to be called so: one that no field
 * uses protects nothing.
 */
export function isRepeatable(operation: ApolloLink.Operation): boolean {
  if (kindOf(operation) === 'query') return true;
  return rootFields(operation).every(
    (field) => isField(field) && (reads.includes(field.name.value) || isKeyed(field, operation)),
  );
}

/** Whether at most one thing is done: what failed with nothing written has then written nothing. */
export function isSingle(operation: ApolloLink.Operation): boolean {
  const fields = rootFields(operation);
  return fields.length === 1 && fields.every(isField);
}

function rootFields({ query, operationName }: ApolloLink.Operation): readonly SelectionNode[] {
  const operations = query.definitions.filter(
    (one): one is OperationDefinitionNode => (one.kind as string) === 'OperationDefinition',
  );
  const named = operations.find(({ name }) => name?.value === operationName);
  return (named ?? operations[0])?.selectionSet.selections ?? [];
}

/** A fragment at the root hides what it does: it counts as a write without a key. */
function isField(node: SelectionNode): node is FieldNode {
  return (node.kind as string) === 'Field';
}

function isKeyed({ arguments: given }: FieldNode, { variables }: ApolloLink.Operation): boolean {
  const value = given?.find(({ name }) => name.value === 'idempotencyKey')?.value;
  if (value === undefined) return false;
  const key: unknown =
    'name' in value ? variables[value.name.value] : 'value' in value ? value.value : undefined;
  return typeof key === 'string' && key !== '';
}
