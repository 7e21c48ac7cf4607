import { hash, timingSafeEqual } from 'node:crypto';
import type { ApiKeyConfig } from '../config.ts';
import type { ApiKey, ApiKeys } from './api-keys.ts';
import type { Principal } from './principal.ts';
import { asked, type Standing } from './standing.ts';

/**
 * One kind of credentials. Errors: those of `Standing`; OVERLOADED.
 */
export interface Credentials {
  /** Whose this secret is; undefined when it is none of this kind. */
  find(secret: string): Promise<Principal | undefined>;
  /** What `find` would answer, where that is in memory: at once. Undefined: `find` is to be asked. */
  now(secret: string): Principal | undefined;
}

interface ConfiguredKey {
  readonly hash: Buffer;
  readonly grant: Omit<ApiKeyConfig, 'secretHash'>;
  readonly credential: string;
}

/** The keys that the configuration names. */
export function configuredKeys(apiKeys: readonly ApiKeyConfig[], standing: Standing): Credentials {
  const configured = byHash(apiKeys);
  const right = new Map<string, ConfiguredKey>(); // secrets that were right: no more than keys

  function keyOf(secret: string): ConfiguredKey | undefined {
    const known = right.get(secret);
    if (known) return known;
    const digest = hash('sha256', secret, 'buffer');
    // One candidate, compared in constant time. Whether there is one says at most that half of a hash
    // was met, which nobody can steer: whoever can compute it towards a key has the key.
    const found = configured.get(indexOf(digest));
    if (!found || !timingSafeEqual(found.hash, digest)) return undefined;
    right.set(secret, found);
    return found;
  }

  function principalOf({ grant, credential }: ConfiguredKey, tenant: string): Principal {
    const { role, keyspaces } = grant;
    return { tenant, role, keyspaces, credential };
  }

  return {
    async find(secret) {
      const found = keyOf(secret);
      return found && principalOf(found, await standing.filed(found.grant.tenant, true));
    },
    now(secret) {
      const found = right.get(secret);
      if (!found) return undefined;
      const tenant = standing.filedNow(found.grant.tenant, true);
      return tenant === undefined ? undefined : principalOf(found, tenant);
    },
  };
}

/** Where a key of the configuration is looked for: the first 16 bytes of its hash. */
function indexOf(digest: Buffer): string {
  return digest.toString('latin1', 0, 16);
}

function byHash(apiKeys: readonly ApiKeyConfig[]): ReadonlyMap<string, ConfiguredKey> {
  return new Map(
    apiKeys.map(({ secretHash, ...grant }) => {
      const digest = Buffer.from(secretHash, 'hex');
      const credential = `config:${digest.toString('hex').slice(0, 12)}`;
      return [indexOf(digest), { hash: digest, grant, credential }];
    }),
  );
}

/** The keys of the directory; none where there is no directory. */
export function directoryKeys(listed: ApiKeys | undefined, standing: Standing): Credentials {
  function holderOf({ prefix, record }: ApiKey, tenant: string): Principal {
    const { role, keyspaces, expiresAtMs } = record;
    return { tenant, role, keyspaces, expiresAtMs, apiKey: prefix, credential: prefix };
  }

  return {
    async find(secret) {
      const key = await asked(listed?.matching(secret));
      return key && holderOf(key, await standing.holder(key.record));
    },
    now(secret) {
      const key = listed?.matchingNow(secret);
      if (!key) return undefined;
      const tenant = standing.holderNow(key.record);
      return tenant === undefined ? undefined : holderOf(key, tenant);
    },
  };
}
