import {
  getOperationAST,
  Kind,
  OperationTypeNode,
  type ASTNode,
  type DocumentNode,
  type ExecutionResult,
} from 'graphql';
import { unknownStream, type AuditPage } from '../audit/audit-log.ts';
import { StoreError } from '../errors.ts';
import type { Principal } from '../tenancy/principal.ts';
import { given, within } from './arguments.ts';
import type { DocumentAdmission } from './document-admission.ts';
import type { FieldRule } from './field-rules.ts';
import type { RequestContext, Services } from './request-context.ts';
import type { QueryResolvers, Resolvers } from './resolver-types.generated.ts';

/** Whether a field is an administrator's act, which is recorded whatever comes of it. */
export function isAct(operation: OperationTypeNode, rule: FieldRule | undefined): boolean {
  const isForAdministrators = rule?.role === 'ADMIN' || rule?.role === 'OPERATOR';
  return operation === OperationTypeNode.MUTATION && isForAdministrators;
}

/** Records an act. `answer`: what came of it, when something did. */
export async function recordAct(
  { audit, principal, tenants }: RequestContext,
  act: { field: string; args: Readonly<Record<string, unknown>>; outcome: string; answer: unknown },
): Promise<void> {
  const { field, args, outcome, answer } = act;
  const target = { ...namesIn(args), ...madeKey(answer) };
  const touched = await touchedTenant(tenants, field, args);
  await audit.act(principal, { action: `Mutation.${field}`, target, outcome }, touched);
}

const refusalCodes: readonly unknown[] = ['FORBIDDEN', 'UNAUTHENTICATED'];

/** Counts what an operation was refused, whichever rule refused it. */
export function recordRefusals(
  { audit }: Pick<Services, 'audit'>,
  { document, operationName, principal }: Asker,
  { errors = [] }: ExecutionResult,
): void {
  for (const { extensions, nodes, message } of errors) {
    const { code, keyspace } = extensions;
    if (!refusalCodes.includes(code)) continue;
    const action = actionOf(getOperationAST(document, operationName)?.operation, nodes?.[0]);
    const target = {
      reason: message,
      ...(typeof keyspace === 'string' && { keyspace }),
    };
    audit.refusal(principal, { action, target, outcome: String(code) });
  }
}

/** Not by the error's path: there stands what the client calls it. */
function actionOf(operation: OperationTypeNode | undefined, node: ASTNode | undefined): string {
  const root = operation === undefined ? 'document' : rootNames[operation];
  return node?.kind === Kind.FIELD ? `${root}.${node.name.value}` : root;
}

const rootNames = { query: 'Query', mutation: 'Mutation', subscription: 'Subscription' } as const;

interface Asker {
  readonly document: DocumentNode;
  readonly operationName: string | undefined;
  readonly principal: Principal;
}

/** A gate that can also be asked by whoever will ask it again. */
export interface AuditedGate extends DocumentAdmission {
  /**
   * The same for one who goes on to `admit` when nothing came of it: a refusal is undefined, and not
   * told to the audit log twice.
   */
  tryAdmit: DocumentAdmission['admit'];
}

/** The gate of documents, telling the audit log of those that it does not let through. */
export function auditedGate(
  gate: DocumentAdmission,
  { audit }: Pick<Services, 'audit'>,
): AuditedGate {
  return {
    tryAdmit(request, principal) {
      try {
        return gate.admit(request, principal);
      } catch {
        return undefined; // `admit` says why
      }
    },
    admit(request, principal) {
      try {
        return gate.admit(request, principal);
      } catch (error) {
        if (error instanceof StoreError && refusalCodes.includes(error.code)) {
          const target = { reason: error.message };
          audit.refusal(principal, { action: 'document', target, outcome: error.code });
        }
        throw error;
      }
    },
  };
}

/** The arguments that name something; an input's members stand beside the others. */
function namesIn(args: Readonly<Record<string, unknown>>): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, value] of Object.entries(args)) {
    if (value === null || value === undefined) continue;
    if (typeof value === 'string') found[name] = value;
    else if (Array.isArray(value)) found[name] = value.join(',');
    else if (typeof value === 'object') Object.assign(found, namesIn(value as typeof args));
    else found[name] = JSON.stringify(value);
  }
  return found;
}

/** Of a new key the prefix, and never the secret. */
function madeKey(answer: unknown): Record<string, string> {
  const made = answer as { apiKey?: { prefix?: unknown } } | null | undefined;
  const prefix = made?.apiKey?.prefix;
  return typeof prefix === 'string' ? { prefix } : {};
}

/** Whose the thing is that was acted on, as it is filed; undefined when it is the caller's own. */
async function touchedTenant(
  tenants: Services['tenants'],
  field: string,
  args: Readonly<Record<string, unknown>>,
): Promise<string | undefined> {
  try {
    const name = await tenantNamed(tenants, field, args);
    return name === undefined ? undefined : (await tenants.tenants.find(name))?.filed;
  } catch (error) {
    if (error instanceof StoreError) return undefined; // the act stays in the actor's own stream
    throw error;
  }
}

async function tenantNamed(
  { apiKeys }: Services['tenants'],
  field: string,
  args: Readonly<Record<string, unknown>>,
): Promise<string | undefined> {
  const { name, tenant, prefix, input } = args;
  if (field === 'createTenant') return (input as { name: string }).name;
  if (field === 'updateTenant' || field === 'dropTenant') return name as string;
  if (field === 'createApiKey') return tenant as string;
  if (field === 'revokeApiKey') return (await apiKeys.find(prefix as string))?.tenant;
  return undefined;
}

const pageMax = 500;

/** The caller's own log; an operator may ask for another's. */
export const auditLog: NonNullable<QueryResolvers['auditLog']> = async (_root, args, context) => {
  const { audit, principal } = context;
  const first = within('first', args.first, { min: 1, max: pageMax }) ?? 50;
  const stream = await streamOf(given(args.tenant), context);
  return audit.page(stream ?? principal.tenant, { first, after: given(args.after) });
};

async function streamOf(
  tenant: string | undefined,
  { principal, tenants }: RequestContext,
): Promise<string | undefined> {
  if (tenant === undefined) return undefined;
  if (principal.role !== 'OPERATOR')
    throw new StoreError('FORBIDDEN', 'Argument "tenant" is refused: it needs the role OPERATOR', {
      field: 'tenant',
    });
  if (tenant === unknownStream) return tenant;
  return (await tenants.tenants.find(tenant))?.filed ?? tenant;
}

/** How the audit log looks from outside. */
export const auditResolvers: Pick<Resolvers, 'AuditRecord' | 'AuditConnection'> = {
  AuditRecord: {
    at: ({ atMs }) => timeText(atMs),
    lastAt: ({ lastMs }) => timeText(lastMs),
    tenant: ({ tenant }) => (tenant === '' ? null : tenant),
    role: ({ role }) => role ?? null,
    target: ({ target }) => Object.entries(target).map(([name, value]) => ({ name, value })),
  },
  AuditConnection: {
    nodes: ({ records }: AuditPage) => records,
    pageInfo: ({ more, endCursor }: AuditPage) => ({
      hasNextPage: more,
      hasPreviousPage: false,
      startCursor: null,
      endCursor: endCursor ?? null,
    }),
  },
};

function timeText(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
