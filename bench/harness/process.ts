import { spawn, type ChildProcess } from 'node:child_process';

/** A server in a process of its own, ready when it has printed a line that matches. */
export interface Server {
  readonly pid: number;
  /** What the pattern captured. */
  readonly said: string;
  stop(): Promise<void>;
}

export async function startServer(
  command: readonly [string, ...string[]],
  options: { readonly ready: RegExp; readonly env?: Readonly<Record<string, string>> },
): Promise<Server> {
  const [program, ...args] = command;
  const env = { ...process.env, NODE_ENV: 'production', ...options.env };
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  const said = await readiness(child, options.ready);
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
  return {
    pid: child.pid ?? 0,
    said,
    async stop() {
      process.off('exit', kill);
      child.kill('SIGTERM');
      const late = setTimeout(kill, 20_000);
      await gone;
      clearTimeout(late);
    },
  };
}

function readiness(child: ChildProcess, ready: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = '';
    const late = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`it was not ready within a minute:\n${printed}`));
    }, 60_000);
    const look = (chunk: Buffer): void => {
      printed = (printed + chunk.toString()).slice(-20_000);
      const match = ready.exec(printed);
      if (!match) return;
      clearTimeout(late);
      resolve(match[1] ?? '');
    };
    child.stdout?.on('data', look);
    child.stderr?.on('data', look);
    child.once('error', reject);
    child.once('exit', (code) => {
      clearTimeout(late);
      reject(new Error(`it ended with ${code} before it was ready:\n${printed}`));
    });
  });
}
