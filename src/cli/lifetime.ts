import { constants } from 'node:os';
import type { Config } from '../config.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Surroundings } from './surroundings.ts';

/** A signal that is repeated sooner is the same wish: npm and service managers like to repeat theirs. */
const repeatedMs = 1_000;

/** The time from the start of the process until somebody wants it to end. */
export interface Lifetime {
  /**
   * Resolves with the exit code at the first SIGINT, SIGTERM or SIGHUP, or when something is badly
   * broken.
   */
  readonly ending: Promise<number>;
  /** Whether that has happened: a start that is still under way need not say that it is ready. */
  hasEnded(): boolean;
  /** What must still be done by an impatient second signal, in the same turn of the event loop. */
  onForce(task: () => void): void;
}

/**
 * Listens for the wish to stop.
 *
 * No request can end the process: a promise that nobody waited for is logged as the bug it is, and
 * life goes on, since it belongs to one request. An exception outside every promise may have left
 * anything half-done: it is logged, the gateway drains and the process ends with 1, for its
 * supervisor to start a fresh one.
 */
export function beginLifetime(log: Log, { clock, env }: Surroundings): Lifetime {
  let ended = false;
  const tasks: (() => void)[] = [];
  let endedMs = Infinity;
  const ending = new Promise<number>((end) => {
    const wish = (code: number): void => {
      endedMs = Math.min(endedMs, clock.monotonicMs());
      ended = true;
      end(code);
    };
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(name, () => {
        if (!ended) return wish(0);
        const isRepeated = clock.monotonicMs() - endedMs < repeatedMs;
        if (name !== 'SIGINT' && isRepeated) return;
        for (const task of tasks) task();
        process.exit(128 + constants.signals[name]);
      });
    }
    if (env['npm_lifecycle_event'] !== undefined) whenParentEnds(clock, () => wish(0));
    process.on('uncaughtException', (error) => {
      log.fatal({ err: error }, 'an exception that nothing caught: stopping');
      wish(1);
    });
    process.on('unhandledRejection', (reason) => {
      log.error({ err: reason }, 'a failure that nothing waited for');
    });
  });
  // A reader that went away (`quorate dev | head`) is no reason to take the databases down.
  process.stdout.on('error', () => undefined);
  return { ending, hasEnded: () => ended, onForce: (task) => void tasks.push(task) };
}

/**
 * `npm start` runs us under a shell, and a SIGTERM to npm ends that shell without reaching us: we
 * would go on unseen, with the port and the databases. A parent that is gone is the same wish, a
 * quarter of a second later.
 */
function whenParentEnds(clock: Clock, tell: () => void): void {
  const parent = process.ppid;
  const look = (): void => {
    if (process.ppid === parent) clock.after(250, look);
    else tell();
  };
  look();
}

/** Lets a gateway finish what it has begun, within bounds. */
export async function drainWithin(
  gateway: { drain(): Promise<void> },
  { clock, log, shutdown }: { clock: Clock; log: Log; shutdown: Config['shutdown'] },
): Promise<void> {
  const drainMs = shutdown.notReadyMs + shutdown.withinMs;
  let cancel = (): void => undefined;
  const late = new Promise<'late'>((done) => {
    cancel = clock.after(drainMs, () => done('late'));
  });
  const drained = gateway.drain().catch((error: unknown) => {
    log.error({ err: error }, 'the gateway could not drain');
  });
  if ((await Promise.race([drained, late])) === 'late') {
    log.warn(`something was still under way after ${drainMs / 1000} s; it was left`);
  }
  cancel();
}
