import type { ApiKeyConfig } from '../config.ts';
import type { Clock } from '../runtime/clock.ts';
import { looksLikeApiKey, type ApiKeys } from './api-keys.ts';
import { configuredKeys, directoryKeys } from './credentials.ts';
import { looksLikeToken, type TokenVerifier } from './json-web-tokens.ts';
import { tenantNameOf, type Principal, type Role } from './principal.ts';
import { asked, createStanding, unauthenticated } from './standing.ts';
import type { TenantDirectory } from './tenant-directory.ts';

/** Turns a credential into a principal, over HTTP and WebSocket alike. */
export interface Authenticator {
  /**
   * `authorization`: the header's value, or its namesake in `connection_init`. Errors:
   * UNAUTHENTICATED; QUORUM_UNAVAILABLE when it takes the directory to tell and that cannot be asked;
   * OVERLOADED.
   */
  authenticate(authorization: string | undefined): Promise<Principal>;
  /**
   * What `authenticate` would answer, where it would from memory: at once, and not some promises
   * later. Undefined says nothing: `authenticate` is to be asked.
   */
  known(authorization: string | undefined): Principal | undefined;
  /**
   * Whether what was granted still holds, for whoever stays for long. Errors: UNAUTHENTICATED when it
   * does not; QUORUM_UNAVAILABLE when that could not be told for too long.
   */
  recheck(principal: Principal): Promise<void>;
  /** Whether `recheck` would find, in memory and at once, that it holds. False says nothing. */
  stands(principal: Principal): boolean;
}

interface Settings {
  readonly clock: Clock;
  readonly apiKeys: readonly ApiKeyConfig[];
  /** Whose tenant a request without a credential works in. Undefined: such requests are refused. */
  readonly anonymousTenant?: string | undefined;
  /** What such a request may do; OPERATOR when left out, which is for development only. */
  readonly anonymousRole?: Role | undefined;
  /** Left out: only what the configuration names is known. */
  readonly directory?: { readonly tenants: TenantDirectory; readonly apiKeys: ApiKeys } | undefined;
  /** Left out: no tokens are taken. */
  readonly tokens?: TokenVerifier | undefined;
}

/**
 * Who a credential is: a key of the configuration, a key of the directory, or a signed token.
 *
 * A wrong credential is refused even where none is needed: whoever sends one means to be someone.
 */
export function createAuthenticator(settings: Settings): Authenticator {
  const { clock, apiKeys, anonymousTenant, anonymousRole = 'OPERATOR', tokens } = settings;
  const nobody = { role: anonymousRole, credential: 'anonymous' } as const;
  const listed = settings.directory?.apiKeys;
  const standing = createStanding({ clock, tenants: settings.directory?.tenants });
  const configured = configuredKeys(apiKeys, standing);
  const entered = directoryKeys(listed, standing);

  return {
    async authenticate(authorization) {
      if (authorization === undefined || authorization === '') {
        if (anonymousTenant !== undefined) {
          const tenant = await standing.filed(anonymousTenant, true);
          return { ...nobody, tenant };
        }
        throw unauthenticated('A credential is needed: send "Authorization: Bearer <credential>"');
      }
      const secret = secretIn(authorization);
      if (secret === undefined)
        throw unauthenticated('The credential must be "Bearer <API key or token>"');
      const ofConfig = await configured.find(secret);
      if (ofConfig) return ofConfig;
      if (tokens && looksLikeToken(secret)) {
        const { tenant, ...grant } = await tokens.verify(secret);
        return { tenant: await standing.filed(tenant, false), ...grant };
      }
      const found = looksLikeApiKey(secret) ? await entered.find(secret) : undefined;
      if (found) return found;
      throw unauthenticated('The API key is not known');
    },

    known(authorization) {
      if (authorization === undefined || authorization === '') {
        if (anonymousTenant === undefined) return undefined;
        const tenant = standing.filedNow(anonymousTenant, true);
        return tenant === undefined ? undefined : { ...nobody, tenant };
      }
      const secret = secretIn(authorization);
      if (secret === undefined) return undefined;
      return configured.now(secret) ?? entered.now(secret);
    },

    stands({ tenant, apiKey, expiresAtMs = Infinity }) {
      if (expiresAtMs <= clock.nowMs()) return false;
      if (apiKey === undefined) return standing.filedNow(tenantNameOf(tenant), true) === tenant;
      const record = listed?.findNow(apiKey);
      return record !== undefined && standing.holderNow(record) !== undefined;
    },

    async recheck(principal) {
      const { tenant, apiKey, expiresAtMs = Infinity } = principal;
      if (expiresAtMs <= clock.nowMs()) throw unauthenticated('The credential has expired');
      if (apiKey === undefined) {
        // Created anew under the same name, it is another tenant.
        if ((await standing.filed(tenantNameOf(tenant), true)) === tenant) return;
        throw unauthenticated('The credential is of a tenant that is not there');
      }
      const record = await asked(listed?.find(apiKey));
      if (!record) throw unauthenticated('The API key is not there any more');
      await standing.holder(record);
    },
  };
}

/** What an `Authorization` header holds; undefined when it is of no kind that is known here. */
function secretIn(authorization: string): string | undefined {
  return /^Bearer ([^\s]{1,8192})$/i.exec(authorization)?.[1];
}
