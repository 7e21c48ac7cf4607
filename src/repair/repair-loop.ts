import type { Replica } from '../replica/replica.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Random } from '../runtime/random.ts';
import type { AntiEntropy } from './anti-entropy.ts';
import { stepsOf, type RepairKeyspace } from './repair-keyspace.ts';
import type { TombstoneReaper } from './tombstone-reaper.ts';

export interface RepairLoopDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly antiEntropy: AntiEntropy;
  readonly reaper: TombstoneReaper;
  readonly keyspaces: () => Promise<readonly RepairKeyspace[]>;
  /** Names this gateway in the ledger. */
  readonly owner: string;
  /** A keyspace is compared this often, by one gateway. */
  readonly everyMs: number;
}

const callMs = 5_000;
/** How long a gateway may be silent before another goes on with its pass. */
const leaseMaxMs = 120_000;
const leaseMinMs = 2_000;
/** The share of time that a pass may work; the rest is left to requests. */
const share = 0.2;

/**
 * Compares every keyspace again and again, in the background, one gateway at each: whoever claims it in
 * the ledger. A pass that a gateway leaves unfinished is gone on with by another. After a whole pass
 * without a failure, old deletions are forgotten.
 */
export class RepairLoop {
  readonly #deps: RepairLoopDeps;
  #stopped = false;
  #round: Promise<void> = Promise.resolve();
  #cancel = (): void => undefined;

  constructor(deps: RepairLoopDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#plan();
  }

  /** No further stretch; resolves when the one that is under way has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel();
    await this.#round;
  }

  /** Every keyspace that is due and that nobody else is at. */
  async round(): Promise<void> {
    const { keyspaces, random, log } = this.#deps;
    const due = [...(await keyspaces())].map((keyspace) => ({ keyspace, at: random.next() }));
    // Gateways that come to it together begin at different ends.
    for (const { keyspace } of due.sort((a, b) => a.at - b.at)) {
      if (this.#stopped) return;
      await this.#attend(keyspace).catch((error: unknown) =>
        log.warn({ error, keyspace: keyspace.name }, 'a keyspace was not compared'),
      );
    }
  }

  #plan(): void {
    if (this.#stopped) return;
    const { clock, random, everyMs, log } = this.#deps;
    // Between half and one and a half of half the time, so that gateways do not march in step.
    this.#cancel = clock.after((everyMs / 2) * (0.5 + random.next()), () => {
      this.#round = this.round()
        .catch((error: unknown) =>
          log.warn({ error }, 'anti-entropy could not learn which keyspaces there are'),
        )
        .finally(() => this.#plan());
    });
  }

  async #attend(keyspace: RepairKeyspace): Promise<void> {
    const { owner, everyMs, antiEntropy, reaper } = this.#deps;
    const steps = stepsOf(keyspace);
    const leaseMs = Math.min(leaseMaxMs, Math.max(leaseMinMs, everyMs));
    const row = { tenant: keyspace.tenant, keyspace: keyspace.storageName, owner, leaseMs };
    const claim = { ...row, partitions: steps, everyMs };
    const claimed = await this.#claim(keyspace, claim);
    if (!claimed) return;
    const { ledger, from } = claimed;
    let reached = from;
    const found = await antiEntropy.pass(keyspace, {
      from,
      share,
      onStretch: async (next, { compared, different, repaired, bytes, failed }) => {
        reached = next;
        const note = { ...row, reached, compared, different, repaired, bytes, failed };
        return (await ledger.noteRepair(note, this.#inTime())) && !this.#stopped;
      },
    });
    if (reached === steps && from === 0 && found.failed === 0) await reaper.reap(keyspace);
  }

  /** The ledger is kept by the first primary that can be reached. */
  async #claim(
    keyspace: RepairKeyspace,
    claim: Parameters<Replica['claimRepair']>[0],
  ): Promise<{ ledger: Replica; from: number } | undefined> {
    for (const ledger of keyspace.primariesOf(0)) {
      try {
        const from = await ledger.claimRepair(claim, this.#inTime());
        return from === undefined ? undefined : { ledger, from };
      } catch {
        // The next one, then.
      }
    }
    return undefined;
  }

  #inTime(): { deadlineMs: number } {
    return { deadlineMs: this.#deps.clock.monotonicMs() + callMs };
  }
}
