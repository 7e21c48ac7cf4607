import { StoreError, withoutStack } from '../errors.ts';
import type { Quota } from '../tenancy/tenant-record.ts';

/** A quota that has a number. */
export type QuotaName = Exclude<keyof Quota, 'allowedLevels' | 'weight'>;

/** Why a request is not let in: data, so that to refuse costs next to nothing. */
export interface Refusal {
  readonly quota: QuotaName;
  readonly limit: number;
  readonly used: number;
  /** When to try again; undefined: it would be refused again, whenever it comes. */
  readonly retryAfterMs?: number;
}

const words: Readonly<Record<QuotaName, string>> = {
  requestsPerSecond: 'requests a second',
  costPerSecond: 'of document cost a second',
  concurrentRequests: 'requests at once',
  sockets: 'open sockets',
  subscriptions: 'open subscriptions',
  storedBytes: 'stored bytes',
  keys: 'keys',
  keyspaces: 'keyspaces',
  valueBytes: 'bytes in one value',
  documentTokens: 'tokens in one document',
  documentDepth: 'levels in one document',
  documentCost: 'of cost in one document',
};

/** LIMIT_EXCEEDED as a client is told it. */
export function limitExceeded({ quota, limit, used, retryAfterMs }: Refusal): StoreError {
  const shown = Math.ceil(used * 10) / 10;
  const message = `The tenant's quota is ${limit} ${words[quota]}, and it is ${shown}`;
  // What is too large today is too large tomorrow.
  const when = retryAfterMs === undefined ? { retryable: false } : { retryAfterMs };
  const details = { quota, limit, used: shown, ...when };
  return withoutStack(() => new StoreError('LIMIT_EXCEEDED', message, details));
}

/** The first of a document's measures that is beyond the tenant's quota. */
export function documentRefusal(
  quota: Quota,
  document: { readonly tokens: number; readonly depth: number; readonly cost: number },
): Refusal | undefined {
  const { documentTokens, documentDepth, documentCost } = quota;
  return (
    beyond('documentTokens', documentTokens, document.tokens) ??
    beyond('documentDepth', documentDepth, document.depth) ??
    beyond('documentCost', documentCost, document.cost)
  );
}

/** A refusal that no waiting helps against, when `used` is more than the quota. */
export function beyond(
  quota: QuotaName,
  limit: number | undefined,
  used: number,
): Refusal | undefined {
  return limit !== undefined && used > limit ? { quota, limit, used } : undefined;
}
