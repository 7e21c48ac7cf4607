import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConfigInput } from '../../src/config.ts';
import { addresses, type Edge } from './edge.ts';
import { runProgram, type RunningProgram } from './process.ts';

/** A gateway in a process of its own. */
export interface ServedGateway extends Edge {
  readonly program: RunningProgram;
}

/** Runs the program as an operator would: `quorate serve`, `quorate status`. */
export class Quorate {
  readonly directory = mkdtempSync(join(tmpdir(), 'quorate-served-'));
  readonly #running: RunningProgram[] = [];

  /** Writes a configuration; resolves to its file. */
  configure(name: string, config: ConfigInput): string {
    const file = join(this.directory, name);
    writeFileSync(file, JSON.stringify(config));
    return file;
  }

  run(args: readonly string[], env: Readonly<Record<string, string>> = {}): RunningProgram {
    const program = runProgram('src/main.ts', args, env);
    this.#running.push(program);
    return program;
  }

  /** Resolves when the gateway says that it is ready. */
  async serve(file: string, more: readonly string[] = []): Promise<ServedGateway> {
    const program = this.run(['serve', '--config', file, ...more]);
    const [, port] = await program.says(/ready at http:\/\/[^:]+:(\d+)/);
    const close = async (): Promise<void> => {
      program.child.kill('SIGTERM');
      await program.ended;
    };
    return { ...addresses(Number(port)), program, close };
  }

  /** Ends what still runs. */
  async close(): Promise<void> {
    for (const { child, ended } of this.#running) {
      child.kill('SIGKILL');
      await ended;
    }
    rmSync(this.directory, { recursive: true, force: true });
  }
}
