import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

/** What the operating system says of one process. */
export interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  /** Differs between two processes that had the same pid one after the other. */
  readonly startedAt: string;
}

/** The living process with this pid; a zombie is not alive. */
export function findProcess(pid: number): ProcessInfo | undefined {
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  return process.platform === 'linux' ? fromProc(pid) : fromPs(['-p', String(pid)])[0];
}

/** The living processes whose parent is `pid`: for a postmaster, its sessions and workers. */
export function childrenOf(pid: number): readonly ProcessInfo[] {
  return allProcesses().filter(({ parent }) => parent === pid);
}

/**
 * Whether a process works in `directory`, which every Postgres process does in its own data
 * directory. A pid file alone proves nothing: after a reboot its pid may be anybody's.
 */
export function worksIn(pid: number, directory: string): boolean {
  if (findProcess(pid) === undefined) return false;
  try {
    if (process.platform === 'linux') return readlinkSync(`/proc/${pid}/cwd`) === directory;
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).includes(
      directory,
    );
  } catch {
    return false; // another user's process, so not one that we started
  }
}

/** Sends a signal; false when there is no such process (any more). */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

function allProcesses(): readonly ProcessInfo[] {
  if (process.platform !== 'linux') return fromPs(['-A']);
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map((entry) => fromProc(Number(entry)))
    .filter((found) => found !== undefined);
}

/** Read from /proc rather than from `ps`, which small container images do not have. */
function fromProc(pid: number): ProcessInfo | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command stands in parentheses and may hold spaces and parentheses: count from the last
    // one.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, parent] = fields;
    const startedAt = fields[19];
    if (state === undefined || startedAt === undefined || 'ZX'.includes(state)) return undefined;
    return { pid, parent: Number(parent), startedAt };
  } catch {
    return undefined;
  }
}

function fromPs(which: readonly string[]): readonly ProcessInfo[] {
  try {
    const options = [...which, '-o', 'pid=,ppid=,stat=,lstart='];
    const lines = execFileSync('ps', options, { encoding: 'utf8' }).trim().split('\n');
    return lines
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , state]) => state !== undefined && !state.startsWith('Z'))
      .map(([pid, parent, , ...start]) => {
        return { pid: Number(pid), parent: Number(parent), startedAt: start.join(' ') };
      });
  } catch {
    return [];
  }
}
