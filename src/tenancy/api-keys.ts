import { createHash, timingSafeEqual } from 'node:crypto';
import type { Records } from '../consistency/system-records.ts';
import { badInput, StoreError } from '../errors.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';
import { checkPatterns } from './keyspace-patterns.ts';
import type { Role } from './principal.ts';
import type { TenantDirectory } from './tenant-directory.ts';
import type { ApiKeyRecord } from './tenant-record.ts';

/** An API key as it may be shown. */
export interface ApiKey {
  readonly prefix: string;
  readonly record: ApiKeyRecord;
}

/** What a new key is asked to be. */
export interface NewApiKey {
  readonly tenant: string;
  readonly role: Role;
  readonly keyspaces?: readonly string[] | undefined;
  readonly expiresAtMs?: number | undefined;
}

interface Parts {
  readonly records: Records<ApiKeyRecord>;
  readonly tenants: TenantDirectory;
  readonly clock: Clock;
  readonly random: Random;
}

/** `qk_` and 12 digits are the visible prefix; 64 more are 256 bits that only the holder has. */
const keyShape = /^(qk_[0-9a-f]{12})_[0-9a-f]{64}$/;
const prefixShape = /^qk_[0-9a-f]{12}$/;

/** Look-ups of prefixes that are not there, for all callers of one gateway together. */
const strangers = { perSecond: 200, burst: 400 } as const;

/** Texts of keys that are remembered so as not to be hashed for every request. */
const matchedMax = 4_096;

/** Whether a text has the form of a key of the directory. */
export function looksLikeApiKey(text: string): boolean {
  return keyShape.test(text);
}

/**
 * The API keys of the directory: shown once, kept as hashes under their visible prefix, and
 * remembered by each gateway for a bounded time.
 */
export class ApiKeys {
  readonly #parts: Parts;
  /** Texts that were matched, and what they were found to hash to. */
  readonly #matched = new Map<string, { readonly prefix: string; readonly hash: string }>();
  /** How many more may be looked up; one that is found is given back. */
  #admissions: { count: number; atMs: number };

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#admissions = { count: strangers.burst, atMs: parts.clock.monotonicMs() };
  }

  /**
   * Makes a key; the secret is in the answer and nowhere else. Errors: BAD_USER_INPUT;
   * LIMIT_EXCEEDED when the tenant has too many.
   */
  async create(wanted: NewApiKey): Promise<{ apiKey: ApiKey; secret: string }> {
    const { tenants, records, clock, random } = this.#parts;
    checkNewKey(wanted, clock.nowMs());
    const { tenant, role, keyspaces, expiresAtMs } = wanted;
    const prefix = `qk_${random.hex(6)}`;
    const secret = `${prefix}_${random.hex(32)}`;
    // In this order: a key that the tenant does not list would outlive it.
    const { generation } = (await tenants.addKey(tenant, prefix)).record;
    const createdAtMs = clock.nowMs();
    const hash = hashOf(secret).toString('hex');
    const made: ApiKeyRecord = {
      hash,
      tenant,
      generation,
      role,
      createdAtMs,
      ...(keyspaces && { keyspaces: [...keyspaces] }),
      ...(expiresAtMs !== undefined && { expiresAtMs }),
    };
    const record = await records.change(prefix, (before) => (before ? undefined : made));
    if (record) return { apiKey: { prefix, record }, secret };
    throw new Error('two API keys were given one prefix: ask again');
  }

  /** Ends a key for good; within seconds no gateway takes it. False when there is none. */
  async revoke(prefix: string): Promise<boolean> {
    if (!prefixShape.test(prefix)) return false;
    const { records, clock } = this.#parts;
    let isThere = false;
    await records.change(prefix, (before) => {
      isThere = before !== undefined;
      if (before === undefined || before.revokedAtMs !== undefined) return undefined;
      return { ...before, revokedAtMs: clock.nowMs() };
    });
    return isThere;
  }

  /** Forgets a key altogether: its tenant is gone. False when there is none. */
  async remove(prefix: string): Promise<boolean> {
    let isThere = false;
    await this.#parts.records.change(prefix, (before) => {
      isThere = before !== undefined;
      return before && 'REMOVED';
    });
    return isThere;
  }

  /** Those of these prefixes that are there, in the same order. */
  async all(prefixes: readonly string[]): Promise<readonly ApiKey[]> {
    const found = await Promise.all(
      prefixes.map(async (prefix) => ({ prefix, record: await this.#parts.records.find(prefix) })),
    );
    return found.flatMap(({ prefix, record }) => (record ? [{ prefix, record }] : []));
  }

  /**
   * The key that this text is, whatever has become of it; undefined when it is none. Errors:
   * OVERLOADED when too many keys that nobody knows are tried.
   */
  async matching(text: string): Promise<ApiKey | undefined> {
    const prefix = keyShape.exec(text)?.[1];
    if (prefix === undefined) return undefined;
    const isStranger = !this.#parts.records.isKnown(prefix);
    if (isStranger) this.#admitStranger();
    const record = await this.#parts.records.find(prefix);
    // Of a gateway that has just started everybody is a stranger, and most are no invention.
    if (isStranger && record) this.#admissions.count += 1;
    if (!record || !timingSafeEqual(Buffer.from(record.hash, 'hex'), hashOf(text)))
      return undefined;
    // Looked for by its own hash and not letter by letter, so that nothing is told of how much was right.
    if (this.#matched.size >= matchedMax) this.#matched.clear();
    this.#matched.set(text, { prefix, hash: record.hash });
    return { prefix, record };
  }

  /**
   * What `matching` would answer for a text that was matched before, where that is in memory: at once.
   * Undefined: `matching` is to be asked.
   */
  matchingNow(text: string): ApiKey | undefined {
    const matched = this.#matched.get(text);
    if (!matched) return undefined;
    const record = this.#parts.records.fresh(matched.prefix);
    return record?.hash === matched.hash ? { prefix: matched.prefix, record } : undefined;
  }

  /** The key of a prefix that was matched before, as it is now. */
  find(prefix: string): Promise<ApiKeyRecord | undefined> {
    return this.#parts.records.find(prefix);
  }

  /** The same where it is in memory: at once. */
  findNow(prefix: string): ApiKeyRecord | undefined {
    return this.#parts.records.fresh(prefix);
  }

  /** A flood of invented keys must not become a flood of reads. */
  #admitStranger(): void {
    const nowMs = this.#parts.clock.monotonicMs();
    const { count, atMs } = this.#admissions;
    const earned = ((nowMs - atMs) * strangers.perSecond) / 1_000;
    const left = Math.min(strangers.burst, count + earned) - 1;
    if (left < 0) {
      throw new StoreError('OVERLOADED', 'Too many API keys that are not known are being tried', {
        retryAfterMs: 1_000,
      });
    }
    this.#admissions = { count: left, atMs: nowMs };
  }
}

function checkNewKey({ role, keyspaces, expiresAtMs }: NewApiKey, nowMs: number): void {
  if (keyspaces !== undefined) {
    checkPatterns(keyspaces);
    if (role === 'OPERATOR')
      throw badInput('An OPERATOR cannot be limited to keyspaces', 'keyspaces');
  }
  if (expiresAtMs !== undefined && expiresAtMs <= nowMs)
    throw badInput('Argument "expiresAt" must be in the future', 'expiresAt');
}

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
