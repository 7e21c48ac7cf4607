import type { Environment } from '../config.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';

/** What a command may touch of the process it runs in. */
export interface Surroundings {
  readonly env: Environment;
  readonly clock: Clock;
  readonly random: Random;
  /** Writes to standard output: a command's answer. Logs go to standard error. */
  readonly print: (text: string) => void;
  /** Whether standard output is a terminal that wants colours. */
  readonly colour: boolean;
}
