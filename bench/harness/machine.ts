import { readdirSync, readFileSync } from 'node:fs';

/** Processor time since the start of the machine, and of some processes, in ms. */
export interface Spent {
  readonly machineMs: number;
  readonly ownMs: number;
}

const tickMs = 10; // USER_HZ is 100 on every Linux that there is

/** The time that the whole machine has worked: user, nice, system, interrupts. */
export function machineMs(): number {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n');
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = line
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq) * tickMs;
}

/** Time and memory of processes and all that descend from them. */
export function usageOf(pids: readonly number[]): { cpuMs: number; residentBytes: number } {
  let cpuMs = 0;
  let residentBytes = 0;
  for (const pid of family(pids)) {
    const stat = statOf(pid);
    if (!stat) continue;
    cpuMs += stat.cpuMs;
    residentBytes += privateBytes(pid);
  }
  return { cpuMs, residentBytes };
}

interface Stat {
  readonly parent: number;
  readonly cpuMs: number;
}

function statOf(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    // After the name: state ppid … utime stime cutime cstime are the 12th to 15th.
    const ticks = fields.slice(11, 15).reduce((sum, one) => sum + one, 0);
    return { parent: fields[1] ?? 0, cpuMs: ticks * tickMs };
  } catch {
    return undefined; // it has ended
  }
}

/** What it does not share (Pss counts shared pages by their share); Postgres shares its buffers. */
function privateBytes(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    return Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) * 1_024;
  } catch {
    return 0;
  }
}

function family(pids: readonly number[]): ReadonlySet<number> {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = statOf(Number(name));
    if (stat) parents.set(Number(name), stat.parent);
  }
  const found = new Set(pids);
  for (let before = 0; before !== found.size;) {
    before = found.size;
    for (const [pid, parent] of parents) if (found.has(parent)) found.add(pid);
  }
  return found;
}
