import type { AnswerWeight, Asked, EntryAnswer, KeyRef, Store } from '../consistency/store.ts';
import type { LevelName } from '../consistency/levels.ts';
import type { Feed } from '../feed/feed.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';
import type { RemoteTrace, Tracing } from '../runtime/tracing.ts';
import type { Random } from '../runtime/random.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Account } from '../quotas/account.ts';
import type { Admission } from '../quotas/admission.ts';
import type { Hold } from '../quotas/room.ts';
import type { UsageReport } from '../quotas/usage.ts';
import type { TenantAdministration } from '../tenancy/administration.ts';
import { mayActAs, type Principal } from '../tenancy/principal.ts';
import type { JsonSource } from './json-source.ts';

/** What resolvers may use; one for the life of the gateway. */
export interface Services {
  readonly store: Store;
  readonly changes: Feed;
  readonly tenants: TenantAdministration;
  readonly admission: Admission;
  readonly audit: AuditLog;
  readonly usage: UsageReport;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly tracing: Tracing;
}

/**
 * What a request said about itself outside its document: headers, or their namesakes in
 * `connection_init`; the session also in the operation's `extensions`.
 */
export interface Preferences {
  readonly read?: LevelName | undefined;
  readonly write?: LevelName | undefined;
  readonly session?: string | undefined;
  /** Where the session came, and where the new one is looked for. */
  readonly sessionIn?: 'extensions' | undefined;
  /** The trace that the request is part of. */
  readonly trace?: RemoteTrace | undefined;
}

/** Everything that belongs to one operation of one principal. */
export interface RequestContext extends Services {
  readonly principal: Principal;
  /** Where its tenant's requests are charged. */
  readonly account: Account;
  readonly transport: 'http' | 'websocket';
  readonly preferences: Preferences;
  /** The variables' exact text, from which JSON values are cut. */
  readonly variablesSource: () => JsonSource | undefined;
  /** Of the request's text, where its transport does not keep them in the gateway's room itself. */
  readonly unheldBytes: number;
  readonly reads: Reads;
  /** Where what it is answered with is weighed. */
  readonly answer: AnswerWeight;
  /** Keeps the answer, where its transport does not; let go of when it is given. */
  readonly answerHold: Hold | undefined;
  /** What the operation leaves for its transport to send along. */
  readonly outgoing: { sessions: readonly string[] };
}

/** One read of one key, and how. */
export interface ReadRequest extends KeyRef {
  readonly asked: Asked;
}

interface Request {
  /** What its transport keeps of it, until the answer is out. Left out: nothing. */
  readonly hold?: Hold | undefined;
  /** Left out: its transport keeps them. */
  readonly unheldBytes?: number;
  readonly principal: Principal;
  readonly transport: RequestContext['transport'];
  readonly preferences: Preferences;
  readonly variablesSource: () => JsonSource | undefined;
}

/**
 * The context of one operation. Its reads live as long, and so one operation is never given what
 * another has read.
 */
export function createRequestContext(services: Services, request: Request): RequestContext {
  const { hold, principal } = request;
  const { admission } = services;
  const account = admission.of(principal.tenant);
  const kept = hold ?? admission.room.hold(account, !mayActAs(principal.role, 'OPERATOR'));
  // One by one: a copy of all that the services have costs more than the rest of it.
  return {
    store: services.store,
    changes: services.changes,
    tenants: services.tenants,
    admission,
    audit: services.audit,
    usage: services.usage,
    clock: services.clock,
    random: services.random,
    log: services.log,
    metrics: services.metrics,
    tracing: services.tracing,
    principal,
    transport: request.transport,
    preferences: request.preferences,
    variablesSource: request.variablesSource,
    unheldBytes: request.unheldBytes ?? 0,
    account,
    answer: admission.room.answer(kept),
    answerHold: hold ? undefined : kept,
    reads: new Reads(services.store, principal),
    outgoing: { sessions: [] },
  };
}

/**
 * Identical reads of one query are one; the others go to the store in the same turn of the event
 * loop, where they become one statement a replica. Not `store.getMany`: its one receipt would not be
 * true of each field.
 */
class Reads {
  readonly #store: Store;
  readonly #principal: Principal;
  /** What most operations read at most; a name is made, and remembered, where there is more. */
  #first: (ReadRequest & { readonly answer: Promise<EntryAnswer> }) | undefined;
  #known: Map<string, Promise<EntryAnswer>> | undefined;

  constructor(store: Store, principal: Principal) {
    this.#store = store;
    this.#principal = principal;
  }

  load(request: ReadRequest): Promise<EntryAnswer> {
    if (!this.#first) {
      const answer = this.#read(request);
      this.#first = { ...request, answer };
      return answer;
    }
    this.#known ??= new Map([[nameOf(this.#first), this.#first.answer]]);
    const name = nameOf(request);
    const known = this.#known.get(name);
    if (known) return known;
    const answer = this.#read(request);
    this.#known.set(name, answer);
    return answer;
  }

  #read({ keyspace, key, asked }: ReadRequest): Promise<EntryAnswer> {
    return this.#store.get(this.#principal, { keyspace, key }, asked);
  }
}

/** Lengths first: two different requests must not run together into one name. */
function nameOf({ keyspace, key, asked }: ReadRequest): string {
  const { level, replicas, timeoutMs, session = '' } = asked;
  return `${level} ${replicas} ${timeoutMs} ${session.length} ${keyspace.length} ${session}${keyspace}${key}`;
}
