import { AuditLog } from '../../src/audit/audit-log.ts';
import { createSealer } from '../../src/consistency/seal.ts';
import type { EntryLog } from '../../src/consistency/system-log.ts';
import type { Modified, Records } from '../../src/consistency/system-records.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { silentLog, type Log } from '../../src/runtime/log.ts';
import { systemRandom } from '../../src/runtime/random.ts';
import type { Store } from '../../src/consistency/store.ts';
import { TenantAdministration } from '../../src/tenancy/administration.ts';

/** Records of one process: what stands on them is tested without replicas. */
export class MemoryRecords<R extends object> implements Records<R> {
  readonly held = new Map<string, R>();
  /** Reads of a record that nobody had asked for before. */
  strangers = 0;
  /** While set, everything rejects with it. */
  failure: Error | undefined;

  async find(key: string): Promise<R | undefined> {
    if (this.failure) throw this.failure;
    if (!this.isKnown(key)) this.strangers += 1;
    return this.held.get(key);
  }
  isKnown(key: string): boolean {
    return this.held.has(key);
  }
  fresh(key: string): R | undefined {
    return this.failure ? undefined : this.held.get(key);
  }
  peek(key: string): R | undefined {
    return this.held.get(key);
  }
  async change(
    key: string,
    modify: (before: R | undefined) => Modified<R>,
  ): Promise<R | undefined> {
    if (this.failure) throw this.failure;
    const after = modify(this.held.get(key));
    if (after === undefined) return undefined;
    if (after === 'REMOVED') {
      this.held.delete(key);
      return undefined;
    }
    this.held.set(key, after);
    return after;
  }
  async list(prefix: string): Promise<readonly { key: string; record: R }[]> {
    return [...this.held]
      .filter(([key]) => key.startsWith(prefix))
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, record]) => ({ key, record }));
  }
}

/** A log of one process. */
export class MemoryLog implements EntryLog {
  readonly streams = new Map<string, { place: string; text: string }[]>();
  /** While set, everything rejects with it. */
  failure: Error | undefined;
  #count = 0;

  async append(stream: string, text: string): Promise<void> {
    if (this.failure) throw this.failure;
    const place = String((this.#count += 1)).padStart(8, '0');
    this.streams.set(stream, [{ place, text }, ...(this.streams.get(stream) ?? [])]);
  }
  async page(stream: string, { first, before }: { first: number; before?: string | undefined }) {
    if (this.failure) throw this.failure;
    const older = (this.streams.get(stream) ?? []).filter(
      ({ place }) => before === undefined || place < before,
    );
    return { entries: older.slice(0, first), more: older.length > first };
  }
}

/** An audit log of one process. */
export function memoryAudit(entries: EntryLog = new MemoryLog(), log: Log = silentLog): AuditLog {
  const sealer = createSealer(['a signing key for tests, long enough']);
  return new AuditLog({ entries, sealer, clock: systemClock, log });
}

/** Tenants and keys of one process. */
export function memoryTenants(
  store: Pick<Store, 'keyspaces' | 'dropKeyspace'>,
  clock = systemClock,
) {
  const parts = {
    tenantRecords: new MemoryRecords<never>() as never,
    apiKeyRecords: new MemoryRecords<never>() as never,
    store,
    clock,
    random: systemRandom,
    log: silentLog,
  };
  return new TenantAdministration(parts);
}
