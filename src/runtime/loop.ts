import type { Cancel, Clock } from './clock.ts';
import type { Log } from './log.ts';

/** Background work with a stop. */
export interface Loop {
  stop(): void;
}

export interface LoopOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly name: string;
  readonly everyMs: number;
}

/**
 * Runs `task` again and again, `everyMs` after it last ended; a failed run is logged and the loop
 * goes on. Never two at once.
 */
export function repeat(
  { clock, log, name, everyMs }: LoopOptions,
  task: () => Promise<void>,
): Loop {
  let stopped = false;
  let cancel: Cancel = () => undefined;
  const plan = (): void => {
    if (!stopped) cancel = clock.after(everyMs, () => void run());
  };
  const run = async (): Promise<void> => {
    await task().catch((error: unknown) =>
      log.warn({ error, loop: name }, 'a background task failed; it will be tried again'),
    );
    plan();
  };
  plan();
  return {
    stop() {
      stopped = true;
      cancel();
    },
  };
}
