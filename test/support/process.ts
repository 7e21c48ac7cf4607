import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A program of the repository, run by this very Node.js, with what it has said so far. */
export interface RunningProgram {
  readonly child: ChildProcess;
  /** Both streams as they came. */
  output(): string;
  /** Resolves when the output matches; rejects when the program ends before, or takes too long. */
  says(pattern: RegExp, withinMs?: number): Promise<RegExpExecArray>;
  /** Resolves with the exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

const top = new URL('../../', import.meta.url);
/** The program is begun some fifty times by one run of the tests, and is compiled for the first. */
const compiled = join(tmpdir(), 'quorate-test-compiled');

/** Runs `path` of the repository; its working directory and environment are the caller's, with `env` on top. */
export function runProgram(
  path: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): RunningProgram {
  const file = fileURLToPath(new URL(path, top));
  const child = spawn(process.execPath, [file, ...args], {
    env: { ...withoutOurs(process.env), NODE_COMPILE_CACHE: compiled, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<number | NodeJS.Signals>((done) => {
    child.on('close', (code, by) => done(code ?? by ?? 1));
  });
  let over = false;
  void ended.then(() => (over = true));
  const says = async (pattern: RegExp, withinMs = 30_000): Promise<RegExpExecArray> => {
    const deadlineMs = performance.now() + withinMs;
    for (;;) {
      const found = pattern.exec(output);
      if (found !== null) return found;
      if (over || performance.now() > deadlineMs) {
        throw new Error(`${path} did not say ${String(pattern)}, but:\n${output}`);
      }
      await new Promise((wake) => setTimeout(wake, 20));
    }
  };
  return { child, output: () => output, says, ended };
}

/** The processes that work in `directory` or below: databases that were left running. Linux only. */
export function processesIn(directory: string): readonly string[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/cwd`).startsWith(directory);
      } catch {
        return false; // ended in the meantime
      }
    })
    .map((pid) => {
      try {
        return `${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')}`;
      } catch {
        return pid;
      }
    });
}

/** Jest's own options and the operator's settings are not for the programs under test. */
function withoutOurs(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(
    ([name]) => !/^(NODE_OPTIONS|PORT|HOST|QUORATE_.*|npm_.*|JEST_.*)$/.test(name),
  );
  return Object.fromEntries(kept);
}
