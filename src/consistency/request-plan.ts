import type { Plan } from '../coordinator/plan.ts';
import type { Receipt } from '../coordinator/receipt.ts';
import { badInput, StoreError } from '../errors.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Keyspace } from './keyspace.ts';
import { levels, type Level, type LevelName } from './levels.ts';
import type { Asked, LevelledReceipt } from './store.ts';

export type Side = 'read' | 'write';

/** What one request is to be given: a level of the table, or a number of replicas. */
export interface Grant {
  readonly side: Side;
  readonly level: LevelName | undefined;
  readonly plan: Plan;
}

/** Bounds of `timeoutMs`, and what stands when a request names none. */
export interface TimeoutRules {
  readonly requestMs: number;
  readonly requestMaxMs: number;
}

/**
 * Turns what was asked, or the keyspace's default, into a plan.
 *
 * Errors: LEVEL_NOT_ALLOWED (weaker than the keyspace's minimum, or not served on this path), BAD_USER_INPUT.
 */
export function grant(
  keyspace: Keyspace,
  asked: Asked,
  how: { side: Side; clock: Clock; timeouts: TimeoutRules; path?: string },
): Grant {
  const { side, clock } = how;
  if (asked.level !== undefined && asked.replicas !== undefined) {
    throw badInput('Arguments "consistency" and "replicas" exclude each other: give one of them', 'replicas');
  }
  const startMs = clock.monotonicMs();
  const times = { startMs, deadlineMs: startMs + timeoutOf(asked.timeoutMs, how.timeouts) };
  if (asked.replicas !== undefined) return byNumber(keyspace, asked.replicas, { side, times });
  const name = asked.level ?? (side === 'read' ? keyspace.defaultReadLevel : keyspace.defaultWriteLevel);
  refuseUnserved(name, how.path ?? side);
  const level: Level = levels[name];
  const minimum = minimumOf(keyspace, side);
  if (level.strength < levels[minimum].strength) throw tooWeak(keyspace, side, { asked: name, minimum });
  const need = needOf(level, side, keyspace.replicationFactor);
  return { side, level: name, plan: { ...times, need, writeBack: level.writeBack } };
}

/** Refuses a level that this version does not serve; it is never quietly served as another one. */
export function refuseUnserved(name: LevelName, path: string): void {
  if (levels[name].available) return;
  throw new StoreError('LEVEL_NOT_ALLOWED', `Consistency ${name} is not served for ${path}s by this version`, {
    asked: name,
    allowed: servedLevels(),
  });
}

/** The receipt with the level's name, and whether this request overlaps with the other side's default: R + W > N. */
export function levelled(keyspace: Keyspace, { side, level, plan }: Grant, receipt: Receipt): LevelledReceipt {
  const n = keyspace.replicationFactor;
  const other = side === 'read' ? needOf(levels[keyspace.defaultWriteLevel], 'write', n) : needOf(levels[keyspace.defaultReadLevel], 'read', n);
  return { ...receipt, level, overlapping: plan.need + other > n };
}

function byNumber(
  keyspace: Keyspace,
  replicas: number,
  { side, times }: { side: Side; times: { startMs: number; deadlineMs: number } },
): Grant {
  const n = keyspace.replicationFactor;
  if (!Number.isInteger(replicas) || replicas < 1 || replicas > n) {
    throw badInput(`Argument "replicas" must be from 1 to ${n} in keyspace "${keyspace.name}", and it is ${replicas}`, 'replicas', { limit: n, value: replicas });
  }
  const minimum = minimumOf(keyspace, side);
  const required: Level = levels[minimum];
  const promisesMore = required.honourSession || required.route === 'consensus';
  if (promisesMore || replicas < needOf(required, side, n)) throw tooWeak(keyspace, side, { asked: `replicas: ${replicas}`, minimum });
  return { side, level: undefined, plan: { ...times, need: replicas, writeBack: replicas > 1 } };
}

function minimumOf(keyspace: Keyspace, side: Side): LevelName {
  return side === 'read' ? keyspace.minimumReadLevel : keyspace.minimumWriteLevel;
}

function needOf(level: Level, side: Side, n: number): number {
  return side === 'read' ? level.readNeed(n) : level.writeNeed(n);
}

function servedLevels(): string[] {
  return Object.entries(levels).flatMap(([name, { available }]) => (available ? [name] : []));
}

function tooWeak(keyspace: Keyspace, side: Side, { asked, minimum }: { asked: string; minimum: LevelName }): StoreError {
  const least = levels[minimum].strength;
  const allowed = Object.entries(levels).flatMap(([name, level]) => (level.available && level.strength >= least ? [name] : []));
  return new StoreError(
    'LEVEL_NOT_ALLOWED',
    `Keyspace "${keyspace.name}" does not allow ${side}s weaker than ${minimum}, and ${asked} was asked for`,
    { asked, allowed },
  );
}

function timeoutOf(timeoutMs: number | undefined, { requestMs, requestMaxMs }: TimeoutRules): number {
  if (timeoutMs === undefined) return requestMs;
  if (Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= requestMaxMs) return timeoutMs;
  throw badInput(`Argument "timeoutMs" must be from 1 to ${requestMaxMs}, and it is ${timeoutMs}`, 'timeoutMs', { limit: requestMaxMs, value: timeoutMs });
}
