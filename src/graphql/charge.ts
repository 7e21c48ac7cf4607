import { getOperationAST, Kind, OperationTypeNode, type DocumentNode } from 'graphql';
import { StoreError } from '../errors.ts';
import { documentRefusal, limitExceeded } from '../quotas/refusal.ts';
import type { Hold } from '../quotas/room.ts';
import type { Documents } from './documents.ts';
import { mayActAs, tenantNameOf, type Principal } from '../tenancy/principal.ts';
import { ruleOf } from './field-rules.ts';
import type { RequestContext, Services } from './request-context.ts';
import type { Results } from './results.ts';

/** What is charged. */
interface Operation {
  readonly document: DocumentNode;
  readonly operationName: string | undefined;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly context: RequestContext;
}

/** The tenant's purse, as the engine reaches into it. */
export interface Charge {
  /**
   * Before a request is read: refuses who has used up his requests, and whoever there is no room for.
   * Nobody is charged; operators are let in, as what they bring may be an act of an operator. The
   * request's bytes are kept in the answer. Errors: LIMIT_EXCEEDED, OVERLOADED.
   */
  knock(principal: Principal): Hold;
  /** For what comes over a socket, by whomever: only its bytes count before it is an operation. */
  arriving(principal: Principal | undefined): Hold;
  /**
   * Charges an operation before anything is done for it, in the turn in which it came. Who is let in
   * calls what this answers, once, when the operation has been run.
   * Errors: LIMIT_EXCEEDED; OVERLOADED; BAD_USER_INPUT for a document beyond what anybody may ask.
   */
  enter(operation: Operation): () => void;
  /** Counts what `run` opens for as long as it is open. Errors: LIMIT_EXCEEDED, OVERLOADED. */
  subscription<T extends object>(
    operation: Operation,
    run: (ended: () => void) => Promise<T | Results>,
  ): Promise<T | Results>;
}

/** THE CHARGE of every transport: over HTTP, server-sent events and WebSocket all come by here. */
export function createCharge(
  documents: Documents,
  { admission, metrics }: Pick<Services, 'admission' | 'metrics'>,
): Charge {
  const nameOf = (tenant: string): string => metrics.tenantNames.of(tenantNameOf(tenant));
  const arriving: Charge['arriving'] = (principal) => {
    if (!principal) return admission.room.hold();
    return admission.room.hold(
      admission.of(principal.tenant),
      !mayActAs(principal.role, 'OPERATOR'),
    );
  };
  return {
    arriving,
    knock(principal) {
      const { role, tenant } = principal;
      if (mayActAs(role, 'OPERATOR')) return arriving(principal).begin();
      try {
        return admission.knock(tenant);
      } catch (error) {
        // What gets no further is seen by nobody else.
        const code = error instanceof StoreError ? error.code : 'INTERNAL_SERVER_ERROR';
        metrics.tenantRequests.inc({ tenant: nameOf(tenant), code });
        throw error;
      }
    },
    enter(operation) {
      const { account, unheldBytes, answerHold } = operation.context;
      const weight = documents.weigh(operation.document, operation.variables);
      if (isAdministration(operation)) return () => undefined;
      const tooMuch = documentRefusal(account.quota, weight);
      if (tooMuch) throw limitExceeded(account.refuse(tooMuch));
      const leave = admission.enter(account, { ...weight, bytes: unheldBytes });
      metrics.tenantCost.inc({ tenant: nameOf(account.tenant) }, weight.cost);
      return () => {
        leave();
        answerHold?.release();
      };
    },
    async subscription({ context: { account, unheldBytes } }, run) {
      const opened = await admission.open(account.tenant, 'subscriptions');
      // Its variables are kept for as long as it is open, as text.
      const hold = admission.room.hold(account);
      const close = (): void => {
        hold.release();
        opened();
      };
      try {
        hold.grow(unheldBytes);
        const started = await run(close);
        if (!(Symbol.asyncIterator in started)) close();
        return started;
      } catch (error) {
        close();
        throw error;
      }
    },
  };
}

/**
 * Whether it is nothing but acts of an operator, who must be able to take back a quota that leaves his
 * own tenant nothing.
 */
function isAdministration({ document, operationName, context }: Operation): boolean {
  if (!mayActAs(context.principal.role, 'OPERATOR')) return false;
  const operation = getOperationAST(document, operationName);
  if (!operation) return false;
  const root = operation.operation === OperationTypeNode.QUERY ? 'Query' : 'Mutation';
  return operation.selectionSet.selections.every(
    (field) => field.kind === Kind.FIELD && ruleOf(root, field.name.value)?.role === 'OPERATOR',
  );
}
