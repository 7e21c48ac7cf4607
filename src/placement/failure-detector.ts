/** Whether calls to a replica are worth sending. */
export type ReplicaHealthState = 'UP' | 'SUSPECT' | 'DOWN';

/**
 * The same, and whether its word counts. REPAIRING: it is there and takes writes, and has no vote
 * until it has been brought up to date.
 */
export type ReplicaState = ReplicaHealthState | 'REPAIRING';

/**
 * What became of one call.
 *
 * - `DOWN`: the connection was refused or broken: nobody is there.
 * - `TIMEOUT`: no answer in time, to this call or to any other: perhaps frozen, perhaps cut off.
 * - `LATE`: no answer in time, and others were answered meanwhile: slow, or given too much to do.
 * - `REFUSED`: it answered, and said no (disk full, not migrated): there, but not of use.
 */
export type Observation =
  | { readonly ok: true; readonly atMs: number; readonly latencyMs: number }
  | {
      readonly ok: false;
      readonly atMs: number;
      readonly fault: 'DOWN' | 'TIMEOUT' | 'LATE' | 'REFUSED';
    };

/** All that is remembered of one replica. Times are on the clock's `monotonicMs`. */
export interface ReplicaHealth {
  readonly state: ReplicaHealthState;
  /** Calls without an answer since the last one that had one. */
  readonly silentInARow: number;
  /** Probes that failed since the replica went down. */
  readonly failedProbes: number;
  /** While DOWN: no probe before this time. */
  readonly probeNotBeforeMs: number;
  /** While DOWN: when the one probe that is under way was sent. */
  readonly probingSinceMs: number | undefined;
  /** A moving average over calls that were answered; undefined before the first. */
  readonly latencyMs: number | undefined;
}

/** The figures of the detector. */
export const detectorLimits = {
  /** Calls in a row without an answer that make a replica DOWN. One makes it SUSPECT. */
  silentMax: 3,
  /** Wait before the first probe; each failed one doubles it. */
  firstProbeMs: 100,
  /** The longest wait: a replica that is back is noticed this soon, however long it was away. */
  probeIntervalMaxMs: 1_000,
  /** A probe whose outcome was never told is given up after this. */
  probeLostMs: 5_000,
  /** How much the latest call counts in the moving average of latency. */
  latencyWeight: 0.2,
} as const;

/** A replica of which nothing is known yet: it is asked like any other. */
export const unknownHealth: ReplicaHealth = {
  state: 'UP',
  silentInARow: 0,
  failedProbes: 0,
  probeNotBeforeMs: 0,
  probingSinceMs: undefined,
  latencyMs: undefined,
};

/**
 * What is known after one more call: a circuit breaker for each replica.
 *
 * - One call without an answer: SUSPECT, which means asked after the others. Three in a row, or one
 *   refused connection: DOWN, not asked at all but for one probe at a time, at growing intervals up
 *   to a second. The first answer, probe or not: UP.
 * - A replica that says no is alive, and so is one that is late. It becomes SUSPECT and never DOWN,
 *   and what it has to say next time may be of use. So a gateway that asks for more than its replicas
 *   can do in time does not take all of them for dead, and turn a burst of writes into an outage.
 *
 * Source: the circuit breaker of Nygard, "Release It!", 2nd edition, chapter 5. Phi accrual
 * (Hayashibara et al., SRDS 2004) was refused: it estimates from regular heartbeats, and here the
 * calls themselves are the signal, irregular, with a deadline each; what it would tell is how much
 * to suspect, and a coordinator only needs whether to ask.
 */
export function observe(health: ReplicaHealth, observation: Observation): ReplicaHealth {
  if (observation.ok) {
    return { ...unknownHealth, latencyMs: averaged(health.latencyMs, observation.latencyMs) };
  }
  if (observation.fault === 'LATE')
    return health.state === 'DOWN' ? health : { ...health, state: 'SUSPECT' };
  if (health.state === 'DOWN')
    return observation.fault === 'REFUSED'
      ? aliveAgain(health)
      : stillDown(health, observation.atMs);
  if (observation.fault === 'REFUSED') return { ...health, state: 'SUSPECT', silentInARow: 0 };
  const silentInARow = health.silentInARow + 1;
  if (observation.fault === 'TIMEOUT' && silentInARow < detectorLimits.silentMax) {
    return { ...health, state: 'SUSPECT', silentInARow };
  }
  const probeNotBeforeMs = observation.atMs + detectorLimits.firstProbeMs;
  return {
    ...health,
    state: 'DOWN',
    silentInARow,
    failedProbes: 0,
    probeNotBeforeMs,
    probingSinceMs: undefined,
  };
}

/**
 * Whether one call may be sent to a replica that is DOWN, to see if it is back. Always false
 * otherwise: there, every call tells.
 */
export function shouldProbe(health: ReplicaHealth, nowMs: number): boolean {
  if (health.state !== 'DOWN' || nowMs < health.probeNotBeforeMs) return false;
  const since = health.probingSinceMs;
  return since === undefined || nowMs - since >= detectorLimits.probeLostMs;
}

/**
 * The probe is under way: no other until its outcome is observed. To be called where `shouldProbe`
 * said yes, in the same turn.
 */
export function probeSent(health: ReplicaHealth, nowMs: number): ReplicaHealth {
  return { ...health, probingSinceMs: nowMs };
}

/**
 * A fault of a replica that was DOWN already. Only a probe's fault lengthens the wait: the late
 * time-outs of calls that were sent before it went down would otherwise put the next probe off
 * again and again.
 */
function stillDown(health: ReplicaHealth, nowMs: number): ReplicaHealth {
  if (health.probingSinceMs === undefined) return health;
  const failedProbes = health.failedProbes + 1;
  const waitMs = Math.min(
    detectorLimits.firstProbeMs * 2 ** failedProbes,
    detectorLimits.probeIntervalMaxMs,
  );
  return { ...health, failedProbes, probeNotBeforeMs: nowMs + waitMs, probingSinceMs: undefined };
}

function aliveAgain(health: ReplicaHealth): ReplicaHealth {
  return { ...unknownHealth, state: 'SUSPECT', latencyMs: health.latencyMs };
}

function averaged(average: number | undefined, latestMs: number): number {
  return average === undefined
    ? latestMs
    : average + detectorLimits.latencyWeight * (latestMs - average);
}
