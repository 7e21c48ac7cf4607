import type { Random } from '../../src/runtime/random.ts';
import type { TestCluster } from '../support/cluster.ts';
import type { Archive } from './archive.ts';
import { pause } from './client.ts';
import { faultSorts, type FaultKind } from './fault-sorts.ts';
import type { GatewayProcess } from './gateways.ts';
import type { SmallDisk } from './small-disk.ts';

/** One fault, from its beginning to its end, in nanoseconds of the history. */
export interface Fault {
  readonly kind: FaultKind;
  readonly target: string;
  readonly startNs: number;
  endNs: number | undefined;
}

/** How long things take, in ms. */
export interface Pace {
  readonly calmMs: number;
  readonly awayMs: number;
}

/** A short run has its faults too. */
export function paceOf(roundMs: number, kinds: number): Pace {
  const unitMs = Math.min(3_000, roundMs / (3 * kinds));
  return { calmMs: unitMs, awayMs: unitMs * 1.3 };
}

/** Whom faults happen to. */
export interface Victims {
  readonly cluster: TestCluster;
  readonly gateways: readonly GatewayProcess[];
  readonly random: Random;
  readonly smallDisk: SmallDisk | undefined;
  readonly archive: Archive;
  /** While something goes on. */
  readonly rest: (ms: number) => Promise<void>;
}

interface Nemesis extends Omit<Victims, 'rest'> {
  readonly kinds: readonly FaultKind[];
  readonly pace: Pace;
  readonly untilMs: number;
  readonly isOver: () => boolean;
  readonly tick: () => number;
  readonly say: (line: string) => void;
  /** Resolves when every gateway reaches every replica again. */
  readonly whole: () => Promise<void>;
}

/**
 * One fault after another until the time is nearly up: never more than one replica away at a time,
 * and the next one only when all are there again. Every kind comes once before any comes again.
 */
export async function makeTrouble(nemesis: Nemesis, faults: Fault[]): Promise<void> {
  const { random, pace, kinds } = nemesis;
  const neededMs = pace.awayMs * 2 + 500;
  let open: FaultKind[] = [];
  for (;;) {
    await rest(nemesis, pace.calmMs * (0.5 + random.next()));
    const isLate = performance.now() + neededMs > nemesis.untilMs;
    if (nemesis.isOver() || (isLate && everyKindCame(faults, kinds))) return;
    if (open.length === 0) open = [...kinds];
    const [kind] = open.splice(Math.floor(random.next() * open.length), 1);
    await happen(nemesis, faults, kind!);
    await nemesis.whole();
  }
}

/** Whether each kind of fault has come, and gone again. */
export function everyKindCame(faults: readonly Fault[], kinds: readonly FaultKind[]): boolean {
  return kinds.every((kind) => faults.some((one) => one.kind === kind && one.endNs !== undefined));
}

async function happen(nemesis: Nemesis, faults: Fault[], kind: FaultKind): Promise<void> {
  const { random, pace, say } = nemesis;
  const sort = faultSorts[kind];
  const victims: Victims = { ...nemesis, rest: (ms) => rest(nemesis, ms) };
  const aimed = sort.aim(victims);
  const { target, line } = aimed;
  const fault: Fault = { kind, target, startNs: nemesis.tick(), endNs: undefined };
  say(line);
  faults.push(fault);
  await aimed.begin();
  const awayMs = pace.awayMs * (1 + random.next());
  await rest(nemesis, awayMs / 2);
  // Sometimes a gateway goes too: what it was in the middle of is left to the other one, and two replicas.
  if (sort.alone || random.next() > 0.3) await rest(nemesis, awayMs / 2);
  else await happen(nemesis, faults, 'kill of a gateway');
  fault.endNs = nemesis.tick();
  await aimed.end();
  say(`${kind} (${target}) is over`);
}

async function rest({ isOver }: Nemesis, ms: number): Promise<void> {
  const untilMs = performance.now() + ms;
  while (!isOver() && performance.now() < untilMs) await pause(50);
}
