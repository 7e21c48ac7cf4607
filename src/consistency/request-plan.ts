import type { Plan } from '../coordinator/plan.ts';
import type { Receipt } from '../coordinator/receipt.ts';
import { badInput, StoreError } from '../errors.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Keyspace } from './keyspace.ts';
import { levels, type Level, type LevelName, type Path } from './levels.ts';
import { policies } from './policies.ts';
import type { Asked, LevelledReceipt } from './store.ts';

export type Side = 'read' | 'write';

/** What one request is to be given: a level of the table, or a number of replicas. */
export interface Grant {
  readonly side: Side;
  readonly name: LevelName | undefined;
  /** The row of the table; a number of replicas is a row of its own. */
  readonly level: Level;
  readonly plan: Plan;
}

/** Bounds of `timeoutMs`, and what stands when a request names none. */
export interface TimeoutRules {
  readonly requestMs: number;
  readonly requestMaxMs: number;
}

/** From when to when a request runs, looking up its keyspace included. */
export type Times = Pick<Plan, 'startMs' | 'deadlineMs'>;

/** Its time runs from now. BAD_USER_INPUT when it asks for too much of it, or too little. */
export function timesOf(asked: Asked, clock: Clock, timeouts: TimeoutRules): Times {
  const startMs = clock.monotonicMs();
  return { startMs, deadlineMs: startMs + timeoutOf(asked.timeoutMs, timeouts) };
}

/**
 * Turns what was asked, or the keyspace's default, into a plan.
 *
 * Errors: LEVEL_NOT_ALLOWED (weaker than the keyspace's minimum, or not served on this path),
 * BAD_USER_INPUT.
 */
export function grant(
  keyspace: Keyspace,
  asked: Asked,
  { path, times }: { path: Path; times: Times },
): Grant {
  const side = path === 'write' ? 'write' : 'read';
  if (asked.level !== undefined && asked.replicas !== undefined) {
    throw badInput(
      'Arguments "consistency" and "replicas" exclude each other: give one of them',
      'replicas',
    );
  }
  if (asked.replicas !== undefined) return byNumber(keyspace, asked.replicas, { side, times });
  const name =
    asked.level ?? (side === 'read' ? keyspace.defaultReadLevel : keyspace.defaultWriteLevel);
  const level: Level = levels[name];
  refuseUnkeepable(keyspace, name, path);
  const minimum = minimumOf(keyspace, side);
  if (level.strength < levels[minimum].strength)
    throw tooWeak(keyspace, side, { asked: name, minimum });
  const need = needOf(level, side, keyspace.replicationFactor);
  return { side, name, level, plan: { ...times, need, writeBack: level.writeBack } };
}

/** Refuses a level where it could not be kept: it is never quietly served as another one. */
function refuseUnkeepable(keyspace: Keyspace, name: LevelName, path: Path): void {
  const level: Level = levels[name];
  const refuse = (reason: string, allowed: readonly string[]): StoreError =>
    new StoreError('LEVEL_NOT_ALLOWED', `Consistency ${name} is not served here: ${reason}`, {
      asked: name,
      allowed,
    });
  const reason = level.refusedOn?.[path];
  if (reason !== undefined)
    throw refuse(
      reason,
      levelsThat((other) => other.refusedOn?.[path] === undefined),
    );
  if (level.route === 'quorum' || policies[keyspace.conflicts].consensus) return;
  const why = `keyspace "${keyspace.name}" keeps the last write, and a write that consensus had confirmed could be lost to a later clock in silence`;
  throw refuse(
    why,
    levelsThat((other) => other.route === 'quorum'),
  );
}

/** The names of levels, for an error that says what may be asked for instead. */
export function levelsThat(suits: (level: Level) => boolean): string[] {
  return Object.entries(levels).flatMap(([name, level]) => (suits(level) ? [name] : []));
}

/**
 * The receipt with the level's name, and whether this request overlaps with the other side's
 * default: R + W > N. Hints that counted overlap with nobody.
 */
export function levelled(
  keyspace: Keyspace,
  { side, name, plan }: Grant,
  receipt: Receipt,
): LevelledReceipt {
  const n = keyspace.replicationFactor;
  const other =
    side === 'read'
      ? needOf(levels[keyspace.defaultWriteLevel], 'write', n)
      : needOf(levels[keyspace.defaultReadLevel], 'read', n);
  const isSloppy = side === 'write' && receipt.answered < plan.need;
  return { ...receipt, level: name, overlapping: !isSloppy && plan.need + other > n };
}

/** A number of replicas: no name, no session. Its needs stand in the plan. */
const numbered: Level = {
  route: 'quorum',
  readNeed: (n) => n,
  writeNeed: (n) => n,
  writeBack: true,
  floor: 'none',
  storesDependencies: false,
  strength: 0,
};

function byNumber(
  keyspace: Keyspace,
  replicas: number,
  { side, times }: { side: Side; times: Times },
): Grant {
  const n = keyspace.replicationFactor;
  if (!Number.isInteger(replicas) || replicas < 1 || replicas > n) {
    throw badInput(
      `Argument "replicas" must be from 1 to ${n} in keyspace "${keyspace.name}", and it is ${replicas}`,
      'replicas',
      { limit: n, value: replicas },
    );
  }
  const minimum = minimumOf(keyspace, side);
  const required: Level = levels[minimum];
  const promisesMore = required.floor !== 'none' || required.route === 'consensus';
  if (promisesMore || replicas < needOf(required, side, n))
    throw tooWeak(keyspace, side, { asked: `replicas: ${replicas}`, minimum });
  return {
    side,
    name: undefined,
    level: numbered,
    plan: { ...times, need: replicas, writeBack: replicas > 1 },
  };
}

function minimumOf(keyspace: Keyspace, side: Side): LevelName {
  return side === 'read' ? keyspace.minimumReadLevel : keyspace.minimumWriteLevel;
}

function needOf(level: Level, side: Side, n: number): number {
  return side === 'read' ? level.readNeed(n) : level.writeNeed(n);
}

function tooWeak(
  keyspace: Keyspace,
  side: Side,
  { asked, minimum }: { asked: string; minimum: LevelName },
): StoreError {
  const least = levels[minimum].strength;
  const allowed = levelsThat(({ strength }) => strength >= least);
  return new StoreError(
    'LEVEL_NOT_ALLOWED',
    `Keyspace "${keyspace.name}" does not allow ${side}s weaker than ${minimum}, and ${asked} was asked for`,
    { asked, allowed },
  );
}

function timeoutOf(
  timeoutMs: number | undefined,
  { requestMs, requestMaxMs }: TimeoutRules,
): number {
  if (timeoutMs === undefined) return requestMs;
  if (Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= requestMaxMs) return timeoutMs;
  throw badInput(
    `Argument "timeoutMs" must be from 1 to ${requestMaxMs}, and it is ${timeoutMs}`,
    'timeoutMs',
    { limit: requestMaxMs, value: timeoutMs },
  );
}
