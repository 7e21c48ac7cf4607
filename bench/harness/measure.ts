import type { Running } from './contender.ts';
import { load } from './load.ts';
import { machineMs, usageOf } from './machine.ts';
import type { Workload } from './operations.ts';

/** One round of one workload at one contender. */
export interface Sample {
  readonly contender: string;
  readonly workload: string;
  readonly round: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** User and system time of the whole machine, load generator included, for one request. */
  readonly machineUs: number;
  /** The same of the contender's own processes: what neighbours on the machine do not change. */
  readonly ownUs: number;
  readonly residentMb: number;
}

export interface MeasureOptions {
  readonly connections: number;
  readonly seconds: number;
  readonly seed: number;
  readonly keys: number;
  readonly directory: string;
}

let stretches = 0;
/** Keys of one round that nobody has written yet: more than it can write. */
const stretch = 1_000_000;

/** Loads a contender for a while and says what that took. */
export async function measure(
  running: Running,
  what: { contender: string; workload: Workload; round: number },
  options: MeasureOptions,
): Promise<Sample> {
  stretches += 1;
  const before = { machine: machineMs(), own: usageOf(running.pids()) };
  const figures = await load(running, what.workload, {
    ...options,
    seed: options.seed + stretches,
    firstFresh: stretches * stretch,
  });
  const own = usageOf(running.pids());
  const perRequest = (spentMs: number): number => (spentMs * 1_000) / figures.requests;
  return {
    contender: what.contender,
    workload: what.workload.name,
    round: what.round,
    perSecond: figures.perSecond,
    p50Ms: figures.p50Ms,
    p99Ms: figures.p99Ms,
    machineUs: perRequest(machineMs() - before.machine),
    ownUs: perRequest(own.cpuMs - before.own.cpuMs),
    residentMb: own.residentBytes / 1_048_576,
  };
}
