import type { Records } from '../consistency/system-records.ts';
import { badInput, StoreError } from '../errors.ts';
import type { Clock } from '../runtime/clock.ts';
import { filedAs, tenantNameOf } from './principal.ts';
import type { Quota, TenantRecord } from './tenant-record.ts';

/** A tenant as the directory holds it. */
export interface Tenant {
  readonly name: string;
  /** What everything of it is filed under. */
  readonly filed: string;
  readonly record: TenantRecord;
}

/** What a dropped tenant may have left behind. */
export interface Leftover {
  readonly name: string;
  readonly filed: string;
  readonly generation: number;
  readonly droppedAtMs: number;
  readonly apiKeys: readonly string[];
}

const nameShape = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;
const apiKeysMax = 1_000;

/**
 * Which tenants there are, in the replicas themselves. A dropped one leaves its record, which says
 * so to its credentials, and lets a later one of that name know that it is another.
 */
export class TenantDirectory {
  readonly #records: Records<TenantRecord>;
  readonly #clock: Clock;

  constructor({ records, clock }: { records: Records<TenantRecord>; clock: Clock }) {
    this.#records = records;
    this.#clock = clock;
  }

  /** The tenant, dropped or not; undefined when there never was one. From memory, if young enough. */
  async find(name: string): Promise<Tenant | undefined> {
    if (!nameShape.test(name)) return undefined;
    const record = await this.#records.find(name);
    return record && tenantOf(name, record);
  }

  /** The record of a tenant where `find` would answer with it from memory: at once. */
  fresh(name: string): TenantRecord | undefined {
    return this.#records.fresh(name);
  }

  /**
   * What a tenant, as filed, may use, as far as it is remembered: at once. Every request authenticates,
   * and every socket is looked at each second, so who asks is remembered, and not for longer than
   * `find` would.
   */
  quotaOf(filed: string): Quota | undefined {
    return this.#records.peek(tenantNameOf(filed))?.quota;
  }

  /** BAD_USER_INPUT when there is none. */
  async require(name: string): Promise<Tenant> {
    const tenant = await this.find(name);
    if (tenant && isLive(tenant)) return tenant;
    throw noTenant(name);
  }

  /** All that are there, by name. */
  async list(): Promise<readonly Tenant[]> {
    return (await this.#all()).filter(isLive);
  }

  /** What may be left of dropped tenants; of those of one name when it is given. */
  async leftovers(of?: string): Promise<readonly Leftover[]> {
    const tenants = of === undefined ? await this.#all() : [await this.find(of)];
    return tenants.flatMap((tenant) => {
      if (!tenant) return [];
      const { name, record } = tenant;
      return record.left.map((one) => ({ name, filed: filedAs(name, one.generation), ...one }));
    });
  }

  /** BAD_USER_INPUT when the name is taken, or none. */
  async create(name: string, quota: Quota): Promise<Tenant> {
    checkName(name);
    const record = await this.#records.change(name, (before) =>
      before?.isDropped === false ? undefined : this.#created(before, quota),
    );
    if (record) return tenantOf(name, record);
    throw badInput(`Cannot create tenant "${name}": it is there already`, 'name', { value: name });
  }

  /**
   * Gives a tenant that the configuration names its record. One that was dropped stays dropped: to
   * have it back is for an operator to say.
   */
  async ensure(name: string): Promise<Tenant | undefined> {
    const known = await this.find(name);
    if (known) return known;
    await this.#records.change(name, (before) => (before ? undefined : this.#created(before, {})));
    return this.find(name);
  }

  async setQuota(name: string, quota: Quota): Promise<Tenant> {
    const record = await this.#changeLive(name, (before) => ({ ...before, quota }));
    return tenantOf(name, record);
  }

  /** Enters an API key. Errors: BAD_USER_INPUT; LIMIT_EXCEEDED. */
  async addKey(name: string, prefix: string): Promise<Tenant> {
    const record = await this.#changeLive(name, (before) => {
      if (before.apiKeys.length < apiKeysMax)
        return { ...before, apiKeys: [...before.apiKeys, prefix] };
      throw new StoreError('LIMIT_EXCEEDED', `A tenant has at most ${apiKeysMax} API keys`, {
        limit: apiKeysMax,
        used: before.apiKeys.length,
      });
    });
    return tenantOf(name, record);
  }

  /** From here on its credentials are refused. False when there is none. */
  async drop(name: string): Promise<boolean> {
    if (!nameShape.test(name)) return false;
    const record = await this.#records.change(name, (before) => {
      if (!before || before.isDropped) return undefined;
      const { generation, apiKeys } = before;
      const left = [...before.left, { generation, droppedAtMs: this.#clock.nowMs(), apiKeys }];
      return { ...before, version: before.version + 1, isDropped: true, apiKeys: [], left };
    });
    return record !== undefined;
  }

  /** Remembers that nothing is left of it. */
  async setCleared({ name, generation }: Leftover): Promise<void> {
    await this.#records.change(name, (before) => {
      const left = before?.left.filter((one) => one.generation !== generation);
      return before && left ? { ...before, left } : undefined;
    });
  }

  async #all(): Promise<readonly Tenant[]> {
    const rows = await this.#records.list('');
    return rows.map(({ key, record }) => tenantOf(key, record));
  }

  #created(before: TenantRecord | undefined, quota: Quota): TenantRecord {
    return {
      generation: (before?.generation ?? 0) + 1,
      version: 1,
      createdAtMs: this.#clock.nowMs(),
      isDropped: false,
      quota,
      apiKeys: [],
      left: before?.left ?? [],
    };
  }

  async #changeLive(
    name: string,
    modify: (before: TenantRecord) => TenantRecord,
  ): Promise<TenantRecord> {
    checkName(name);
    const record = await this.#records.change(name, (before) => {
      if (!before || before.isDropped) return undefined;
      return { ...modify(before), version: before.version + 1 };
    });
    if (record) return record;
    throw noTenant(name);
  }
}

/** Whether it is there: neither dropped nor never created. */
export function isLive({ record }: Tenant): boolean {
  return !record.isDropped;
}

function tenantOf(name: string, record: TenantRecord): Tenant {
  return { name, filed: filedAs(name, record.generation), record };
}

function checkName(name: string): void {
  if (nameShape.test(name)) return;
  const rule = '1 to 63 letters, digits, "_" or "-", the first a letter or digit';
  throw badInput(`A tenant is named with ${rule}`, 'name', { value: name.slice(0, 64) });
}

function noTenant(name: string): StoreError {
  const value = name.slice(0, 64);
  return badInput(`There is no tenant "${value}": createTenant makes one`, 'name', { value });
}
