import type { CellRef } from '../replica/cell-ref.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { repeat, type Loop } from '../runtime/loop.ts';
import type { Metrics } from '../runtime/metrics.ts';
import { deliver, type HandoffReplica, type Whereabouts } from './hint-delivery.ts';
import type { HintLedger } from './hint-ledger.ts';
import type { HintSettings } from './hint-settings.ts';

export interface HandoffParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly settings: HintSettings;
  readonly ledger: HintLedger;
  readonly replicas: readonly HandoffReplica[];
  /** Undefined when the keyspace was dropped; rejects when that cannot be told now. */
  readonly locate: (ref: CellRef) => Promise<Whereabouts | undefined>;
  /** Names this gateway in claims. */
  readonly owner: string;
}

const tickMs = 200;
const callMs = 2_000;
const batchMax = 100;
const expireEveryMs = 30_000;
const expireMax = 1_000;

/**
 * Brings replicas that are back what others keep for them.
 *
 * Every gateway does, and they share the work by claims: what one has taken the others pass over
 * until it is delivered or its claim runs out. Each goes no faster than `replayPerSecond`, so that
 * a replica that comes back is not thrown down again by what it has missed.
 */
export class HintedHandoff {
  readonly #parts: HandoffParts;
  readonly #draining = new Map<string, Promise<void>>();
  #up = new Set<string>();
  #loop: Loop | undefined;
  #stopped = false;
  #lookAtMs = 0;
  #expireAtMs = 0;
  /** When the next batch may begin, so that the rate is kept. */
  #freeAtMs = 0;

  constructor(parts: HandoffParts) {
    this.#parts = parts;
  }

  start(): void {
    const { clock, log } = this.#parts;
    this.#loop = repeat({ clock, log, name: 'hinted handoff', everyMs: tickMs }, () =>
      this.#tick(),
    );
  }

  /** Takes no more, and resolves when what was taken is delivered or has failed. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#loop?.stop();
    await Promise.all(this.#draining.values());
  }

  /** Looks when it is time to, and at once when a replica has come back. */
  async #tick(): Promise<void> {
    const { clock, replicas, settings } = this.#parts;
    const up = new Set(replicas.filter(isThere).map(({ id }) => id));
    const hasNews = [...up].some((id) => !this.#up.has(id));
    this.#up = up;
    const nowMs = clock.monotonicMs();
    if (!hasNews && nowMs < this.#lookAtMs) return;
    this.#lookAtMs = nowMs + settings.lookEveryMs;
    await this.look();
  }

  /** Asks every holder what it keeps, and begins to deliver what can be. */
  async look(): Promise<void> {
    const { clock, ledger, replicas } = this.#parts;
    const options = { deadlineMs: clock.monotonicMs() + callMs };
    const holders = replicas.filter(({ state }) => state !== 'DOWN');
    await Promise.all(
      holders.map(async (holder) => {
        const counts = await holder.countHints(options).catch(() => undefined);
        if (counts) ledger.learn(holder.id, counts);
      }),
    );
    await this.#expire(holders);
    for (const [target, keptBy] of ledger.open()) this.#begin(target, keptBy);
  }

  #begin(target: string, keptBy: readonly string[]): void {
    if (this.#stopped || this.#draining.has(target) || !this.#canTake(target)) return;
    const holders = this.#parts.replicas.filter(({ id }) => keptBy.includes(id));
    const drain = this.#drain(target, holders)
      .catch((error: unknown) =>
        this.#parts.log.debug({ error, target }, 'hints are left for later'),
      )
      .finally(() => this.#draining.delete(target));
    this.#draining.set(target, drain);
  }

  /** A target that the topology does not have any more: what it missed goes to others. */
  #canTake(target: string): boolean {
    const found = this.#parts.replicas.find(({ id }) => id === target);
    return found === undefined || isThere(found);
  }

  async #drain(target: string, holders: readonly HandoffReplica[]): Promise<void> {
    for (const holder of holders) {
      for (let more = holder.state !== 'DOWN'; more && !this.#stopped && this.#canTake(target);) {
        more = await this.#drainBatch(holder, target);
      }
    }
  }

  /** False when there is nothing more to take, or something was in the way. */
  async #drainBatch(holder: HandoffReplica, target: string): Promise<boolean> {
    const { clock, metrics, settings, owner, locate } = this.#parts;
    await this.#turn();
    if (this.#stopped) return false;
    const startMs = clock.monotonicMs();
    const limit = Math.min(batchMax, settings.replayPerSecond);
    const hints = await holder.claimHints(
      { target, limit, claimMs: settings.claimMs, owner },
      { deadlineMs: startMs + Math.min(callMs, settings.claimMs) },
    );
    this.#freeAtMs = clock.monotonicMs() + (hints.length * 1_000) / settings.replayPerSecond;
    if (hints.length === 0) return false;
    // Nothing that was claimed takes effect after the claim: the key has an open hint until then.
    const deadlineMs = startMs + settings.claimMs;
    const { settled, isBroken } = await deliver(
      { metrics, locate, lifeMs: settings.expireMs },
      { holder, target, hints, deadlineMs },
    );
    await holder.removeHints(
      { hints: settled, owner },
      { deadlineMs: clock.monotonicMs() + callMs },
    );
    return hints.length === limit && !isBroken;
  }

  /** Waits until the rate allows another batch. */
  async #turn(): Promise<void> {
    const { clock } = this.#parts;
    for (;;) {
      const waitMs = this.#freeAtMs - clock.monotonicMs();
      if (waitMs <= 0 || this.#stopped) break;
      await clock.sleep(waitMs);
    }
    // Whoever asks in the same moment waits for what this one takes.
    this.#freeAtMs = clock.monotonicMs() + 1;
  }

  async #expire(holders: readonly HandoffReplica[]): Promise<void> {
    const { clock, metrics } = this.#parts;
    const nowMs = clock.monotonicMs();
    if (nowMs < this.#expireAtMs) return;
    this.#expireAtMs = nowMs + expireEveryMs;
    const options = { deadlineMs: nowMs + callMs };
    const gone = await Promise.all(
      holders.map((holder) => holder.expireHints(expireMax, options).catch(() => 0)),
    );
    metrics.hints.inc(
      { result: 'expired' },
      gone.reduce((sum, count) => sum + count, 0),
    );
  }
}

/** One that is being repaired takes writes, and so it takes hints. */
function isThere({ state }: HandoffReplica): boolean {
  return state === 'UP' || state === 'REPAIRING';
}
