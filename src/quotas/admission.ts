import type { Clock } from '../runtime/clock.ts';
import type { Quota } from '../tenancy/tenant-record.ts';
import { Account, type StandingName, type Weight } from './account.ts';
import { limitExceeded, type Refusal } from './refusal.ts';
import { Room, type Hold } from './room.ts';

interface Parts {
  readonly clock: Clock;
  /**
   * What a tenant, as filed, may use: from memory, at once. Whoever authenticates keeps that memory
   * young, so a change of an operator's counts within seconds.
   */
  readonly quotaOf: (tenant: string) => Quota | undefined;
  /** Left out: one of the usual size. */
  readonly room?: Room;
  /** Left out: 20,000. */
  readonly accountsMax?: number;
}

/** Accounts that are looked at for one that can be forgotten. */
const lookedAtMax = 32;

/**
 * THE GATE: whatever a tenant asks of this gateway is charged here, once, before anything is done for
 * it, by whichever transport it came. What the gateway does of itself — repair, hints, background
 * reads — never comes by.
 */
export class Admission {
  readonly #parts: Parts;
  readonly #accounts = new Map<string, Account>();
  /** What this gateway has in hand, of all tenants. */
  readonly room: Room;
  /** How many gateways there are, as far as is known. */
  gateways = 1;
  /** Tells the other gateways of a tenant, and then hears from them; undefined where none are. */
  look: ((account: Account) => Promise<void>) | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.room = parts.room ?? new Room();
  }

  /** The account of a tenant, as filed, with what it may use now. */
  of(tenant: string): Account {
    const { clock, quotaOf } = this.#parts;
    const account = this.#accounts.get(tenant) ?? this.#open(tenant);
    const quota = quotaOf(tenant);
    // A tenant of which nothing is remembered has what it had.
    if (quota !== undefined && quota !== account.quota)
      account.setQuota(quota, clock.monotonicMs());
    return account;
  }

  /**
   * Charges a request, in the turn in which it comes. Undefined: it is let in, and whoever brought it
   * calls `leave` of the account when it is answered.
   */
  admit(account: Account, weight: Weight): Refusal | undefined {
    return account.admit(weight, this.#parts.clock.monotonicMs());
  }

  /**
   * Before a request of this tenant is even read: whoever is let in keeps its bytes in what is answered.
   * Errors: LIMIT_EXCEEDED, OVERLOADED.
   */
  knock(tenant: string): Hold {
    const account = this.of(tenant);
    const refusal = account.knock(this.#parts.clock.monotonicMs());
    if (refusal) throw limitExceeded(refusal);
    this.room.checkOperations(account.underWay);
    return this.room.hold(account).begin();
  }

  /**
   * `admit` for those who throw; what it gives is called when the request is answered. Errors:
   * LIMIT_EXCEEDED; OVERLOADED, for which nobody is charged.
   */
  enter(account: Account, weight: Weight): () => void {
    const { room } = this;
    const { bytes = 0 } = weight;
    room.checkOperations(account.underWay);
    if (bytes > 0) room.checkBytes(account);
    const refusal = this.admit(account, weight);
    if (refusal) throw limitExceeded(refusal);
    room.enter();
    room.keep(account, bytes);
    return () => {
      account.leave();
      room.leave();
      room.keep(account, -bytes);
    };
  }

  /**
   * One more of what stays open; first it is said that somebody wants it, then what the other gateways
   * have open is looked up. Errors: LIMIT_EXCEEDED. The answer closes it again, however often it is
   * called.
   */
  async open(tenant: string, name: StandingName): Promise<() => void> {
    const account = this.of(tenant);
    const count = account.counts[name];
    if (this.look && count.limit !== undefined && count.hasRoom) {
      count.want(1);
      await this.look(account).finally(() => count.want(-1));
    }
    const refusal = account.open(name, this.#parts.clock.monotonicMs());
    if (refusal) throw limitExceeded(refusal);
    let isOpen = true;
    return () => {
      if (isOpen) account.close(name);
      isOpen = false;
    };
  }

  accounts(): IterableIterator<Account> {
    return this.#accounts.values();
  }

  #open(tenant: string): Account {
    const { clock, accountsMax = 20_000 } = this.#parts;
    const nowMs = clock.monotonicMs();
    if (this.#accounts.size >= accountsMax) this.#forgetOne(nowMs);
    const account = new Account(tenant, { nowMs, gateways: this.gateways });
    this.#accounts.set(tenant, account);
    return account;
  }

  /**
   * The first of those that were looked at longest ago and are idle. Only a few are looked at, and
   * those that are not idle go behind the others: so many more than `accountsMax` may be remembered as
   * were busy within the last seconds.
   */
  #forgetOne(nowMs: number): void {
    let left = lookedAtMax;
    for (const [tenant, account] of this.#accounts) {
      this.#accounts.delete(tenant);
      if (account.isIdle(nowMs)) return;
      this.#accounts.set(tenant, account);
      left -= 1;
      if (left === 0) return;
    }
  }
}
