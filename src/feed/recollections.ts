import type { ChangeSession, RecentAsked, RecentChanges } from '../replica/change-source.ts';
import type { Clock } from '../runtime/clock.ts';

/** Where the logs are read. */
export interface RecollectionsOptions {
  readonly clock: Clock;
  /** The session of a replica beside its tail. */
  readonly side: (replica: string) => Promise<ChangeSession>;
  /** It has failed. */
  readonly drop: (replica: string, failed: Promise<ChangeSession>) => void;
}

interface Waiting {
  readonly asked: RecentAsked;
  readonly resolve: (recent: RecentChanges) => void;
  readonly reject: (error: unknown) => void;
}

/** As many as one statement may name. */
const togetherMax = 1_000;

/**
 * What subscriptions want to know of the recent past when they begin. Those that begin while one replica's
 * log is looked at wait, and are told from the next look together: what a thousand take is not a thousand
 * times what one takes.
 */
export class Recollections {
  readonly #options: RecollectionsOptions;
  readonly #waiting = new Map<string, Waiting[]>();
  readonly #busy = new Set<string>();

  constructor(options: RecollectionsOptions) {
    this.#options = options;
  }

  /** Rejects when the replica's log cannot be read; nothing was told then. */
  of(replica: string, asked: RecentAsked): Promise<RecentChanges> {
    const waiting = this.#waiting.get(replica) ?? [];
    this.#waiting.set(replica, waiting);
    return new Promise((resolve, reject) => {
      waiting.push({ asked, resolve, reject });
      if (this.#busy.has(replica)) return;
      this.#busy.add(replica);
      this.#options.clock.endOfTurn(() => void this.#run(replica, waiting));
    });
  }

  async #run(replica: string, waiting: Waiting[]): Promise<void> {
    while (waiting.length > 0) await this.#tell(replica, waiting.splice(0, togetherMax));
    this.#busy.delete(replica);
  }

  async #tell(replica: string, all: readonly Waiting[]): Promise<void> {
    const opening = this.#options.side(replica);
    try {
      const answers = await (await opening).recent(all.map(({ asked }) => asked));
      all.forEach(({ resolve }, nth) => resolve(answers[nth] ?? { changes: [], complete: false }));
    } catch (error) {
      this.#options.drop(replica, opening);
      for (const { reject } of all) reject(error);
    }
  }
}
