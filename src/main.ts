#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { UsageError, leadingWords, readOptions } from './cli/command-line.ts';
import { admitCommand } from './cli/admit.ts';
import { devCommand } from './cli/dev.ts';
import { commandHelp, commands, generalHelp, isCommand } from './cli/help.ts';
import { migrateCommand } from './cli/migrate.ts';
import { repairCommand } from './cli/repair.ts';
import { serveCommand } from './cli/serve.ts';
import { statusCommand } from './cli/status.ts';
import { tenantCommand } from './cli/tenant.ts';
import type { Surroundings } from './cli/surroundings.ts';
import { isWorker, workerCommand } from './cli/worker.ts';
import { systemClock } from './runtime/clock.ts';
import { systemRandom } from './runtime/random.ts';

const run = {
  dev: devCommand,
  serve: serveCommand,
  migrate: migrateCommand,
  repair: repairCommand,
  admit: admitCommand,
  status: statusCommand,
  tenant: tenantCommand,
};

/** Runs what the command line says; resolves with the exit code. */
async function main(args: readonly string[], around: Surroundings): Promise<number> {
  const [word, ...rest] = args;
  if (word === undefined || word === '--help' || word === '-h' || word === 'help') {
    around.print(generalHelp());
    return word === undefined ? 2 : 0;
  }
  if (word === '--version') {
    around.print(`${version()}\n`);
    return 0;
  }
  if (!isCommand(word)) {
    throw new UsageError(`There is no ${word.startsWith('-') ? 'option' : 'command'} "${word}".`);
  }
  const words = 'words' in commands[word] ? leadingWords(rest) : [];
  const given = readOptions(rest.slice(words.length), commands[word].options);
  if (given['help'] === true) {
    around.print(commandHelp(word));
    return 0;
  }
  refuseOldNode(process.versions.node);
  return run[word](given, around, words);
}

/** npm only warns of it, and what is missing would be told by a stack in the middle of a start. */
function refuseOldNode(version: string): void {
  const [major = 0] = version.split('.').map(Number);
  if (major >= 22) return;
  throw new Error(
    `Node.js 22.22 or newer is needed, and this is ${version}. In a clone, "npx node" runs the one that npm ci installed.`,
  );
}

/** The nearest package.json above this file, which runs from `src/` and from `dist/src/`. */
function version(): string {
  for (const path of ['../package.json', '../../package.json']) {
    try {
      const text = readFileSync(new URL(path, import.meta.url), 'utf8');
      return (JSON.parse(text) as { version: string }).version;
    } catch {
      // one level up
    }
  }
  return 'unknown';
}

/** One sentence for a person; the stack only for who is looking for a bug. */
function tell(error: unknown): number {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  const hint = error instanceof UsageError ? ' See quorate --help.' : '';
  process.stderr.write(`quorate: ${message}${hint}\n`);
  if (process.env['QUORATE_DEBUG'] && stack !== undefined) process.stderr.write(`${stack}\n`);
  return error instanceof UsageError ? 2 : 1;
}

const around: Surroundings = {
  env: process.env,
  clock: systemClock,
  random: systemRandom,
  print: (text) => void process.stdout.write(text),
  colour: process.stdout.isTTY && !process.env['NO_COLOR'],
};
const running = isWorker ? workerCommand(around) : main(process.argv.slice(2), around);
const code = await running.catch(tell);
// Said outright: a socket to a frozen database would otherwise keep the process for ever.
process.exit(code);
