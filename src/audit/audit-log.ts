import type { Sealer } from '../consistency/seal.ts';
import type { EntryLog } from '../consistency/system-log.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { repeat } from '../runtime/loop.ts';
import type { Principal } from '../tenancy/principal.ts';
import { AuditQueue, type AuditPace } from './audit-queue.ts';
import {
  actorOf,
  decodeRecord,
  encodeRecord,
  recordOf,
  type AuditRecord,
  type Deed,
} from './audit-record.ts';

/** Where those are filed whom no credential named. No tenant can have the name. */
export const unknownStream = '$unknown';

/** A page of the log, newest first. */
export interface AuditPage {
  readonly records: readonly AuditRecord[];
  readonly more: boolean;
  /** Asks for what is older; undefined when nothing was found. */
  readonly endCursor: string | undefined;
}

export interface AuditParts {
  readonly entries: EntryLog;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly log: Log;
  /** Left out: as below. */
  readonly pace?: { readonly acts: AuditPace; readonly refusals: AuditPace };
}

/**
 * At the least a minute between records of one stream and gateway once its burst is used up: 43,200 in
 * 30 days, some 20 MB. Acts take a right to act, and are recorded ten times as fast.
 */
const usualPace = {
  acts: { burst: 100, everyMs: 6_000, waitingMax: 50 },
  refusals: { burst: 20, everyMs: 60_000, waitingMax: 20 },
};
const everyMs = 1_000;

/**
 * The audit log: administrative acts and refusals, as structured lines of the gateway's log and as
 * records in the replicas, a stream for each tenant (as it is filed, so that a later one of its name
 * finds nothing).
 */
export class AuditLog {
  readonly #parts: AuditParts;
  readonly #acts: AuditQueue;
  readonly #refusals: AuditQueue;
  #writing: Promise<void> = Promise.resolve();

  constructor(parts: AuditParts) {
    const { clock, pace = usualPace } = parts;
    this.#parts = parts;
    this.#acts = new AuditQueue(clock, pace.acts);
    this.#refusals = new AuditQueue(clock, pace.refusals);
  }

  /**
   * Records what a principal did or failed to do as an administrator, for his tenant and for the one
   * that it touched. Resolves when it is recorded, or is sure to be tried again.
   */
  async act(principal: Principal, deed: Deed, touched?: string): Promise<void> {
    const record = recordOf(actorOf(principal), deed, this.#parts.clock.nowMs());
    this.#print(record);
    for (const stream of new Set([principal.tenant, touched ?? principal.tenant]))
      this.#acts.add(stream, record);
    await this.flush();
  }

  /** Counts a refusal; it is written soon. Without a principal it is of somebody unknown. */
  refusal(who: Principal | { readonly actor: string }, deed: Deed): void {
    const isKnown = 'tenant' in who;
    const named = isKnown ? actorOf(who) : { tenant: '', actor: who.actor };
    const record = recordOf(named, deed, this.#parts.clock.nowMs());
    const isFirst = this.#refusals.add(isKnown ? who.tenant : unknownStream, record);
    // One line now, and one with the count when it is written: a flood fills no log either.
    if (isFirst) this.#print(record);
  }

  /** `stream`: the tenant as it is filed. Errors: BAD_USER_INPUT for a cursor of another one. */
  async page(
    stream: string,
    { first, after }: { readonly first: number; readonly after?: string | undefined },
  ): Promise<AuditPage> {
    const { entries, sealer } = this.#parts;
    const bound = [stream, '$audit'];
    const before = after === undefined ? undefined : sealer.open('cursor', bound, after, 'after');
    const page = await entries.page(stream, { first, before });
    const last = page.entries.at(-1)?.place;
    return {
      records: page.entries.map(({ text }) => decodeRecord(text)),
      more: page.more,
      endCursor: last === undefined ? undefined : sealer.seal('cursor', bound, last),
    };
  }

  /** Writes what may be written; what cannot be stays, and is tried again. */
  flush(): Promise<void> {
    this.#writing = this.#writing.then(() =>
      Promise.all([this.#acts, this.#refusals].map((queue) => this.#write(queue))).then(),
    );
    return this.#writing;
  }

  /** Writes what waits, from now on. The answer stops it, after a last attempt. */
  start(): { stop(): Promise<void> } {
    const { clock, log } = this.#parts;
    const loop = repeat({ clock, log, name: 'audit', everyMs }, () => this.flush());
    return {
      stop: () => {
        loop.stop();
        return this.flush();
      },
    };
  }

  async #write(queue: AuditQueue): Promise<void> {
    const { entries, log } = this.#parts;
    await Promise.all(
      queue.take().map(async ({ stream, record }) => {
        try {
          await entries.append(stream, encodeRecord(record));
          if (record.count > 1) this.#print(record);
        } catch (error) {
          queue.putBack(stream, record);
          log.warn({ err: error }, 'an audit record could not be stored yet');
        }
      }),
    );
  }

  #print(audit: AuditRecord): void {
    this.#parts.log.info({ audit }, 'audit');
  }
}
