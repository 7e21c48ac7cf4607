import { StoreError } from '../errors.ts';
import type { Authenticator } from '../tenancy/authenticate.ts';
import type { AuditLog } from './audit-log.ts';

/** An authenticator that tells the audit log whom it refuses, for every transport alike. */
export function auditedAuthenticator(inner: Authenticator, audit: AuditLog): Authenticator {
  return {
    async authenticate(authorization) {
      try {
        return await inner.authenticate(authorization);
      } catch (error) {
        if (error instanceof StoreError && error.code === 'UNAUTHENTICATED') {
          const target = { reason: error.message };
          const deed = { action: 'authenticate', target, outcome: error.code };
          audit.refusal({ actor: shownCredential(authorization) }, deed);
        }
        throw error;
      }
    },
    known: (authorization) => inner.known(authorization), // it refuses nobody
    recheck: (principal) => inner.recheck(principal),
    stands: (principal) => inner.stands(principal),
  };
}

/** What may be shown of a credential that was refused: the visible prefix, or its kind. */
function shownCredential(authorization: string | undefined): string {
  if (authorization === undefined || authorization === '') return 'no credential';
  const secret = authorization.replace(/^Bearer /i, '');
  const prefix = /^(qk_[0-9a-f]{12})_/.exec(secret)?.[1];
  if (prefix !== undefined) return prefix;
  return secret.split('.').length === 3 ? 'a token' : 'an unknown credential';
}
