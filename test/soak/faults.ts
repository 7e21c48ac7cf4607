import type { LocalCluster } from '../../src/local-cluster/cluster.ts';
import type { Random } from '../../src/runtime/random.ts';
import { pause } from './client.ts';
import type { GatewayProcess } from './gateways.ts';

export type FaultKind = 'kill of a replica' | 'freeze of a replica' | 'kill of a gateway';

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
export function paceOf(roundMs: number): Pace {
  const unitMs = Math.min(3_000, roundMs / 9);
  return { calmMs: unitMs, awayMs: unitMs * 1.3 };
}

interface Nemesis {
  readonly cluster: LocalCluster;
  readonly gateways: readonly GatewayProcess[];
  readonly random: Random;
  readonly pace: Pace;
  readonly untilMs: number;
  readonly isOver: () => boolean;
  readonly tick: () => number;
  readonly say: (line: string) => void;
  /** Resolves when every gateway reaches every replica again. */
  readonly whole: () => Promise<void>;
}

const kinds: readonly FaultKind[] = [
  'kill of a replica',
  'freeze of a replica',
  'kill of a gateway',
];

/**
 * One fault after another until the time is nearly up: never more than one replica away at a time,
 * and the next one only when all are there again. Every kind comes once before any comes again.
 */
export async function makeTrouble(nemesis: Nemesis, faults: Fault[]): Promise<void> {
  const { random, pace } = nemesis;
  const neededMs = pace.awayMs * 2 + 500;
  let open: FaultKind[] = [];
  for (;;) {
    await rest(nemesis, pace.calmMs * (0.5 + random.next()));
    const isLate = performance.now() + neededMs > nemesis.untilMs;
    if (nemesis.isOver() || (isLate && everyKindCame(faults))) return;
    if (open.length === 0) open = [...kinds];
    const [kind] = open.splice(Math.floor(random.next() * open.length), 1);
    if (kind === 'kill of a gateway') await killGateway(nemesis, faults);
    else await takeReplica(nemesis, faults, kind!);
    await nemesis.whole();
  }
}

/** Whether each kind of fault has come, and gone again. */
export function everyKindCame(faults: readonly Fault[]): boolean {
  return kinds.every((kind) => faults.some((one) => one.kind === kind && one.endNs !== undefined));
}

async function takeReplica(nemesis: Nemesis, faults: Fault[], kind: FaultKind): Promise<void> {
  const { cluster, random, pace } = nemesis;
  const { id } = cluster.replicas[Math.floor(random.next() * cluster.replicas.length)]!;
  const isKill = kind === 'kill of a replica';
  const fault = begin(
    nemesis,
    { kind, target: id },
    isKill ? `kill -9 of ${id}` : `SIGSTOP of ${id} and its sessions`,
  );
  faults.push(fault);
  await (isKill ? cluster.kill(id) : cluster.freeze(id));
  const awayMs = pace.awayMs * (1 + random.next());
  await rest(nemesis, awayMs / 2);
  // Sometimes a gateway goes too: what it was in the middle of is left to the other one, and two replicas.
  if (random.next() < 0.3) await killGateway(nemesis, faults);
  else await rest(nemesis, awayMs / 2);
  fault.endNs = nemesis.tick();
  await (isKill ? cluster.restart(id) : cluster.thaw(id));
  nemesis.say(`${id} is back`);
}

async function killGateway(nemesis: Nemesis, faults: Fault[]): Promise<void> {
  const { gateways, random, pace } = nemesis;
  const gateway = gateways[Math.floor(random.next() * gateways.length)]!;
  const what = { kind: 'kill of a gateway', target: gateway.name } as const;
  const fault = begin(nemesis, what, `kill -9 of ${gateway.name}`);
  faults.push(fault);
  await gateway.kill();
  await rest(nemesis, pace.awayMs * (0.3 + random.next() / 2));
  await gateway.start();
  fault.endNs = nemesis.tick();
  nemesis.say(`${gateway.name} is back`);
}

function begin(
  { tick, say }: Nemesis,
  what: { kind: FaultKind; target: string },
  line: string,
): Fault {
  say(line);
  return { ...what, startNs: tick(), endNs: undefined };
}

async function rest({ isOver }: Nemesis, ms: number): Promise<void> {
  const untilMs = performance.now() + ms;
  while (!isOver() && performance.now() < untilMs) await pause(50);
}
