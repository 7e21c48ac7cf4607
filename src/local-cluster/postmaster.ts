import { spawn } from 'node:child_process';
import {
  closeSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  realpathSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../runtime/clock.ts';
import { ClusterError } from './cluster.ts';
import { explainPostgres } from './explain.ts';
import { borrow, postgresEnvironment } from './handed-directory.ts';
import { childrenOf, findProcess, signal, worksIn } from './process-table.ts';
import type { UnprivilegedUser } from './unprivileged-user.ts';

export interface PostmasterOptions {
  readonly id: string;
  readonly directory: string;
  readonly logFile: string;
  readonly program: string;
  readonly user: UnprivilegedUser | undefined;
  readonly settings: Readonly<Record<string, string>>;
  readonly clock: Clock;
  /** Told when the database ends although nobody asked it to. */
  readonly onLost: (how: string) => void;
}

/** A refusal that another port would cure. */
export class PortTaken extends ClusterError {}

const startMs = 60_000; // a crash recovery may replay a whole max_wal_size
const politelyMs = 10_000;
const firmlyMs = 5_000;
const pollMs = 15;

/**
 * One Postgres server process and the sessions it has forked.
 *
 * It runs in a session of its own: a Ctrl-C at the terminal reaches the gateway, which drains first
 * and stops the databases afterwards.
 */
export class Postmaster {
  readonly #options: PostmasterOptions;
  #pid: number | undefined;
  /** True from the moment at which we want it gone. */
  #unwanted = true;

  constructor(options: PostmasterOptions) {
    this.#options = options;
  }

  /** Runs the server on `port`, and resolves when it accepts connections. */
  async start(port: number): Promise<void> {
    const { clock, id, logFile } = this.#options;
    const deadlineMs = clock.monotonicMs() + startMs;
    for (;;) {
      const { failed } = await this.#attempt(port, deadlineMs);
      if (failed === undefined) return;
      if (failed.includes('Address already in use')) {
        throw new PortTaken(`Port ${port}, which ${id} was to use, is taken by another program.`);
      }
      // After a kill -9 of the postmaster its sessions need a moment to notice.
      const leftovers = /pre-existing shared memory block|lock file .* already exists/.test(failed);
      if (!leftovers || clock.monotonicMs() > deadlineMs - startMs + politelyMs) {
        throw new ClusterError(explainPostgres(failed, { id, logFile }));
      }
      await clock.sleep(200);
    }
  }

  /**
   * Ends what an earlier gateway left running in this data directory, after `kill -9` for example.
   *
   * Replaced rather than adopted: a database that is our own child runs with this version's
   * settings, and its end is noticed.
   */
  async replaceOrphan(): Promise<boolean> {
    const pid = readPidFile(this.#options.directory)?.pid;
    if (pid === undefined) return false;
    if (!worksIn(pid, realpathSync(this.#options.directory))) {
      // The pid is somebody else's by now, and Postgres would refuse to start because of it.
      if (findProcess(pid) !== undefined) rmSync(join(this.#options.directory, 'postmaster.pid'));
      return false;
    }
    this.#pid = pid;
    await this.stop();
    return true;
  }

  /**
   * Ends it with a checkpoint; more firmly when it does not end in time. Resolves when no process
   * of it is left.
   */
  async stop(): Promise<void> {
    this.#unwanted = true;
    const pid = this.#pid;
    if (pid === undefined) return;
    const family = [pid, ...childrenOf(pid).map((child) => child.pid)];
    for (const member of family) signal(member, 'SIGCONT'); // a frozen one could not end
    signal(pid, 'SIGINT'); // Postgres: fast shutdown
    if (!(await this.#gone([pid], politelyMs))) {
      signal(pid, 'SIGQUIT'); // immediate shutdown; the next start recovers
      if (!(await this.#gone([pid], firmlyMs))) for (const one of family) signal(one, 'SIGKILL');
    }
    if (!(await this.#gone(family, firmlyMs))) {
      for (const one of family) if (this.#isOurs(one)) signal(one, 'SIGKILL');
    }
    this.#pid = undefined;
  }

  /**
   * SIGKILL to the postmaster alone, as an out-of-memory killer would; its sessions follow when
   * they notice.
   */
  async kill(): Promise<void> {
    this.#unwanted = true;
    const pid = this.#pid;
    if (pid === undefined) return;
    const family = childrenOf(pid).map((child) => child.pid);
    signal(pid, 'SIGKILL');
    for (const one of family) signal(one, 'SIGCONT');
    if (!(await this.#gone([pid, ...family], firmlyMs))) {
      for (const one of family) if (this.#isOurs(one)) signal(one, 'SIGKILL');
    }
    this.#pid = undefined;
  }

  /** Every process of it at once; asked again until no session was forked in between. */
  freeze(): void {
    const pid = this.#pid;
    if (pid === undefined) return;
    signal(pid, 'SIGSTOP'); // first, so that it forks no more
    for (const child of childrenOf(pid)) signal(child.pid, 'SIGSTOP');
  }

  thaw(): void {
    const pid = this.#pid;
    if (pid === undefined) return;
    for (const child of childrenOf(pid)) signal(child.pid, 'SIGCONT');
    signal(pid, 'SIGCONT');
  }

  /** For the exit that does not wait: an immediate shutdown, without a checkpoint. */
  abandon(): void {
    this.#unwanted = true;
    if (this.#pid !== undefined) signal(this.#pid, 'SIGQUIT');
  }

  async #attempt(port: number, deadlineMs: number): Promise<{ failed?: string }> {
    const { clock, directory, logFile, onLost } = this.#options;
    const log = openSync(logFile, 'a+', 0o600);
    const logStart = fstatSync(log).size;
    const ended: { how?: string } = {};
    try {
      const child = this.#spawn(port, log);
      this.#pid = child.pid;
      this.#unwanted = false;
      const end = (how: string): void => {
        ended.how = how;
        if (this.#pid !== child.pid || this.#unwanted) return;
        this.#pid = undefined;
        onLost(how);
      };
      child.on('error', (error) => end(error.message));
      // Only a *running* database can be lost; one that does not come up is a failed start.
      let running = false;
      child.on('exit', (code, by) => {
        if (!running) this.#unwanted = true;
        end(by ?? `exit code ${String(code)}`);
      });
      while (ended.how === undefined) {
        const file = readPidFile(directory);
        if (file?.pid === child.pid && file?.status === 'ready') {
          running = true;
          return {};
        }
        if (clock.monotonicMs() > deadlineMs) {
          await this.stop();
          return { failed: `FATAL: it was not ready after ${startMs / 1000} s` };
        }
        await clock.sleep(pollMs);
      }
      this.#pid = undefined;
      const said = tail(log, logStart);
      return { failed: said.trim() === '' ? `FATAL: ${ended.how}` : said };
    } finally {
      closeSync(log);
    }
  }

  #spawn(port: number, log: number): ReturnType<typeof spawn> {
    const { program, directory, user, settings } = this.#options;
    const borrowed = borrow(directory, user);
    const flags = Object.entries({ ...settings, port: String(port) }).flatMap(([name, value]) => {
      return ['-c', `${name}=${value}`];
    });
    try {
      return spawn(program, ['-D', borrowed.path, ...flags], {
        ...user,
        cwd: directory,
        env: postgresEnvironment,
        stdio: ['ignore', log, log, ...borrowed.stdio],
        detached: true,
      });
    } finally {
      borrowed.release();
    }
  }

  #isOurs(pid: number): boolean {
    return worksIn(pid, realpathSync(this.#options.directory));
  }

  async #gone(pids: readonly number[], withinMs: number): Promise<boolean> {
    const { clock } = this.#options;
    const deadlineMs = clock.monotonicMs() + withinMs;
    while (pids.some((pid) => findProcess(pid) !== undefined)) {
      if (clock.monotonicMs() > deadlineMs) return false;
      await clock.sleep(pollMs);
    }
    return true;
  }
}

/** Line 1 is the pid, line 8 the state (Postgres, miscadmin.h: LOCK_FILE_LINE_*). */
function readPidFile(directory: string): { pid: number; status: string } | undefined {
  try {
    const lines = readFileSync(join(directory, 'postmaster.pid'), 'utf8').split('\n');
    return { pid: Number.parseInt(lines[0] ?? '', 10), status: lines[7]?.trim() ?? '' };
  } catch {
    return undefined;
  }
}

function tail(file: number, from: number): string {
  const length = Math.min(fstatSync(file).size - from, 65_536);
  const buffer = Buffer.alloc(Math.max(length, 0));
  readSync(file, buffer, 0, buffer.length, from);
  return buffer.toString();
}
