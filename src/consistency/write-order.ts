import { newWriteId } from '../causality/write-id.ts';
import type { Deps } from '../coordinator/deps.ts';
import type { Change } from '../coordinator/minter.ts';
import type { Plan } from '../coordinator/plan.ts';
import { StoreError } from '../errors.ts';
import { checkKey, expiryOf } from './arguments.ts';
import type { Begun } from './begun.ts';
import type { Cluster } from './cluster.ts';
import { retryable, writeIdOf } from './idempotency.ts';
import type { Keyspace } from './keyspace.ts';
import { levels } from './levels.ts';
import { openContext } from './opaque.ts';
import { levelsThat, type Grant } from './request-plan.ts';
import type { Sealer } from './seal.ts';
import { dependenciesOf } from './session.ts';
import type { CompareAndSetArguments, KeyRef, WriteOptions } from './store.ts';
import type { OpenedExpectation, WriteOrder } from './writer.ts';

interface OrderDeps {
  readonly coordinator: Deps;
  readonly cluster: Cluster;
  readonly sealer: Sealer;
}

/** What is to be written, as the request said it. */
interface Said {
  readonly what: KeyRef & WriteOptions;
  /** The exact JSON text, or null for a deletion. */
  readonly value: string | null;
  /** What else must not differ in a retry with the same idempotency key. */
  readonly says: readonly unknown[];
}

/** One write with everything about it opened, checked and placed. Errors: BAD_USER_INPUT. */
export function writeOrder(deps: OrderDeps, begun: Begun, { what, value, says }: Said): WriteOrder {
  const { keyspace, granted, session } = begun;
  const { coordinator, cluster, sealer } = deps;
  const key = checkKey(what.key);
  const { level, name } = granted;
  const asked = what.sloppy === true ? sloppily(deps, keyspace, granted) : granted.plan;
  // A hint is nothing that a reader meets: what no token lists, primaries must have.
  const plan = begun.isUnlistedOnQuorum ? granted.plan : asked;
  const retry =
    what.idempotencyKey === undefined
      ? undefined
      : retryable({ keyspace, key }, what.idempotencyKey, [
          value,
          what.context,
          what.ttlSeconds,
          name,
          ...(what.sloppy === true ? ['sloppy'] : []),
          ...says,
        ]);
  const nowMs = coordinator.clock.nowMs();
  const begunUs = coordinator.hybridClock.tick();
  const change: Change = {
    writeId: retry ? writeIdOf(retry) : newWriteId(begunUs, coordinator.random.uuid()),
    value,
    seen: openContext(sealer, { keyspace, key }, what.context),
    expiresAtMs: value === null ? undefined : expiryOf(keyspace, what.ttlSeconds, nowMs),
    siblingsMax: keyspace.maxSiblings,
    dependencies: level.storesDependencies ? dependenciesOf(session) : undefined,
    dependsOnQuorum: level.storesDependencies && session.isPartial ? true : undefined,
    retryable: retry,
  };
  return {
    keyspace,
    key: cluster.placeKey(keyspace, key),
    level,
    plan,
    change,
    begunUs,
    retryable: retry,
    replacesPresent: value === null && what.context === undefined,
  };
}

/** An expectation whose context is opened. Errors: BAD_USER_INPUT. */
export function openExpectation(
  sealer: Sealer,
  keyspace: Keyspace,
  { key, expect }: CompareAndSetArguments,
): OpenedExpectation {
  if (!('context' in expect)) return expect;
  return { seen: openContext(sealer, { keyspace, key, field: 'expect.context' }, expect.context) };
}

/**
 * The plan of a write whose hints count. Errors: LEVEL_NOT_ALLOWED where that would break what the
 * level, or the keyspace's minimum, says of those who read.
 */
function sloppily(
  { coordinator }: OrderDeps,
  keyspace: Keyspace,
  { level, plan, name }: Grant,
): Plan {
  if (!coordinator.hints.isEnabled) {
    throw new StoreError(
      'LEVEL_NOT_ALLOWED',
      'Argument "sloppy" is not served here: hints are switched off (repair.hints.enabled), and it is hints that count then',
      { asked: 'sloppy', allowed: levelsThat(({ route }) => route === 'quorum') },
    );
  }
  if (level.route === 'consensus') {
    throw new StoreError(
      'LEVEL_NOT_ALLOWED',
      'Argument "sloppy" is not served at LINEARIZABLE: a hint has no vote in a round of consensus',
      {
        asked: `${String(name)}, sloppy`,
        allowed: levelsThat((other) => other.route === 'quorum'),
      },
    );
  }
  const minimum = keyspace.minimumWriteLevel;
  // A minimum that waits for several replicas is there so that reads overlap with every write.
  if (levels[minimum].writeNeed(keyspace.replicationFactor) > 1) {
    throw new StoreError(
      'LEVEL_NOT_ALLOWED',
      `Keyspace "${keyspace.name}" does not allow writes weaker than ${minimum}, and a sloppy one is: those who read need not meet it`,
      {
        asked: 'sloppy',
        allowed: levelsThat(({ strength }) => strength >= levels[minimum].strength),
      },
    );
  }
  return { ...plan, sloppy: true };
}
