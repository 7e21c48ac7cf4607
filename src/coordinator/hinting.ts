import type { Cell } from '../causality/cell.ts';
import type { HintKeeper, Missed } from '../repair/hint-keeper.ts';
import { ReplicaError } from '../replica/replica.ts';
import type { Clock } from '../runtime/clock.ts';
import { inOrderOfHealth } from './faults.ts';
import type { PlacedKey, Target } from './plan.ts';
import { notAsked, type Attempt } from './scatter.ts';

export interface HintingDeps {
  readonly clock: Clock;
  readonly hints: HintKeeper;
}

export interface HintingRequest {
  readonly cell: Cell;
  /** Until when hints may count as acknowledgements; undefined where they never do. */
  readonly countsUntilMs?: number | undefined;
  /** Where the cell was minted: asked first. */
  readonly mintedAt?: Target | undefined;
}

/**
 * The hints of one write: one for each primary that does not take it, whenever that turns out.
 *
 * Nothing is kept before the write may be there: a request that is answered "certainly nothing
 * written" must not be written by a hint later.
 *
 * Where the request says so (`sloppy`), a hint counts as an acknowledgement if it is kept outside
 * the N, and every holder counts once: as many machines must fail as with primaries before it is
 * lost. A primary that keeps it for another one has acknowledged already.
 */
export class Hinting {
  readonly #deps: HintingDeps;
  readonly #key: PlacedKey;
  readonly #request: HintingRequest;
  /** Fallbacks that keep nothing of this write yet. */
  readonly #free: Target[];
  #waiting: Attempt<unknown>[] | undefined = [];
  /** What became of the fallbacks that were asked to stand in. */
  readonly lines: Attempt<unknown>[] = [];

  constructor(deps: HintingDeps, key: PlacedKey, request: HintingRequest) {
    this.#deps = deps;
    this.#key = key;
    this.#request = request;
    const { mintedAt } = request;
    const others = inOrderOfHealth(key.fallbacks).filter((target) => target !== mintedAt);
    this.#free = mintedAt?.role === 'fallback' ? [mintedAt, ...others] : [...others];
  }

  /** For `scatter`: what is done about a target that did not take it. */
  readonly missed = (attempt: Attempt<unknown>): Promise<boolean> | undefined => {
    if (!this.#deps.hints.isEnabled) return undefined;
    if (this.#request.countsUntilMs !== undefined) return this.#standIn(attempt);
    this.#leave(attempt);
    return undefined;
  };

  /** From now on some replica has it, or may have it. */
  mayBeThere(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const attempt of waiting) this.#leave(attempt);
  }

  /** A call that brings the write to a replica: once one took it, or may have, hints are left. */
  async watch<T>(call: Promise<T>, took: (reply: T) => boolean): Promise<T> {
    try {
      const reply = await call;
      if (took(reply)) this.mayBeThere();
      return reply;
    } catch (error) {
      if (!(error instanceof ReplicaError) || error.maybeApplied) this.mayBeThere();
      throw error;
    }
  }

  /** Where hints count, a primary is not waited for as long as it may take. */
  async patiently<T>(call: Promise<T>, patienceMs: number): Promise<T> {
    if (this.#request.countsUntilMs === undefined) return call;
    const { clock } = this.#deps;
    const leftMs = Math.max(0, this.#request.countsUntilMs - clock.monotonicMs());
    let cancel: () => void = () => undefined;
    const patience = new Promise<never>((_, reject) => {
      const late = (): void => reject(new ReplicaError('TIMEOUT', 'no answer in time', true));
      cancel = clock.after(Math.min(patienceMs, leftMs / 2), late);
    });
    return Promise.race([call, patience]).finally(cancel);
  }

  /** Keeps a hint wherever it can be, as soon as the write may be somewhere at all. */
  #leave(attempt: Attempt<unknown>): void {
    if (this.#waiting) return void this.#waiting.push(attempt);
    const { hints } = this.#deps;
    const kept = hints.keep(this.#missedBy(attempt), this.#holders(attempt.target));
    hints.follow(kept.then((holder) => holder && noteHinted(attempt)));
  }

  /** Fallbacks first, so that a copy more exists; then primaries, the one that minted it first. */
  #holders(target: Target): readonly Target['replica'][] {
    const { mintedAt } = this.#request;
    const primaries = inOrderOfHealth(this.#key.targets).filter((other) => other !== mintedAt);
    const all = [...inOrderOfHealth(this.#key.fallbacks), ...(mintedAt ? [mintedAt] : [])];
    return [...new Set([...all, ...primaries])]
      .filter((other) => other !== target && other.replica.state !== 'DOWN')
      .map(({ replica }) => replica);
  }

  /** True when a fallback that keeps nothing else of this write keeps it. */
  async #standIn(attempt: Attempt<unknown>): Promise<boolean> {
    const { clock, hints } = this.#deps;
    const missed = this.#missedBy(attempt);
    for (let fallback = this.#free.shift(); fallback; fallback = this.#free.shift()) {
      const startedMs = clock.monotonicMs();
      const line: Attempt<unknown> = { ...notAsked(fallback), status: 'PENDING', startedMs };
      this.lines.push(line);
      try {
        const kept = hints.keepAt(fallback.replica, missed, this.#request.countsUntilMs);
        hints.follow(kept);
        await kept;
        noteHinted(line);
        noteHinted(attempt);
        this.mayBeThere();
        return true;
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        const fault =
          error instanceof ReplicaError ? error : new ReplicaError('REFUSED', reason, false);
        Object.assign(line, { status: fault.fault, fault });
        if (fault.maybeApplied) this.mayBeThere();
        // It has a row that only a hint leads to.
        if (fallback === this.#request.mintedAt) {
          hints.follow(hints.keep(missed, [fallback.replica, fallback.replica]));
        }
      } finally {
        line.elapsedMs = clock.monotonicMs() - startedMs;
      }
    }
    this.#leave(attempt);
    return false;
  }

  #missedBy({ target }: Attempt<unknown>): Missed {
    const { ref, convergence, epoch } = this.#key;
    return { target: target.replica.id, ref, convergence, epoch, cell: this.#request.cell };
  }
}

/** A call that was answered after all keeps what it was answered. */
function noteHinted(attempt: Attempt<unknown>): void {
  if (attempt.status !== 'OK') attempt.status = 'HINTED';
}
