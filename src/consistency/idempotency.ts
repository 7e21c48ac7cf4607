import { hash } from 'node:crypto';
import type { Cell } from '../causality/cell.ts';
import {
  isFenced,
  outcomesMax,
  retriesRemembered,
  wasNever,
  type OutcomeRecord,
} from '../causality/outcomes.ts';
import { retryableId } from '../causality/write-id.ts';
import { isDisputed } from '../coordinator/minter.ts';
import { badInput, fencedRetry, otherArguments, StoreError } from '../errors.ts';
import type { Keyspace } from './keyspace.ts';

/** A write that may be a retry: how it is known, and what it says. */
export interface Retryable {
  /** The same for every attempt with this idempotency key, whatever its arguments are. */
  readonly id: string;
  readonly fingerprint: string;
}

const keyCharsMax = 256;
const retryAfterMs = 60_000;

/**
 * The identity of a write that carries an idempotency key: the same key, for the same key of the
 * same keyspace, is the same write. `says` is everything that must not differ in a retry.
 */
export function retryable(
  at: { keyspace: Keyspace; key: string },
  idempotencyKey: string,
  says: readonly unknown[],
): Retryable {
  if (idempotencyKey === '' || idempotencyKey.length > keyCharsMax) {
    throw badInput(
      `Argument "idempotencyKey" must have 1 to ${keyCharsMax} characters`,
      'idempotencyKey',
      { limit: keyCharsMax },
    );
  }
  const { tenant, storageName } = at.keyspace;
  const name = hash('sha256', JSON.stringify([tenant, storageName, at.key, idempotencyKey]));
  return {
    id: retryableId(name.slice(0, 32)),
    fingerprint: hash('sha256', JSON.stringify(says)).slice(0, 16),
  };
}

/** The name of the write: other arguments are another write, and none of two hides the other. */
export function writeIdOf({ id, fingerprint }: Retryable): string {
  return `${id}-${fingerprint}`;
}

/**
 * The outcome of the first attempt, if a cell remembers one. Errors: BAD_USER_INPUT when it said
 * something else, or was settled as not done; LIMIT_EXCEEDED.
 */
export function firstOutcome(cell: Cell, retry: Retryable): OutcomeRecord | undefined {
  // Before the record: the one replica that took the write may still hold that it was applied.
  if (wasNever(cell, writeIdOf(retry))) throw fencedRetry();
  if (isDisputed(cell, { retryable: retry })) throw otherArguments();
  const outcome = cell.outcomes?.get(retry.id);
  if (!outcome && isFenced(cell, writeIdOf(retry))) throw fencedRetry();
  if (!outcome && retriesRemembered(cell.outcomes) >= outcomesMax) {
    // Forgetting one early could apply a retry twice; saying so cannot.
    throw new StoreError(
      'LIMIT_EXCEEDED',
      `A key remembers at most ${outcomesMax} idempotency keys at a time`,
      { limit: outcomesMax, used: outcomesMax, retryAfterMs },
    );
  }
  return outcome;
}
