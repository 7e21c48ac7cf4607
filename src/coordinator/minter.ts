import {
  visible,
  withOutcome,
  write,
  type Cell,
  type Dependency,
  type Seen,
  type Sibling,
} from '../causality/cell.ts';
import { actorOf } from '../causality/dot.ts';
import { digestOf } from '../causality/cell-codec.ts';
import { nextCounter, renewed, withoutGone } from '../causality/minting.ts';
import { isFenced, wasNever } from '../causality/outcomes.ts';
import { CellMemory, type Known } from './cell-memory.ts';
import { joinInto, type JoinOutcome } from '../repair/join-into.ts';
import { keepSiblings } from '../causality/convergence.ts';
import { refName } from '../replica/cell-ref.ts';
import { absentCell, ReplicaError, type CellRef, type Replica } from '../replica/replica.ts';
import type { Clock } from '../runtime/clock.ts';
import type { HybridClock } from '../runtime/hybrid-clock.ts';

/** One version to be written, before it has a dot. */
export interface Change {
  readonly writeId: string;
  /** The exact JSON text, or null for a tombstone. */
  readonly value: string | null;
  readonly seen: Seen;
  readonly expiresAtMs?: number | undefined;
  readonly dependencies?: readonly Dependency[] | undefined;
  readonly dependsOnQuorum?: true | undefined;
  /** Set when the write carries an idempotency key: a second one with this id changes nothing. */
  readonly retryable?: { readonly id: string; readonly fingerprint: string } | undefined;
  /**
   * No new version: the one of this dot gets a new dot, unless it was replaced since. See `renew`.
   */
  readonly renews?: Sibling['dot'];
  /** Refused when the cell would hold more versions than this. */
  readonly siblingsMax: number;
}

/** Changes of one key that became real in one swap, and their way to the other replicas. */
export interface Minted {
  readonly cell: Cell;
  /** Forwards the whole cell, once a replica and group, whoever of the group asks. */
  forward(replica: Replica, deadlineMs: number): Promise<JoinOutcome>;
}

/**
 * The key has as many concurrent versions as its keyspace allows; certainly nothing was written.
 */
export class SiblingLimit extends Error {}

/** The write was settled as one that never was, and fenced; certainly nothing was written. */
export class FencedWrite extends Error {}

/** The idempotency key was used before, with other arguments; certainly nothing was written. */
export class OtherArguments extends Error {}

interface Waiting {
  readonly change: Change;
  readonly deadlineMs: number;
  readonly resolve: (minted: Minted) => void;
  readonly reject: (error: Error) => void;
}

interface Line {
  readonly replica: Replica;
  readonly ref: CellRef;
  waiting: Waiting[];
  /** The swap that is in flight ends by then. */
  busyUntilMs: number;
}

const groupMax = 100;
const memory = { cells: 20_000, chars: 32_000_000 };
/** An expired version is dropped this much later: no clock is further off. */
const goneMs = 60_000;

/**
 * Mints dots at coordinating replicas: one line a key and replica.
 *
 * While one swap of a key is in flight, further changes of that key gather and go together in the
 * next swap, each with a dot of its own; so
 * a hot key costs one row version a round trip, not one a write. The cell is taken from a small
 * memory of the last one stored: a wrong guess costs
 * one round trip, because a failed swap returns what is there.
 */
export class Minter {
  readonly #clock: Clock;
  readonly #hybridClock: HybridClock;
  readonly #lines = new Map<string, Line>();
  readonly #known = new CellMemory(memory);

  constructor(deps: { clock: Clock; hybridClock: HybridClock }) {
    this.#clock = deps.clock;
    this.#hybridClock = deps.hybridClock;
  }

  /**
   * Rejects with `ReplicaError`, or with `SiblingLimit` when nothing was written because the key is
   * full.
   */
  mint(
    at: { replica: Replica; ref: CellRef },
    change: Change,
    deadlineMs: number,
  ): Promise<Minted> {
    const name = `${at.replica.id}\0${refName(at.ref)}`;
    return new Promise((resolve, reject) => {
      const waiting = { change, deadlineMs, resolve, reject };
      const line = this.#lines.get(name);
      if (line) return this.#queue(line, waiting);
      const opened: Line = { ...at, waiting: [waiting], busyUntilMs: 0 };
      this.#lines.set(name, opened);
      void this.#serve(name, opened);
    });
  }

  /** Waits for the swap that is in flight, but not beyond its own deadline. */
  #queue(line: Line, waiting: Waiting): void {
    line.waiting.push(waiting);
    if (waiting.deadlineMs >= line.busyUntilMs) return;
    this.#clock.after(waiting.deadlineMs - this.#clock.monotonicMs(), () => {
      const isStillWaiting = line.waiting.includes(waiting);
      line.waiting = line.waiting.filter((other) => other !== waiting);
      if (isStillWaiting) waiting.reject(tooLate());
    });
  }

  async #serve(name: string, line: Line): Promise<void> {
    while (line.waiting.length > 0) {
      const group = this.#inTime(line.waiting.splice(0, groupMax));
      if (group.length === 0) continue;
      try {
        await this.#mintGroup(name, line, group);
      } catch (error) {
        this.#known.forget(name);
        const fault = error instanceof Error ? error : new Error(String(error));
        for (const { reject } of group) reject(fault);
      }
    }
    this.#lines.delete(name);
  }

  /** Those who still wait; one whose time is up must not cut the deadline of the others. */
  #inTime(group: readonly Waiting[]): readonly Waiting[] {
    const nowMs = this.#clock.monotonicMs();
    const late = group.filter(({ deadlineMs }) => deadlineMs <= nowMs);
    for (const { reject } of late) reject(tooLate());
    return late.length === 0 ? group : group.filter((waiting) => !late.includes(waiting));
  }

  async #mintGroup(name: string, line: Line, group: readonly Waiting[]): Promise<void> {
    // The earliest deadline of the group: after it somebody may have turned to another replica.
    const deadlineMs = Math.min(...group.map((waiting) => waiting.deadlineMs));
    line.busyUntilMs = deadlineMs;
    let known = this.#known.get(name) ?? absentCell;
    let verified = false;
    while (this.#clock.monotonicMs() < deadlineMs) {
      const { cell, placed, full } = this.#compose(known, line.replica, group);
      const isGuess = !verified && cell === known.cell;
      if (isGuess && (full.length > 0 || group.some(({ change }) => change.renews))) {
        // Nobody is refused on a guess: another gateway may have resolved the conflict since.
        known = await line.replica.read(line.ref, { deadlineMs });
        verified = true;
        continue;
      }
      if (cell !== known.cell) {
        const { incarnation } = line.replica;
        if (incarnation === undefined)
          throw new ReplicaError('DOWN', 'the replica has not been reached yet', false);
        const { digest: expected, emptied = 0 } = known;
        const request = { expected, next: cell, mintedBy: incarnation, emptied };
        const result = await line.replica.swap(line.ref, request, { deadlineMs });
        if (result.status !== 'swapped') {
          known = result.current;
          verified = true;
          continue;
        }
      }
      const minted = mintedGroup(line.ref, { cell, previous: known });
      this.#known.keep(
        name,
        cell === known.cell ? known : { ...known, cell, digest: digestOf(cell) },
      );
      for (const { resolve } of placed) resolve(minted);
      for (const { reject } of full) reject(new SiblingLimit());
      return;
    }
    throw new ReplicaError(
      'TIMEOUT',
      'other writers of this key were faster until time was up',
      false,
    );
  }

  /** The cell after all changes of the group that fit, each with the next dot of the replica. */
  #compose(
    { cell: start, emptied }: Known,
    replica: Replica,
    group: readonly Waiting[],
  ): { cell: Cell; placed: Waiting[]; full: Waiting[] } {
    const actor = actorOf(replica.incarnation ?? '', emptied);
    const placed: Waiting[] = [];
    const full: Waiting[] = [];
    let cell = start;
    for (const waiting of group) {
      const { change } = waiting;
      if (change.renews) {
        cell = renewed(cell, change.renews, { actor, nowUs: this.#hybridClock.tick() });
        placed.push(waiting);
        continue;
      }
      if (wasNever(cell, change.writeId)) {
        waiting.reject(new FencedWrite());
        continue;
      }
      if (change.retryable && cell.outcomes?.has(change.retryable.id)) {
        if (isDisputed(cell, change)) waiting.reject(new OtherArguments());
        else placed.push(waiting);
        continue;
      }
      if (isFenced(cell, change.writeId)) {
        waiting.reject(new FencedWrite());
        continue;
      }
      const nowUs = this.#hybridClock.tick();
      const counter = nextCounter(cell, change.seen, { actor, nowUs });
      // A key that is written and deleted, or expires, again and again does not fill up with the dead.
      const before = change.value === null ? cell : withoutGone(cell, this.#clock.nowMs() - goneMs);
      const version = versionOf(change, { dot: { actor, counter }, nowUs });
      const next = write(before, change.seen, version);
      // Deletions must stay possible on a full key: they are how it gets emptied.
      const grows = change.value !== null && visible(next).length > change.siblingsMax;
      (grows ? full : placed).push(waiting);
      if (!grows) cell = recorded(next, change, nowUs);
    }
    return { cell, placed, full };
  }
}

function tooLate(): ReplicaError {
  return new ReplicaError('TIMEOUT', 'earlier writes of this key took until time was up', false);
}

/** The cell with the outcome of an idempotent write; any other write leaves no record. */
export function recorded(cell: Cell, { retryable }: Change, atUs: number): Cell {
  if (!retryable) return cell;
  const { id, fingerprint } = retryable;
  return withOutcome(cell, id, { fingerprint, applied: true, atUs });
}

/** Whether the idempotency key of this change came with other arguments too. */
export function isDisputed(cell: Cell, { retryable }: Pick<Change, 'retryable'>): boolean {
  const record = retryable && cell.outcomes?.get(retryable.id);
  return (
    record !== undefined &&
    (record.disputed === true || record.fingerprint !== retryable?.fingerprint)
  );
}

export function versionOf(change: Change, at: { dot: Sibling['dot']; nowUs: number }): Sibling {
  return { dot: at.dot, ...contentOf(change, at.nowUs) };
}

/** A version but for its dot. */
export function contentOf(change: Change, nowUs: number): Omit<Sibling, 'dot'> {
  return {
    writeId: change.writeId,
    writtenAtUs: nowUs,
    value: change.value,
    ...(change.expiresAtMs === undefined ? {} : { expiresAtMs: change.expiresAtMs }),
    ...(change.dependencies?.length ? { dependencies: change.dependencies } : {}),
    ...(change.dependsOnQuorum ? { dependsOnQuorum: true as const } : {}),
  };
}

/** A cell that was found where it had been minted, on its way to the other replicas. */
export function mintedAs(ref: CellRef, cell: Cell): Minted {
  return mintedGroup(ref, { cell, previous: absentCell });
}

function mintedGroup(ref: CellRef, { cell, previous }: { cell: Cell; previous: Known }): Minted {
  const forwards = new Map<string, Promise<JoinOutcome>>();
  return {
    cell,
    forward(replica, deadlineMs) {
      const begun = forwards.get(replica.id);
      if (begun) return begun;
      // Replicas in step hold exactly what the coordinating one held before: no read is needed.
      const request = { ref, cell, convergence: keepSiblings, guess: previous };
      const forward = joinInto(replica, request, { deadlineMs });
      forwards.set(replica.id, forward);
      return forward;
    },
  };
}
