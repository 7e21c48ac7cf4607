import { hash, timingSafeEqual } from 'node:crypto';
import type { ApiKeyConfig } from '../config.ts';
import type { Clock } from '../runtime/clock.ts';
import { looksLikeApiKey, type ApiKeys } from './api-keys.ts';
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
   * Whether what was granted still holds, for whoever stays for long. Errors: UNAUTHENTICATED when it
   * does not; QUORUM_UNAVAILABLE when that could not be told for too long.
   */
  recheck(principal: Principal): Promise<void>;
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

/** Where a key of the configuration is looked for: the first 16 bytes of its hash. */
function indexOf(digest: Buffer): string {
  return digest.toString('latin1', 0, 16);
}

/**
 * Who a credential is: a key of the configuration, a key of the directory, or a signed token.
 *
 * A wrong credential is refused even where none is needed: whoever sends one means to be someone.
 */
export function createAuthenticator(settings: Settings): Authenticator {
  const { clock, apiKeys, anonymousTenant, anonymousRole = 'OPERATOR', tokens } = settings;
  const listed = settings.directory?.apiKeys;
  const standing = createStanding({ clock, tenants: settings.directory?.tenants });
  const configured = byHash(apiKeys);
  const digests = new Map<string, Buffer>(); // of secrets that were right: no more than keys

  async function ofConfiguration(secret: string): Promise<Principal | undefined> {
    const digest = digests.get(secret) ?? hash('sha256', secret, 'buffer');
    // One candidate, compared in constant time. Whether there is one says at most that half of a hash
    // was met, which nobody can steer: whoever can compute it towards a key has the key.
    const found = configured.get(indexOf(digest));
    if (!found || !timingSafeEqual(found.hash, digest)) return undefined;
    digests.set(secret, digest);
    const { tenant, role, keyspaces } = found.grant;
    const credential = `config:${found.hash.toString('hex').slice(0, 12)}`;
    return { tenant: await standing.filed(tenant, true), role, keyspaces, credential };
  }

  async function ofDirectory(secret: string): Promise<Principal | undefined> {
    const key = await asked(listed?.matching(secret));
    if (!key) return undefined;
    const { role, keyspaces, expiresAtMs } = key.record;
    const tenant = await standing.holder(key.record);
    return { tenant, role, keyspaces, expiresAtMs, apiKey: key.prefix, credential: key.prefix };
  }

  return {
    async authenticate(authorization) {
      if (authorization === undefined || authorization === '') {
        if (anonymousTenant !== undefined) {
          const tenant = await standing.filed(anonymousTenant, true);
          return { tenant, role: anonymousRole, credential: 'anonymous' };
        }
        throw unauthenticated('A credential is needed: send "Authorization: Bearer <credential>"');
      }
      const secret = /^Bearer ([^\s]{1,8192})$/i.exec(authorization)?.[1];
      if (secret === undefined)
        throw unauthenticated('The credential must be "Bearer <API key or token>"');
      const ofConfig = await ofConfiguration(secret);
      if (ofConfig) return ofConfig;
      if (tokens && looksLikeToken(secret)) {
        const { tenant, ...grant } = await tokens.verify(secret);
        return { tenant: await standing.filed(tenant, false), ...grant };
      }
      const found = looksLikeApiKey(secret) ? await ofDirectory(secret) : undefined;
      if (found) return found;
      throw unauthenticated('The API key is not known');
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

function byHash(apiKeys: readonly ApiKeyConfig[]) {
  return new Map(
    apiKeys.map(({ secretHash, ...grant }) => {
      const digest = Buffer.from(secretHash, 'hex');
      return [indexOf(digest), { hash: digest, grant }];
    }),
  );
}
