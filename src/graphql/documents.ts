import {
  GraphQLError,
  parse,
  specifiedRules,
  validate,
  ValuesOfCorrectTypeRule,
  type DocumentNode,
  type GraphQLSchema,
  type ValidationRule,
} from 'graphql';
import { badInput } from '../errors.ts';
import { measure, type DocumentMetrics } from './document-metrics.ts';

declare const admitted: unique symbol;
/**
 * The text of a document that its caller may run: there is no way to have one but to be admitted
 * (`document-admission`).
 */
export type AdmittedSource = string & { readonly [admitted]: true };

/**
 * How large a document may be. Counted before validation, whose time grows with the square of some
 * documents.
 */
export interface DocumentLimits {
  readonly documentBytes: number;
  readonly tokens: number;
  readonly depth: number;
  readonly cost: number;
}

/**
 * Documents that may be run: the one place that parses, counts and validates, for HTTP, server-sent
 * events and WebSocket alike.
 *
 * Only what holds for every tenant is decided and remembered here. A limit of one tenant must never
 * become a validation rule: verdicts
 * are kept by document, and one tenant's would be another's.
 */
export interface Documents {
  /**
   * Throws a `StoreError` for a document beyond the limits, a `GraphQLError` for one that is no
   * GraphQL.
   */
  parse(source: AdmittedSource): DocumentNode;
  validate(document: DocumentNode): readonly GraphQLError[];
  /**
   * What an operation weighs, now that its variables are known; refused when that is beyond what this
   * gateway lets anybody ask for. A limit of a tenant is for who asks to compare.
   */
  weigh(document: DocumentNode, variables: Readonly<Record<string, unknown>>): DocumentMetrics;
}

const rememberedMax = 500;
const rememberedBytesMax = 8_192;

const rules: readonly ValidationRule[] = specifiedRules.map((rule) =>
  rule === ValuesOfCorrectTypeRule ? valuesOfCorrectType : rule,
);

export function createDocuments(schema: GraphQLSchema, limits: DocumentLimits): Documents {
  const known = new Map<string, DocumentNode>();
  const metrics = new WeakMap<DocumentNode, DocumentMetrics>();
  const verdicts = new WeakMap<DocumentNode, readonly GraphQLError[]>();

  function remember(source: string, document: DocumentNode): void {
    if (source.length > rememberedBytesMax) return;
    known.set(source, document);
    if (known.size > rememberedMax) known.delete(known.keys().next().value as string);
  }

  return {
    parse(source) {
      const remembered = known.get(source);
      if (remembered !== undefined) {
        // The oldest goes first: used again, it is young again.
        known.delete(source);
        known.set(source, remembered);
        return remembered;
      }
      const document = parseWithin(source, limits);
      const counted = measure(document);
      checkWithin(counted, limits);
      metrics.set(document, counted);
      remember(source, document);
      return document;
    },
    validate(document) {
      const known = verdicts.get(document);
      if (known) return known;
      const verdict = validated(schema, document);
      verdicts.set(document, verdict);
      return verdict;
    },
    weigh(document, variables) {
      const known = metrics.get(document);
      if (known?.costNeedsVariables === false) return known;
      const counted = measure(document, variables);
      checkWithin(counted, limits);
      return counted;
    },
  };
}

function parseWithin(source: string, limits: DocumentLimits): DocumentNode {
  const bytes = Buffer.byteLength(source);
  if (bytes > limits.documentBytes) throw tooLarge('bytes', limits.documentBytes, bytes);
  try {
    return parse(source, { maxTokens: limits.tokens });
  } catch (error) {
    if (error instanceof RangeError) throw tooLarge('levels deep', limits.depth, undefined);
    if (!(error instanceof GraphQLError)) throw error;
    if (error.message.includes('tokens. Parsing aborted'))
      throw tooLarge('tokens', limits.tokens, undefined);
    throw withCode(error, 'GRAPHQL_PARSE_FAILED');
  }
}

function checkWithin({ depth, cost }: DocumentMetrics, limits: DocumentLimits): void {
  if (depth > limits.depth) throw tooLarge('levels deep', limits.depth, depth);
  if (cost > limits.cost) throw tooLarge('in cost', limits.cost, Math.ceil(cost));
}

function tooLarge(unit: string, limit: number, value: number | undefined): Error {
  const found = value === undefined ? 'it is more' : `it is ${value}`;
  return badInput(`The document must be at most ${limit} ${unit}, and ${found}`, 'query', {
    limit,
    value,
  });
}

/** What is wrong with a document for one schema; nothing of it is remembered. */
export function validated(schema: GraphQLSchema, document: DocumentNode): readonly GraphQLError[] {
  return validate(schema, document, rules, { maxErrors: 20 }).map((error) =>
    error.extensions['code'] === undefined ? withCode(error, 'GRAPHQL_VALIDATION_FAILED') : error,
  );
}

/**
 * graphql-js's own rule, its errors marked: a literal of the wrong kind is bad input, as the same
 * value in a variable is.
 */
function valuesOfCorrectType(context: Parameters<ValidationRule>[0]): ReturnType<ValidationRule> {
  const marking = Object.create(context, {
    reportError: {
      value: (error: GraphQLError) => context.reportError(withCode(error, 'BAD_USER_INPUT')),
    },
  }) as typeof context;
  return ValuesOfCorrectTypeRule(marking);
}

function withCode(error: GraphQLError, code: string): GraphQLError {
  const { nodes, source, positions, path, originalError } = error;
  return new GraphQLError(error.message, {
    nodes: nodes ?? null,
    source: source ?? null,
    positions: positions ?? null,
    path: path ?? null,
    originalError: originalError ?? null,
    extensions: { ...error.extensions, code },
  });
}
