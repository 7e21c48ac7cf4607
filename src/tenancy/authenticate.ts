import { createHash, timingSafeEqual } from 'node:crypto';
import type { ApiKeyConfig } from '../config.ts';
import { StoreError } from '../errors.ts';
import type { Principal, Role } from './principal.ts';

/** Turns a credential into a principal, over HTTP and WebSocket alike. */
export interface Authenticator {
  /**
   * `authorization`: the header's value, or its namesake in `connection_init`. Rejects with
   * UNAUTHENTICATED.
   */
  authenticate(authorization: string | undefined): Promise<Principal>;
}

interface Settings {
  readonly apiKeys: readonly ApiKeyConfig[];
  /** Whose tenant a request without a credential works in. Undefined: such requests are refused. */
  readonly anonymousTenant?: string | undefined;
  /** What such a request may do; OPERATOR when left out, which is for development only. */
  readonly anonymousRole?: Role | undefined;
}

/**
 * API keys from the configuration, which holds their hashes only.
 *
 * A wrong credential is refused even where none is needed: whoever sends one means to be someone.
 * Asynchronous, so that a directory or signed tokens can take this place.
 */
export function createAuthenticator({
  apiKeys,
  anonymousTenant,
  anonymousRole = 'OPERATOR',
}: Settings): Authenticator {
  const known = apiKeys.map(({ secretHash, tenant, role }) => {
    return {
      hash: Buffer.from(secretHash, 'hex'),
      principal: { tenant, role } satisfies Principal,
    };
  });
  return {
    async authenticate(authorization) {
      if (authorization === undefined || authorization === '') {
        if (anonymousTenant !== undefined) return { tenant: anonymousTenant, role: anonymousRole };
        throw unauthenticated('A credential is needed: send "Authorization: Bearer <api key>"');
      }
      const secret = /^Bearer ([^\s]{1,512})$/i.exec(authorization)?.[1];
      if (secret === undefined) throw unauthenticated('The credential must be "Bearer <api key>"');
      const hash = createHash('sha256').update(secret).digest();
      // All are compared, whichever matches, and each in constant time: how long it takes says
      // nothing about the keys.
      const matching = known.filter((key) => timingSafeEqual(key.hash, hash));
      const [found] = matching;
      if (found === undefined) throw unauthenticated('The API key is not known');
      return found.principal;
    },
  };
}

function unauthenticated(message: string): StoreError {
  return new StoreError('UNAUTHENTICATED', message);
}
