import type { Store } from '../consistency/store.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Account } from './account.ts';
import type { Admission } from './admission.ts';
import { add, useOf, type DemandExchange } from './demand-exchange.ts';
import type { StoredSizes } from './stored-sizes.ts';

/** What a tenant uses, at all gateways that are there. */
export interface Usage {
  /** Let in since the gateways that are there were started. */
  readonly requests: number;
  /** Refused for a quota, since then. */
  readonly refused: number;
  /** Asked for in a second, lately, refused or not. */
  readonly requestsPerSecond: number;
  readonly costPerSecond: number;
  readonly concurrentRequests: number;
  readonly sockets: number;
  readonly subscriptions: number;
  readonly storedBytes: number;
  readonly keys: number;
  readonly keyspaces: number;
  /** When `storedBytes` and `keys` were counted, in ms since 1970; undefined when they never were. */
  readonly countedAtMs: number | undefined;
}

interface Parts {
  readonly clock: Clock;
  readonly admission: Admission;
  readonly exchange: DemandExchange | undefined;
  readonly sizes: StoredSizes;
  readonly store: Pick<Store, 'keyspaces'>;
}

const countingMs = 2_000;

/** Finds out what tenants use, when somebody asks. */
export class UsageReport {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Of a tenant, as filed. Errors: those of listing keyspaces. */
  async of(tenant: string): Promise<Usage> {
    const { clock, admission, exchange, sizes, store } = this.#parts;
    const here = useNow(admission.of(tenant));
    const [elsewhere, keyspaces] = await Promise.all([
      exchange?.elsewhere(tenant),
      store.keyspaces({ tenant }),
      sizes.refresh(tenant, countingMs),
    ]);
    const stored = sizes.counted(tenant);
    return {
      ...(elsewhere ? add(here, elsewhere) : here),
      keyspaces: keyspaces.length,
      storedBytes: stored?.size.bytes ?? 0,
      keys: stored?.size.keys ?? 0,
      countedAtMs: stored && clock.nowMs() - stored.ageMs,
    };
  }
}

/** What is open is known to the moment; only rates are of the last seconds. */
function useNow(account: Account): ReturnType<typeof useOf> {
  const { concurrentRequests, sockets, subscriptions } = account.counts;
  return {
    ...useOf(account),
    concurrentRequests: concurrentRequests.open,
    sockets: sockets.open,
    subscriptions: subscriptions.open,
  };
}
