import {
  type Change,
  type ChangePage,
  type ChangePosition,
  type ChangeSession,
  type ChangesWanted,
  type ChangeSource,
  type KeyRange,
  type RecentAsked,
  type RecentChanges,
  type Singles,
} from '../../../src/replica/change-source.ts';
import { compareKeys } from '../../../src/placement/key-order.ts';
import { tokenOf } from '../../../src/placement/token.ts';
import type { CellRef } from '../../../src/replica/cell-ref.ts';
import { isLetThrough } from '../../../src/replica/key-sieve.ts';
import { ReplicaError } from '../../../src/replica/replica.ts';
import type { Link } from './link.ts';
import type { Process } from './process.ts';
import type { Server } from './server.ts';
import { firstUnseen, isIn, type LoggedRow } from './transaction-log.ts';

/** Small pages: windows must be taken up in the middle. */
const pageRows = 3;
const answerMs = 400;

/**
 * The change log of a memory replica over a bad network, as a session of its own: what is not answered in time, or meets a server that
 * was restarted, loses the session. What is read is what `replica/postgres/change-statements` would find.
 */
export function changeSource(process: Process, server: Server, link: Link): ChangeSource {
  return {
    id: server.id,
    async open({ onWake, onLost }) {
      const session = new MemoryChangeSession({ process, server, link, onLost });
      await session.head();
      if (onWake)
        server.onLogged(() => {
          if (session.isWoken) process.clock.after(5, onWake);
        });
      return session;
    },
    trim({ olderThanHours }) {
      const deadlineMs = process.clock.monotonicMs() + answerMs;
      const trim = (): number => server.log.trim(nowOf(process) - olderThanHours * 3_600_000);
      return link.ask('trim', deadlineMs, trim);
    },
  };
}

interface SessionParts {
  readonly process: Process;
  readonly server: Server;
  readonly link: Link;
  readonly onLost: () => void;
}

class MemoryChangeSession implements ChangeSession {
  readonly #parts: SessionParts;
  readonly #boot: number;
  #open = true;
  isWoken = true;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#boot = parts.server.boot;
  }

  head(): Promise<ChangePosition> {
    return this.#ask(() => this.#now());
  }

  read(position: ChangePosition, what: ChangesWanted): Promise<ChangePage> {
    return this.#ask(() => {
      const now = this.#now();
      if (now.incarnation !== position.incarnation)
        return { kind: 'gap', reason: 'incarnation', position: now };
      const { log } = this.#parts.server;
      if (log.trimmed > firstUnseen(position.seen))
        return { kind: 'gap', reason: 'trimmed', position: now };
      const until = position.window?.until ?? what.until ?? now.seen;
      const after = position.window?.seq ?? -1;
      const rows = log.rows.filter(
        ({ ref, xid, seq }) =>
          !isIn(position.seen, xid) &&
          isIn(until, xid) &&
          seq > after &&
          (what.ranges.some((range) => isWithin(range, ref)) || isMaybeOne(what.singles, ref)),
      );
      const logged = rows.slice(0, pageRows).map(({ ref, cell, seq }): Change => {
        const at = { incarnation: now.incarnation, seen: position.seen, window: { until, seq } };
        return { ...ref, cell, position: at };
      });
      const changes = logged.filter((change) => what.wanted?.(change) ?? true);
      const more = rows.length > pageRows;
      const last = logged.at(-1)?.position;
      const end = { incarnation: now.incarnation, seen: until };
      return { kind: 'page', changes, more, position: more && last ? last : end };
    });
  }

  recent(asked: readonly RecentAsked[]): Promise<readonly RecentChanges[]> {
    return this.#ask(() => asked.map((one) => this.#recentOf(one)));
  }

  #recentOf({ position, range, ageMs }: RecentAsked): RecentChanges {
    const { seen, window } = position;
    const changes = this.#rowsSince(ageMs)
      .filter(
        ({ xid, seq }) =>
          isIn(seen, xid) || (window && seq <= window.seq && isIn(window.until, xid)),
      )
      .filter(({ ref }) => isWithin(range, ref))
      .map(({ ref, cell }): Change => ({ ...ref, cell, position }));
    return { changes, complete: true };
  }

  since(ageMs: number): Promise<ChangePosition> {
    return this.#ask(() => {
      const rows = this.#rowsSince(ageMs);
      const first = Math.min(...rows.map(({ xid }) => xid));
      const now = this.#now();
      return rows.length === 0 ? now : { ...now, seen: `${first}:${first}:` };
    });
  }

  async listen(isWoken: boolean): Promise<void> {
    await this.#ask(() => (this.isWoken = isWoken));
  }

  close(): void {
    this.#open = false;
  }

  #now(): ChangePosition {
    const { replica, log } = this.#parts.server;
    return { incarnation: replica.incarnation, seen: log.snapshot() };
  }

  #rowsSince(ageMs: number): readonly LoggedRow[] {
    const { server, process } = this.#parts;
    return server.log.rows.filter(({ atMs }) => atMs >= nowOf(process) - ageMs);
  }

  /** True when it was open until now. */
  #lose(): boolean {
    const wasOpen = this.#open;
    this.#open = false;
    return wasOpen;
  }

  /** One question over the network; a fault ends the session. */
  async #ask<T>(answer: () => T): Promise<T> {
    const { link, server, process, onLost } = this.#parts;
    if (!this.#open) throw new ReplicaError('DOWN', 'the session is closed', false);
    try {
      const deadlineMs = process.clock.monotonicMs() + answerMs;
      return await link.ask('change log', deadlineMs, () => {
        if (server.boot !== this.#boot)
          throw new ReplicaError('DOWN', 'the session is lost', false);
        return answer();
      });
    } catch (error) {
      // Not of a session that was closed while it waited.
      const isFirst = this.#lose();
      if (isFirst) onLost();
      throw error;
    }
  }
}

/** Virtual time, by which rows are dated. */
function nowOf({ clock, originMs }: Process): number {
  return clock.monotonicMs() - originMs;
}

/** As the replica judges it, by its keyspace and its token: every row here has one. */
function isMaybeOne(singles: Singles | undefined, { tenant, keyspace, key }: CellRef): boolean {
  if (!singles || !isLetThrough(singles.sieve, tokenOf(key))) return false;
  return singles.keyspaces.some((one) => one.tenant === tenant && one.keyspace === keyspace);
}

function isWithin({ tenant, keyspace, from, to }: KeyRange, ref: CellRef): boolean {
  if (ref.tenant !== tenant || ref.keyspace !== keyspace) return false;
  return compareKeys(ref.key, from) >= 0 && (to === undefined || compareKeys(ref.key, to) < 0);
}
