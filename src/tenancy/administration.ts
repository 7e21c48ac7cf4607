import type { Store } from '../consistency/store.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { repeat, type Loop } from '../runtime/loop.ts';
import type { Random } from '../runtime/random.ts';
import { ApiKeys, type ApiKey, type NewApiKey } from './api-keys.ts';
import { tenantNameOf, type Principal } from './principal.ts';
import { TenantDirectory, type Leftover, type Tenant } from './tenant-directory.ts';
import type { Records } from '../consistency/system-records.ts';
import { checkQuota, type ApiKeyRecord, type TenantRecord } from './tenant-record.ts';

export interface AdministrationParts {
  readonly tenantRecords: Records<TenantRecord>;
  readonly apiKeyRecords: Records<ApiKeyRecord>;
  readonly store: Pick<Store, 'keyspaces' | 'dropKeyspace'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** What was begun before the drop may still have ended behind it; so long it is looked again. */
const settleMs = 60_000;
const sweepEveryMs = 300_000;

/** Tenants and their keys as operators manage them. Every method rejects with a `StoreError` only. */
export class TenantAdministration {
  readonly tenants: TenantDirectory;
  readonly apiKeys: ApiKeys;
  readonly #parts: AdministrationParts;

  constructor(parts: AdministrationParts) {
    this.#parts = parts;
    const { clock, random } = parts;
    this.tenants = new TenantDirectory({ records: parts.tenantRecords, clock });
    this.apiKeys = new ApiKeys({
      records: parts.apiKeyRecords,
      tenants: this.tenants,
      clock,
      random,
    });
  }

  /** The caller's own; one that only the configuration names gets its record now. */
  async own(principal: Principal): Promise<Tenant> {
    const name = tenantNameOf(principal.tenant);
    return (await this.tenants.ensure(name)) ?? this.tenants.require(name);
  }

  list(): Promise<readonly Tenant[]> {
    return this.tenants.list();
  }

  /** BAD_USER_INPUT when the name is taken. Nothing of a dropped tenant of that name comes back. */
  async create(name: string, quota: Readonly<Record<string, unknown>>): Promise<Tenant> {
    return this.tenants.create(name, checkQuota(quota));
  }

  async update(
    name: string,
    quota: Readonly<Record<string, unknown>> | undefined,
  ): Promise<Tenant> {
    return quota === undefined
      ? this.tenants.require(name)
      : this.tenants.setQuota(name, checkQuota(quota));
  }

  /**
   * First its credentials end, then its keyspaces and keys; rows follow in bounded steps. False when
   * there was nothing of it. What fails half-way is gone on with by the sweep, or by a second call.
   */
  async drop(name: string): Promise<boolean> {
    const isDropped = await this.tenants.drop(name);
    let hasCleared = false;
    for (const leftover of await this.tenants.leftovers(name))
      hasCleared = (await this.#clear(leftover)) || hasCleared;
    return isDropped || hasCleared;
  }

  createKey(wanted: NewApiKey): Promise<{ apiKey: ApiKey; secret: string }> {
    return this.apiKeys.create(wanted);
  }

  revokeKey(prefix: string): Promise<boolean> {
    return this.apiKeys.revoke(prefix);
  }

  keysOf({ record }: Tenant): Promise<readonly ApiKey[]> {
    return this.apiKeys.all(record.apiKeys);
  }

  /** Goes on, from time to time, with removals that were left half-done. */
  startSweeping(): Loop {
    const { clock, log } = this.#parts;
    return repeat({ clock, log, name: 'dropped tenants', everyMs: sweepEveryMs }, () =>
      this.sweep(),
    );
  }

  async sweep(): Promise<void> {
    for (const leftover of await this.tenants.leftovers()) {
      const hadLeft = await this.#clear(leftover);
      const isSettled = this.#parts.clock.nowMs() - leftover.droppedAtMs > settleMs;
      if (isSettled && !hadLeft) await this.tenants.setCleared(leftover);
    }
  }

  /** Whether there was something. */
  async #clear({ filed, apiKeys }: Leftover): Promise<boolean> {
    const { store } = this.#parts;
    const caller = { tenant: filed };
    const keyspaces = await store.keyspaces(caller);
    for (const { name } of keyspaces) await store.dropKeyspace(caller, name);
    let hadKeys = false;
    for (const prefix of apiKeys) hadKeys = (await this.apiKeys.remove(prefix)) || hadKeys;
    return keyspaces.length > 0 || hadKeys;
  }
}
