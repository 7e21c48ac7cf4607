import { parseArgs } from 'node:util';

/** A command line that cannot be understood: told with a pointer to --help, and exit code 2. */
export class UsageError extends Error {
  constructor(sentence: string) {
    super(sentence);
    this.name = 'UsageError';
  }
}

/** One option of a command, as --help prints it and as the command line is read. */
export interface OptionSpec {
  /** What stands for its value in --help; without one it is a switch. */
  readonly value?: string;
  readonly help: string;
}

export type OptionTable = Readonly<Record<string, OptionSpec>>;

/** What was given: the text of options with a value, `true` for switches. */
export type GivenOptions = Readonly<Record<string, string | boolean | undefined>>;

/** What stands before the first option: `key create shop`. */
export function leadingWords(args: readonly string[]): readonly string[] {
  const first = args.findIndex((arg) => arg.startsWith('-'));
  return first < 0 ? args : args.slice(0, first);
}

/** Reads the options of one command; an unknown one, or a word too many, is a `UsageError`. */
export function readOptions(args: readonly string[], table: OptionTable): GivenOptions {
  const options = Object.fromEntries(
    Object.entries(table).map(([name, { value }]) => {
      return [name, { type: value === undefined ? ('boolean' as const) : ('string' as const) }];
    }),
  );
  try {
    return parseArgs({ args: [...args], options, strict: true }).values;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${message.split('. ')[0]?.replace(/\.$/, '') ?? message}.`);
  }
}

/**
 * The text of an option, or of the environment variable that stands in for it; '' counts as not
 * given.
 */
export function textOf(given: GivenOptions, name: string, fallback?: string): string | undefined {
  const value = given[name];
  if (value === '') throw new UsageError(`--${name} needs a value.`);
  return typeof value === 'string' ? value : fallback || undefined;
}

/**
 * The same for a whole number within bounds. `source` names the environment variable, for the
 * message.
 */
export function numberOf(
  given: GivenOptions,
  name: string,
  bounds: { min: number; max: number; env?: readonly [name: string, value: string | undefined] },
): number | undefined {
  const [variable, fallback] = bounds.env ?? [];
  const text = textOf(given, name, fallback);
  if (text === undefined) return undefined;
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= bounds.min && number <= bounds.max) return number;
  const called = given[name] === undefined ? (variable ?? name) : `--${name}`;
  throw new UsageError(
    `${called} must be a whole number from ${bounds.min} to ${bounds.max}, and it is "${text}".`,
  );
}
