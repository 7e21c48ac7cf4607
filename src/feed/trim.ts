import type { ChangeSource } from '../replica/change-source.ts';
import type { Cancel, Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Random } from '../runtime/random.ts';

/** What to trim, and how often. */
export interface TrimOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly sources: () => readonly ChangeSource[];
  /** Default 24. A cursor older than that meets a gap. */
  readonly changeLogHours?: number | undefined;
  /**
   * Default five minutes; each pause is between half and one and a half of it, so that gateways do
   * not march in step.
   */
  readonly everyMs?: number | undefined;
  readonly stepRows?: number | undefined;
}

/**
 * Keeps every replica's change log to its age, until it is stopped. Several gateways may do it: one
 * at a time works on a replica.
 */
export function startTrimming(options: TrimOptions): { stop(): void } {
  const { clock, random, everyMs = 300_000 } = options;
  let cancel: Cancel;
  let stopped = false;
  const later = (): void => {
    cancel = clock.after(everyMs * (0.5 + random.next()), () => {
      void trimOnce(options).finally(() => {
        if (!stopped) later();
      });
    });
  };
  later();
  return {
    stop() {
      stopped = true;
      cancel();
    },
  };
}

/**
 * One round over all replicas: the rows deleted. A replica that cannot be reached keeps its rows
 * until the next round.
 */
export async function trimOnce(options: TrimOptions): Promise<number> {
  const { sources, log, changeLogHours: olderThanHours = 24, stepRows = 5000 } = options;
  const trims = sources().map(async (source) => {
    try {
      return await source.trim({ olderThanHours, stepRows });
    } catch (error) {
      log.warn(
        { replica: source.id, reason: error instanceof Error ? error.message : 'unknown failure' },
        'the change log was not trimmed',
      );
      return 0;
    }
  });
  return (await Promise.all(trims)).reduce((sum, gone) => sum + gone, 0);
}
