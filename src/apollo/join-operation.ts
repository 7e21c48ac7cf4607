import { gql, type ApolloLink } from '@apollo/client';
import type { DocumentNode, OperationDefinitionNode } from 'graphql';

const query: DocumentNode = gql`
  query JoinSession {
    __typename
  }
`;

/**
 * A query that asks for nothing: the gateway answers an operation that carries several tokens with
 * one, whatever it is about. It goes the way of `like`, with its credentials.
 */
export function joinOperation(like: ApolloLink.Operation): ApolloLink.Operation {
  let context: ApolloLink.OperationContext = { ...like.getContext() };
  const getContext = (): Readonly<ApolloLink.OperationContext> => context;
  return {
    query,
    variables: {},
    operationName: 'JoinSession',
    operationType: (query.definitions[0] as OperationDefinitionNode).operation,
    extensions: {},
    client: like.client,
    getContext,
    setContext: (next) => {
      context = { ...context, ...(typeof next === 'function' ? next(context) : next) };
    },
  };
}
