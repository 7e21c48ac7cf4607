import {
  type Change,
  type ChangePage,
  type ChangePosition,
  type ChangeSession,
  type ChangeSource,
  type KeyRange,
  type RecentChanges,
} from '../../../src/replica/change-source.ts';
import { compareKeys } from '../../../src/placement/key-order.ts';
import { ReplicaError } from '../../../src/replica/replica.ts';
import type { Link } from './link.ts';
import type { Process } from './process.ts';
import type { Server } from './server.ts';

/** Small pages: windows must be taken up in the middle. */
const pageRows = 3;
const answerMs = 400;
/** Smaller ids belong to Postgres; the row at place n has transaction id n + 3. */
const firstId = 3;

/**
 * The change log of a memory replica over a bad network, as a session of its own: what is not answered in time, or meets a server that
 * was restarted, loses the session. Nothing is in flight there, so a snapshot is just how many rows there are.
 */
export function changeSource(process: Process, server: Server, link: Link): ChangeSource {
  return {
    id: server.id,
    async open({ onWake, onLost }) {
      const session = new MemoryChangeSession({ process, server, link, onLost });
      await session.head();
      server.onLogged(() => void process.clock.after(5, onWake));
      return session;
    },
    trim: async () => 0,
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

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#boot = parts.server.boot;
  }

  head(): Promise<ChangePosition> {
    return this.#ask(() => this.#now());
  }

  read(
    position: ChangePosition,
    what: { readonly ranges: readonly KeyRange[]; readonly until?: string | undefined },
  ): Promise<ChangePage> {
    return this.#ask(() => {
      const now = this.#now();
      if (now.incarnation !== position.incarnation)
        return { kind: 'gap', reason: 'incarnation', position: now };
      const { replica, trimmed } = this.#parts.server;
      if (trimmed > placeOf(position.seen))
        return { kind: 'gap', reason: 'trimmed', position: now };
      const until = position.window?.until ?? what.until ?? now.seen;
      const from = position.window ? position.window.seq + 1 : placeOf(position.seen);
      const rows = [...replica.changes.entries()]
        .slice(from, placeOf(until))
        .filter(([, { ref }]) => what.ranges.some((range) => isIn(range, ref)));
      const changes = rows.slice(0, pageRows).map(([seq, { ref, cell }]): Change => {
        const at = { incarnation: now.incarnation, seen: position.seen, window: { until, seq } };
        return { ...ref, cell, position: at };
      });
      const more = rows.length > pageRows;
      const last = changes.at(-1)?.position;
      const end = { incarnation: now.incarnation, seen: until };
      return { kind: 'page', changes, more, position: more && last ? last : end };
    });
  }

  recent(
    position: ChangePosition,
    { range, ageMs }: { readonly range: KeyRange; readonly ageMs: number },
  ): Promise<RecentChanges> {
    return this.#ask(() => {
      const { replica } = this.#parts.server;
      const end = position.window ? position.window.seq + 1 : placeOf(position.seen);
      const changes = [...replica.changes.entries()]
        .slice(this.#placeSince(ageMs), end)
        .filter(([, { ref }]) => isIn(range, ref))
        .map(([, { ref, cell }]): Change => ({ ...ref, cell, position }));
      return { changes, complete: true };
    });
  }

  since(ageMs: number): Promise<ChangePosition> {
    return this.#ask(() => ({ ...this.#now(), seen: snapshot(this.#placeSince(ageMs)) }));
  }

  close(): void {
    this.#open = false;
  }

  #now(): ChangePosition {
    const { incarnation, changes } = this.#parts.server.replica;
    return { incarnation, seen: snapshot(changes.length) };
  }

  #placeSince(ageMs: number): number {
    const { server, process } = this.#parts;
    const sinceMs = process.clock.monotonicMs() - process.originMs - ageMs;
    const place = server.loggedAtMs.findIndex((atMs) => atMs >= sinceMs);
    return place < 0 ? server.replica.changes.length : place;
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

function snapshot(place: number): string {
  return `${place + firstId}:${place + firstId}:`;
}

function placeOf(seen: string): number {
  return Number(seen.split(':')[1]) - firstId;
}

function isIn(
  { tenant, keyspace, from, to }: KeyRange,
  ref: { tenant: string; keyspace: string; key: string },
): boolean {
  if (ref.tenant !== tenant || ref.keyspace !== keyspace) return false;
  return compareKeys(ref.key, from) >= 0 && (to === undefined || compareKeys(ref.key, to) < 0);
}
