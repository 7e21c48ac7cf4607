import { digestOf, encodeCell } from '../causality/cell-codec.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Hint, HintClaim, HintCount, HintName, HintRemoval, NewHint } from './hint-store.ts';
import { refName, type CellRef } from './cell-ref.ts';

interface Kept {
  readonly hint: Hint;
  readonly bytes: number;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  claimedUntilMs: number;
  claimedBy: string | undefined;
}

/** The table of hints of a `MemoryReplica`: what `HintStore` means, without SQL. */
export class MemoryHints {
  readonly #clock: Clock;
  readonly #kept = new Map<string, Kept>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  put({ lifeMs, ...hint }: NewHint): void {
    const digest = digestOf(hint.cell);
    const name = nameOf({ ...hint, digest });
    const { siblings, context, outcomes } = encodeCell(hint.cell);
    this.#kept.set(name, {
      hint: { ...hint, digest },
      bytes: Buffer.byteLength(siblings + context + outcomes),
      createdAtMs: this.#kept.get(name)?.createdAtMs ?? this.#nowMs(),
      expiresAtMs: this.#nowMs() + lifeMs,
      claimedUntilMs: -Infinity,
      claimedBy: undefined,
    });
  }

  claim({ target, limit, claimMs, owner }: HintClaim): readonly Hint[] {
    const nowMs = this.#nowMs();
    const free = [...this.#kept]
      .filter(
        ([, { hint, expiresAtMs, claimedUntilMs }]) =>
          hint.target === target && expiresAtMs > nowMs && claimedUntilMs <= nowMs,
      )
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .slice(0, limit)
      .map(([, kept]) => kept);
    for (const kept of free) {
      kept.claimedUntilMs = nowMs + claimMs;
      kept.claimedBy = owner;
    }
    return free.map(({ hint }) => hint);
  }

  remove({ hints, owner }: HintRemoval): void {
    for (const hint of hints) {
      const name = nameOf(hint);
      if (this.#kept.get(name)?.claimedBy === owner) this.#kept.delete(name);
    }
  }

  counts(): readonly HintCount[] {
    const targets = new Map<string, HintCount>();
    for (const { hint, bytes, createdAtMs } of this.#kept.values()) {
      const { target } = hint;
      const before = targets.get(target) ?? { target, hints: 0, bytes: 0, oldestMs: 0 };
      targets.set(target, {
        target,
        hints: before.hints + 1,
        bytes: before.bytes + bytes,
        oldestMs: Math.max(before.oldestMs, this.#nowMs() - createdAtMs),
      });
    }
    return [...targets.values()].sort((a, b) => (a.target < b.target ? -1 : 1));
  }

  has(ref: CellRef): boolean {
    const nowMs = this.#nowMs();
    return [...this.#kept.values()].some(
      ({ hint, expiresAtMs, claimedUntilMs }) =>
        refName(hint.ref) === refName(ref) && (expiresAtMs > nowMs || claimedUntilMs > nowMs),
    );
  }

  expire(limit: number): number {
    const nowMs = this.#nowMs();
    const gone = [...this.#kept]
      .filter(
        ([, { expiresAtMs, claimedUntilMs }]) => expiresAtMs <= nowMs && claimedUntilMs <= nowMs,
      )
      .slice(0, limit);
    for (const [name] of gone) this.#kept.delete(name);
    return gone.length;
  }

  removeKeyspace({ tenant, keyspace }: { tenant: string; keyspace: string }): void {
    for (const [name, { hint }] of this.#kept) {
      if (hint.ref.tenant === tenant && hint.ref.keyspace === keyspace) this.#kept.delete(name);
    }
  }

  clear(): void {
    this.#kept.clear();
  }

  #nowMs(): number {
    return this.#clock.monotonicMs();
  }
}

function nameOf({ target, ref, digest }: HintName): string {
  return `${target}\0${refName(ref)}\0${digest}`;
}
