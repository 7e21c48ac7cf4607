import { parseArgs } from 'node:util';

/** What the command line asked for. */
export interface Options {
  /** Undefined for all. */
  readonly scenario: string | undefined;
  readonly seed: number;
  readonly runs: number;
  readonly operationsMax: number | undefined;
  readonly controls: boolean;
  /** One control, by the words of its name. */
  readonly control: string | undefined;
  readonly table: boolean;
  readonly history: string | undefined;
  readonly trace: string | undefined;
  readonly help: boolean;
}

/** How the command is used. */
export const usage = `npm run simulate -- [options]

  --scenario NAME    one scenario; without it, all of them (--all says so too)
  --seed N           the first seed; without it, one that is chosen now, and printed
  --runs N           how many seeds (100)
  --operations N     no operation after the N-th: the shorter run that a failure prints
  --controls         break the product on purpose, and see each breach caught
  --control NAME     only the controls whose name contains NAME; with --seed, that one run
  --table            the table of promises, checkers and controls, as Markdown
  --history FILE     the history of the last run, as JSON lines
  --trace FILE       everything that happened in the last run
`;

/** Throws with a sentence when an argument is not understood. */
export function parseOptions(args: readonly string[], chosenSeed: number): Options {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      scenario: text,
      seed: text,
      runs: text,
      operations: text,
      control: text,
      history: text,
      trace: text,
      all: flag,
      controls: flag,
      table: flag,
      help: flag,
    },
  });
  const seed = count('seed', values.seed);
  return {
    scenario: values.all ? undefined : values.scenario,
    seed: seed ?? chosenSeed,
    // One seed that is named is one run, unless more are asked for.
    runs: count('runs', values.runs) ?? (seed === undefined ? 100 : 1),
    operationsMax: count('operations', values.operations),
    controls: values.controls === true || values.control !== undefined,
    control: values.control,
    table: values.table === true,
    history: values.history,
    trace: values.trace,
    help: values.help === true,
  };
}

function count(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (Number.isSafeInteger(number) && number >= 1) return number;
  throw new Error(`--${name} must be a whole number from 1, and it is "${value}"`);
}
