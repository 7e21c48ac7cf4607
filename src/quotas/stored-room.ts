import type { Caller, KeyRef, Store } from '../consistency/store.ts';
import { StoreError } from '../errors.ts';
import type { Quota } from '../tenancy/tenant-record.ts';
import type { Admission } from './admission.ts';
import { beyond, limitExceeded, type Refusal } from './refusal.ts';
import type { Size, StoredSizes } from './stored-sizes.ts';

interface Parts {
  readonly store: Store;
  readonly admission: Admission;
  readonly sizes: StoredSizes;
}

/** A value on its way into the store. */
export interface Written extends KeyRef {
  readonly value: string;
}

/** A version has about so much beside its value: dot, write id, time. */
const versionBytes = 120;
/** A write waits no longer for a counting. */
const countingMs = 1_000;

/** Whether there is room for what a tenant writes. */
export class StoredRoom {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Writes values that may be more than there was. Errors: LIMIT_EXCEEDED, before `write`. */
  growing<T>(caller: Caller, items: readonly Written[], write: () => Promise<T>): Promise<T> {
    const { quota } = this.#parts.admission.of(caller.tenant);
    const { valueBytes, keys, storedBytes } = quota;
    const isBounded = valueBytes !== undefined || keys !== undefined || storedBytes !== undefined;
    return isBounded ? this.#within(quota, { caller, items }, write) : write();
  }

  async #within<T>(
    quota: Quota,
    { caller, items }: { readonly caller: Caller; readonly items: readonly Written[] },
    write: () => Promise<T>,
  ): Promise<T> {
    const { sizes } = this.#parts;
    if (quota.valueBytes !== undefined) {
      const largest = Math.max(...items.map(({ value }) => Buffer.byteLength(value)));
      const tooLarge = beyond('valueBytes', quota.valueBytes, largest);
      if (tooLarge) throw this.#refused(caller, tooLarge);
    }
    if (quota.keys === undefined && quota.storedBytes === undefined) return write();
    const by = { keys: new Set(items.map(({ key }) => key)).size, bytes: bytesOf(items) };
    await this.#findRoom(caller, items, { quota, by });
    const takeBack = sizes.grow(caller.tenant, by);
    try {
      return await write();
    } catch (error) {
      // What may have been written, or may yet be, counts until it is counted.
      if (error instanceof StoreError && error.outcome === 'NONE') takeBack();
      throw error;
    }
  }

  async #findRoom(
    caller: Caller,
    items: readonly Written[],
    { quota, by }: { quota: Quota; by: Size },
  ): Promise<void> {
    const { sizes } = this.#parts;
    const { tenant } = caller;
    const tooMuch = (): Refusal | undefined => lacking(quota, sizes.atMost(tenant), by);
    // The first write waits for the first counting; later ones are counted behind their back.
    await sizes.refresh(tenant, sizes.atMost(tenant) ? 0 : countingMs);
    if (!tooMuch()) return;
    await sizes.refresh(tenant, countingMs);
    const refusal = tooMuch();
    if (!refusal || (await this.#takesPlace(caller, items))) return;
    const retryAfterMs = Math.max(100, Math.ceil(sizes.restMs(tenant)));
    throw this.#refused(caller, { ...refusal, retryAfterMs });
  }

  /** At the limit, one value may still take the place of another that is as large. */
  async #takesPlace(caller: Caller, items: readonly Written[]): Promise<boolean> {
    const [item] = items;
    if (!item || items.length > 1) return false;
    const { keyspace, key, value } = item;
    const { store } = this.#parts;
    const found = await store
      .get(caller, { keyspace, key }, { level: 'ONE' })
      .catch(() => undefined);
    const live = found?.entry.live ?? [];
    const bytes = live.reduce((sum, one) => sum + Buffer.byteLength(one.value ?? ''), 0);
    return live.length > 0 && bytes >= Buffer.byteLength(value);
  }

  #refused({ tenant }: Caller, refusal: Refusal): Error {
    return limitExceeded(this.#parts.admission.of(tenant).refuse(refusal));
  }
}

/** The first quota that `by` more would break. */
function lacking(quota: Quota, held: Size | undefined, by: Size): Refusal | undefined {
  if (!held) return undefined;
  const { keys, storedBytes } = quota;
  if (keys !== undefined && held.keys + by.keys > keys)
    return { quota: 'keys', limit: keys, used: held.keys };
  if (storedBytes !== undefined && held.bytes + by.bytes > storedBytes)
    return { quota: 'storedBytes', limit: storedBytes, used: held.bytes };
  return undefined;
}

function bytesOf(items: readonly Written[]): number {
  return items.reduce(
    (sum, { key, value }) => sum + Buffer.byteLength(key) + Buffer.byteLength(value) + versionBytes,
    0,
  );
}
