import { StoreError } from '../errors.ts';
import type { Clock } from '../runtime/clock.ts';
import { filedAs } from './principal.ts';
import { isLive, type TenantDirectory } from './tenant-directory.ts';
import type { ApiKeyRecord, TenantRecord } from './tenant-record.ts';

/** Whether tenants and keys still stand. Errors: UNAUTHENTICATED; QUORUM_UNAVAILABLE. */
export interface Standing {
  /** What the tenant is filed under. `mayBeNew`: named by the configuration, it needs no record. */
  filed(name: string, mayBeNew: boolean): Promise<string>;
  /** What `filed` would answer where that is in memory: at once. Undefined: `filed` is to be asked. */
  filedNow(name: string, mayBeNew: boolean): string | undefined;
  /** The tenant, as filed, that a key still opens. */
  holder(record: ApiKeyRecord): Promise<string>;
  /** The same of `holder`. */
  holderNow(record: ApiKeyRecord): string | undefined;
}

interface Parts {
  readonly clock: Clock;
  /** Left out: only what the configuration names is known. */
  readonly tenants: TenantDirectory | undefined;
}

export function createStanding({ clock, tenants }: Parts): Standing {
  const ofTenant = (name: string): TenantRecord | undefined => {
    const record = tenants?.fresh(name);
    return record?.isDropped === false ? record : undefined;
  };
  return {
    filedNow(name, mayBeNew) {
      if (!tenants) return mayBeNew ? name : undefined;
      const record = ofTenant(name);
      return record && filedAs(name, record.generation);
    },
    holderNow({ tenant: name, generation, revokedAtMs, expiresAtMs = Infinity }) {
      const record = ofTenant(name);
      const isOpen = revokedAtMs === undefined && expiresAtMs > clock.nowMs();
      return isOpen && record?.generation === generation ? filedAs(name, generation) : undefined;
    },
    async filed(name, mayBeNew) {
      const tenant = await asked(tenants?.find(name));
      if (tenant && isLive(tenant)) return tenant.filed;
      if (!tenant && mayBeNew) return name;
      throw unauthenticated('The credential is of a tenant that is not there');
    },
    async holder({ tenant: name, generation, revokedAtMs, expiresAtMs = Infinity }) {
      if (revokedAtMs !== undefined) throw unauthenticated('The API key has been revoked');
      if (expiresAtMs <= clock.nowMs()) throw unauthenticated('The API key has expired');
      const tenant = await asked(tenants?.find(name));
      if (tenant?.record.generation === generation && isLive(tenant)) return tenant.filed;
      throw unauthenticated('The API key is of a tenant that is not there');
    },
  };
}

/** What the directory says; when it cannot be reached, a refusal that tells strangers no more. */
export async function asked<T>(answer: Promise<T | undefined> | undefined): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof StoreError) || error.code === 'OVERLOADED') throw error;
    throw new StoreError(
      'QUORUM_UNAVAILABLE',
      'The directory of tenants cannot be reached, so it cannot be told who is asking',
    );
  }
}

/** A refusal of the credential itself. */
export function unauthenticated(message: string): StoreError {
  return new StoreError('UNAUTHENTICATED', message);
}
