import { readFileSync } from 'node:fs';
import { type Config, type Environment, ConfigError, parseConfig } from '../config.ts';
import { type GivenOptions, UsageError, numberOf, textOf } from './command-line.ts';

/** The configuration that --config or QUORATE_CONFIG names, with --port and --host on top. */
export function loadConfig(given: GivenOptions, env: Environment): Config {
  const file = textOf(given, 'config', env['QUORATE_CONFIG']);
  if (file === undefined) {
    throw new UsageError('Name a configuration: --config quorate.yaml, or QUORATE_CONFIG.');
  }
  const port = numberOf(given, 'port', { min: 0, max: 65_535 });
  const host = textOf(given, 'host');
  // Options stand in for the variables, which go before the file.
  return parseConfig(readText(file), file, {
    ...env,
    ...(port === undefined ? {} : { PORT: String(port) }),
    ...(host === undefined ? {} : { HOST: host }),
  });
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const reasons: Readonly<Record<string, string>> = {
      ENOENT: 'there is no such file',
      EACCES: 'permission denied',
      EISDIR: 'it is a directory',
    };
    const { code = '', message } = error as NodeJS.ErrnoException;
    throw new ConfigError([`${file}: cannot be read: ${reasons[code] ?? message}`]);
  }
}
