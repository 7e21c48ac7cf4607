import type { BoardNote, TenantBoard } from '../replica/tenant-board.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { repeat, type Loop } from '../runtime/loop.ts';
import { countNames, rateNames, type Account, type CountName, type RateName } from './account.ts';
import type { Admission } from './admission.ts';
import { decodeNote, encodeNote, latestNotes, type Told } from './demand-note.ts';

interface Parts {
  readonly clock: Clock;
  readonly log: Log;
  readonly admission: Admission;
  /** Those that all gateways look at; one that answers is enough. */
  readonly boards: readonly TenantBoard[];
  /** Names this gateway process. */
  readonly gateway: string;
}

const everyMs = 1_000;
const callMs = 900;
/** A gateway that has said nothing for so long is gone. */
const goneMs = 3_500;
/** What has not changed is said again this often, and believed for a little longer. */
const againMs = 10_000;
const believedMs = 15_000;
/** A tenant that was not asked for anything for so long is not talked about. */
const quietMs = 30_000;
const tellsMax = 5_000;
const self = '';

/**
 * How several gateways keep one limit: each second each one leaves word of what its tenants ask of it,
 * reads what the others have left, and takes its part (`share`). Nobody is asked before a request is
 * let in. Without a board every gateway goes on with the parts that it has.
 */
export class DemandExchange {
  readonly #parts: Parts;
  readonly #told = new Map<string, { readonly text: string; readonly atMs: number }>();
  readonly #looking = new Map<Account, Look>();
  #nth = 0;
  #tickedMs: number;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#tickedMs = parts.clock.monotonicMs();
    parts.admission.look = (account) => this.#lookNow(account);
  }

  start(): Loop {
    const { clock, log } = this.#parts;
    return repeat({ clock, log, name: 'limits', everyMs }, () => this.pass());
  }

  /** One exchange. */
  async pass(): Promise<void> {
    const { clock, admission } = this.#parts;
    const nowMs = clock.monotonicMs();
    const seconds = Math.max(0.001, (nowMs - this.#tickedMs) / 1_000);
    this.#tickedMs = nowMs;
    const talked = [...admission.accounts()].filter((account) => isTalkedAbout(account, nowMs));
    for (const account of talked) account.tick(seconds, nowMs);
    const about = talked.slice(0, tellsMax);
    const heard = await this.#exchange(this.#tells(about, nowMs), about.map(tenantOf));
    if (heard) this.#hear(about, heard, admission);
  }

  /** What the other gateways last said that a tenant uses. */
  async elsewhere(tenant: string): Promise<Told> {
    const heard = (await this.#exchange([], [tenant])) ?? [];
    const alive = new Set(heard.filter(isSelf).map(({ gateway }) => gateway));
    const notes = heard.filter(({ gateway }) => alive.has(gateway));
    return sums(notes).get(tenant) ?? nothing;
  }

  /**
   * A look for those who want something of one tenant at one moment. Who comes while one is under way
   * waits for the next: the others have not been told of him.
   */
  #lookNow(account: Account): Promise<void> {
    const running = this.#looking.get(account);
    if (!running) return this.#startLook(account);
    running.next ??= running.now.then(() => this.#startLook(account));
    return running.next;
  }

  #startLook(account: Account): Promise<void> {
    const now = this.#look(account).finally(() => this.#looking.delete(account));
    this.#looking.set(account, { now, next: undefined });
    return now;
  }

  /** Tells, and only then reads: of two gateways that do so at once, at least one hears of the other. */
  async #look(account: Account): Promise<void> {
    const { clock, admission } = this.#parts;
    await this.#exchange(this.#tells([account], clock.monotonicMs()), []);
    const heard = await this.#exchange([], [account.tenant]);
    if (heard) this.#hear([account], heard, admission);
  }

  #hear(accounts: readonly Account[], heard: readonly Heard[], admission: Admission): void {
    const alive = new Set(heard.filter(isSelf).map(({ gateway }) => gateway));
    admission.gateways = alive.size + 1;
    const others = sums(heard.filter(({ gateway }) => alive.has(gateway)));
    const at = { gateways: admission.gateways, nowMs: this.#parts.clock.monotonicMs() };
    for (const account of accounts) account.hear(others.get(account.tenant) ?? nothing, at);
  }

  async #exchange(
    tells: readonly { tenant: string; told: string }[],
    about: readonly string[],
  ): Promise<readonly Heard[] | undefined> {
    const { clock, boards, gateway } = this.#parts;
    const options = { deadlineMs: clock.monotonicMs() + callMs };
    const request = { gateway, tells, about: [self, ...about], withinMs: believedMs };
    const answers = await Promise.allSettled(
      boards.map((board) => board.exchange(request, options)),
    );
    const notes = answers.flatMap((answer) =>
      answer.status === 'fulfilled' ? [answer.value] : [],
    );
    return notes.length === 0 ? undefined : latestNotes(notes.flat()).map(heardOf);
  }

  /** What is new, or was said too long ago; and always that this gateway is there. */
  #tells(accounts: readonly Account[], nowMs: number): { tenant: string; told: string }[] {
    const nth = (this.#nth += 1);
    const tells = [{ tenant: self, told: encodeNote(nth, nothing) }];
    for (const account of accounts) {
      const use = useOf(account);
      const before = this.#told.get(account.tenant);
      const text = JSON.stringify(use);
      if (before?.text === text && nowMs - before.atMs < againMs) continue;
      this.#told.set(account.tenant, { text, atMs: nowMs });
      tells.push({ tenant: account.tenant, told: encodeNote(nth, use) });
    }
    if (this.#told.size > 4 * tellsMax) this.#told.clear();
    return tells;
  }
}

/** A look that is under way, and the one after it, if somebody waits for that. */
interface Look {
  readonly now: Promise<void>;
  next: Promise<void> | undefined;
}

interface Heard {
  readonly tenant: string;
  readonly gateway: string;
  readonly ageMs: number;
  readonly use: Told;
}

const nothing: Told = {
  requestsPerSecond: 0,
  costPerSecond: 0,
  concurrentRequests: 0,
  sockets: 0,
  subscriptions: 0,
  requests: 0,
  refused: 0,
};

function isTalkedAbout(account: Account, nowMs: number): boolean {
  return !account.isIdle(nowMs) || nowMs - account.usedMs < quietMs;
}

function tenantOf({ tenant }: Account): string {
  return tenant;
}

function isSelf({ tenant, ageMs }: Heard): boolean {
  return tenant === self && ageMs <= goneMs;
}

function heardOf({ tenant, gateway, ageMs, told }: BoardNote): Heard {
  return { tenant, gateway, ageMs, use: decodeNote(told) };
}

/** What this gateway says of a tenant. */
export function useOf(account: Account): Told {
  const demands = [...countNames, ...rateNames].map((name) => [
    name,
    Math.round(account.demand(name) * 10) / 10,
  ]);
  const { requests, refused } = account.totals;
  const named = Object.fromEntries(demands) as Record<CountName | RateName, number>;
  return { ...named, requests, refused };
}

function sums(heard: readonly Heard[]): Map<string, Told> {
  const found = new Map<string, Told>();
  for (const { tenant, use } of heard) found.set(tenant, add(found.get(tenant) ?? nothing, use));
  return found;
}

export function add(one: Told, two: Told): Told {
  const names = Object.keys(one) as (keyof Told)[];
  return Object.fromEntries(names.map((name) => [name, one[name] + two[name]])) as unknown as Told;
}
