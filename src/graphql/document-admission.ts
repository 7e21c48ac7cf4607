import { createHash } from 'node:crypto';
import { GraphQLError } from 'graphql';
import { badInput, StoreError } from '../errors.ts';
import { tenantNameOf, type Principal } from '../tenancy/principal.ts';
import { AutomaticDocuments, type AutomaticLimits } from './automatic-documents.ts';
import type { AdmittedSource, Documents } from './documents.ts';

/** Whether trusted documents may be named, and whether anything else is run. */
export type TrustMode = 'off' | 'allowed' | 'required';

/** Which documents this gateway runs. */
export interface DocumentPolicy {
  readonly trusted: TrustMode;
  /** Tenants, by the name that people know, for which it is otherwise. */
  readonly tenants?: Readonly<Record<string, TrustMode>> | undefined;
  /** The trusted documents by their ids. */
  readonly documents?: ReadonlyMap<string, string> | undefined;
  /** Undefined: no hashes are taken for documents. */
  readonly automatic?: AutomaticLimits | undefined;
}

/** What a request says about its document; straight from the client. */
export interface DocumentRequest {
  readonly query?: unknown;
  readonly documentId?: unknown;
  readonly extensions?: unknown;
}

/**
 * THE GATE of documents, for every transport: what a request names or sends becomes the text that is
 * run, or is refused.
 */
export interface DocumentAdmission {
  /**
   * Undefined when the request names no document at all. Errors: BAD_USER_INPUT, FORBIDDEN; those
   * of parsing; PERSISTED_QUERY_NOT_FOUND and PERSISTED_QUERY_NOT_SUPPORTED, on which Apollo Client
   * sends the document itself.
   */
  admit(request: DocumentRequest, principal: Principal): AdmittedSource | undefined;
}

const hashShape = /^[0-9a-f]{64}$/;
const idLengthMax = 256;

/** Throws for a trusted document that could not be run: better at the start than for its users. */
export function createDocumentAdmission(
  documents: Documents,
  policy: DocumentPolicy,
): DocumentAdmission {
  const trusted = policy.documents ?? new Map<string, string>();
  for (const [id, text] of trusted) checkTrusted(documents, id, text);
  const byHash = new Map([...trusted.values()].map((text) => [hashOf(text), text]));
  const automatic = policy.automatic && new AutomaticDocuments(policy.automatic);

  /** The trusted document of this id: its name in the list, or `sha256:` and the text's hash. */
  function named(id: unknown, mode: TrustMode): string {
    if (typeof id !== 'string' || id.length > idLengthMax)
      throw badInput('"documentId" must be a string of at most 256 characters', 'documentId');
    const hash = id.startsWith('sha256:') ? id.slice(7) : '';
    const text = mode === 'off' ? undefined : (trusted.get(id) ?? byHash.get(hash));
    if (text !== undefined) return text;
    const why =
      mode === 'off' ? 'Trusted documents are not in use' : 'It names no trusted document';
    throw badInput(`Cannot run document "${id.slice(0, 80)}": ${why}`, 'documentId');
  }

  function sent(
    query: string | undefined,
    hash: string | undefined,
    of: Caller,
  ): string | undefined {
    const { mode, tenant } = of;
    if (query === undefined) {
      if (hash === undefined) return undefined;
      const known = mode === 'off' ? undefined : byHash.get(hash);
      // Whatever was sent before the list was made binding does not count any more.
      const kept = mode === 'required' ? undefined : automatic?.find(tenant, hash);
      const text = known ?? kept;
      if (text !== undefined) return text;
      throw mode === 'off' && !automatic ? notSupported() : notFound();
    }
    if (hash !== undefined && hashOf(query) !== hash)
      throw badInput('"sha256Hash" is not the hash of the query that came with it', sha256Hash);
    if (hash !== undefined && automatic && mode !== 'required') {
      documents.parse(query as AdmittedSource); // what is no document is not kept
      automatic.keep(tenant, hash, query);
    }
    return query;
  }

  return {
    admit(request, { tenant, role }) {
      const { query, documentId } = request;
      const mode = modeFor({ tenant, role }, policy);
      const hash = hashIn(request.extensions);
      if (documentId !== undefined && documentId !== null) {
        if (hasText(query) || hash !== undefined)
          throw badInput('A request names its document in one way, and not in two', 'documentId');
        return named(documentId, mode) as AdmittedSource;
      }
      const text = sent(hasText(query) ? query : undefined, hash, { mode, tenant });
      if (text !== undefined && mode === 'required' && !byHash.has(hashOf(text))) throw untrusted();
      return text as AdmittedSource | undefined;
    },
  };
}

function modeFor(
  { tenant, role }: Pick<Principal, 'tenant' | 'role'>,
  { trusted, tenants = {} }: DocumentPolicy,
): TrustMode {
  const name = tenantNameOf(tenant);
  const stated = Object.hasOwn(tenants, name) ? (tenants[name] ?? trusted) : trusted;
  // An operator could do all that documents can by other means: he is not kept from it.
  return stated === 'required' && role === 'OPERATOR' ? 'allowed' : stated;
}

interface Caller {
  readonly mode: TrustMode;
  readonly tenant: string;
}

const sha256Hash = 'extensions.persistedQuery.sha256Hash';

/** A socket must send a query, and sends an empty one when it names a document. */
function hasText(query: unknown): query is string {
  return typeof query === 'string' && query !== '';
}

function hashIn(extensions: unknown): string | undefined {
  if (typeof extensions !== 'object' || extensions === null) return undefined;
  if (!Object.hasOwn(extensions, 'persistedQuery')) return undefined;
  const { persistedQuery } = extensions as { persistedQuery: unknown };
  if (persistedQuery === undefined || persistedQuery === null) return undefined;
  const { version, sha256Hash: hash } = persistedQuery as Record<string, unknown>;
  if (version !== 1)
    throw badInput('Only version 1 of persisted queries is known', 'extensions.persistedQuery');
  if (typeof hash === 'string' && hashShape.test(hash)) return hash;
  throw badInput('"sha256Hash" must be a SHA-256 in 64 hexadecimal digits', sha256Hash);
}

function checkTrusted(documents: Documents, id: string, text: string): void {
  try {
    const [error] = documents.validate(documents.parse(text as AdmittedSource));
    if (error) throw error;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`The trusted document "${id}" cannot be run: ${reason}`, { cause: error });
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function untrusted(): StoreError {
  const message =
    'Only trusted documents are run for this tenant: name one with "documentId", or have this one added';
  return new StoreError('FORBIDDEN', message, { field: 'query' });
}

/** Messages and codes are those that Apollo Client knows. */
function notFound(): GraphQLError {
  const extensions = { code: 'PERSISTED_QUERY_NOT_FOUND' };
  return new GraphQLError('PersistedQueryNotFound', { extensions });
}

function notSupported(): GraphQLError {
  const extensions = { code: 'PERSISTED_QUERY_NOT_SUPPORTED' };
  return new GraphQLError('PersistedQueryNotSupported', { extensions });
}
