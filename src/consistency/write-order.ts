import type { Deps } from '../coordinator/deps.ts';
import type { Change } from '../coordinator/minter.ts';
import { badInput } from '../errors.ts';
import { checkKey, expiryOf } from './arguments.ts';
import type { Begun } from './begun.ts';
import type { Cluster } from './cluster.ts';
import { retryable } from './idempotency.ts';
import type { Keyspace } from './keyspace.ts';
import { openContext } from './opaque.ts';
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
  refuseUnserved(what);
  const key = checkKey(what.key);
  const { level, plan, name } = granted;
  const retry =
    what.idempotencyKey === undefined
      ? undefined
      : retryable({ keyspace, key }, what.idempotencyKey, [
          value,
          what.context,
          what.ttlSeconds,
          name,
          ...says,
        ]);
  const nowMs = coordinator.clock.nowMs();
  const change: Change = {
    // Other arguments are another write: two of them at once are a conflict, and none is hidden.
    writeId: retry ? `${retry.id}-${retry.fingerprint}` : coordinator.random.uuid(),
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

/** An argument whose promise this version cannot keep yet is refused, never ignored. */
function refuseUnserved({ sloppy }: WriteOptions): void {
  if (sloppy === true) throw badInput('Argument "sloppy" is not served by this version', 'sloppy');
}
