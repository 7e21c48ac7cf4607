import { readWriteName, type WriteName } from '../causality/write-id.ts';
import { awaitVersion } from '../coordinator/await-version.ts';
import type { Deps } from '../coordinator/deps.ts';
import { settle, type Resolution } from '../coordinator/resolve.ts';
import { settleNewest } from '../coordinator/settle-newest.ts';
import { badInput, failures, StoreError } from '../errors.ts';
import { checkKey } from './arguments.ts';
import type { Cluster } from './cluster.ts';
import type { Directory } from './directory.ts';
import { majority, type LevelName } from './levels.ts';
import { policies } from './policies.ts';
import { grant, levelled, timesOf, type TimeoutRules } from './request-plan.ts';
import type { Caller, LevelledReceipt, WriteRef } from './store.ts';

export interface SettlerDeps {
  readonly coordinator: Deps;
  readonly cluster: Cluster;
  readonly directory: Directory;
  readonly timeouts: TimeoutRules;
}

const writeIdCharsMax = 256;

/**
 * Past writes, by their names: what became of one whose outcome was unknown, and bringing one to
 * more replicas than it was acknowledged by.
 *
 * A write is only ever looked for under the key that is given with it: an id of another key, keyspace
 * or tenant is an id that nobody knows.
 */
export class Settler {
  readonly #deps: SettlerDeps;

  constructor(deps: SettlerDeps) {
    this.#deps = deps;
  }

  /** Errors: those of `settle` and `settleNewest`; the outcome of the write stays UNKNOWN then. */
  async resolve(
    caller: Caller,
    what: WriteRef,
    asked: { timeoutMs?: number | undefined },
  ): Promise<Resolution> {
    const name = checkWriteId(what.writeId);
    try {
      return await this.#settle(caller, { ...what, name }, asked);
    } catch (error) {
      throw stillUnknown(error, what.writeId);
    }
  }

  async #settle(
    caller: Caller,
    what: WriteRef & { name: WriteName },
    asked: { timeoutMs?: number | undefined },
  ): Promise<Resolution> {
    const { coordinator, cluster } = this.#deps;
    const { keyspace, granted } = await this.#begin(caller, what, asked);
    const key = cluster.placeKey(keyspace, checkKey(what.key));
    const need = majority(keyspace.replicationFactor);
    const plan = { ...granted.plan, need, writeBack: true };
    return policies[keyspace.conflicts].mintsDots
      ? settle(coordinator, key, { plan, doubt: what.name })
      : settleNewest(coordinator, key, { plan, name: what.name });
  }

  /** Errors: those of `awaitVersion`; LEVEL_NOT_ALLOWED. */
  async replicate(
    caller: Caller,
    what: WriteRef & { level: LevelName },
    asked: { timeoutMs?: number | undefined },
  ): Promise<LevelledReceipt> {
    const doubt = checkWriteId(what.writeId);
    const { level } = what;
    const { keyspace, granted } = await this.#begin(caller, what, { ...asked, level });
    const key = this.#deps.cluster.placeKey(keyspace, checkKey(what.key));
    const byConsensus = granted.level.route === 'consensus';
    const { plan } = granted;
    const receipt = await awaitVersion(this.#deps.coordinator, key, { plan, doubt, byConsensus });
    if (!receipt) throw notByConsensus();
    return levelled(keyspace, granted, receipt);
  }

  async #begin(
    caller: Caller,
    { keyspace: name }: WriteRef,
    asked: { timeoutMs?: number | undefined; level?: LevelName },
  ) {
    const { directory, timeouts, coordinator } = this.#deps;
    const times = timesOf(asked, coordinator.clock, timeouts);
    const keyspace = await directory.require(caller.tenant, name, times.deadlineMs);
    return { keyspace, granted: grant(keyspace, asked, { path: 'write', times }) };
  }
}

function checkWriteId(writeId: string): WriteName {
  if (writeId !== '' && writeId.length <= writeIdCharsMax) return readWriteName(writeId);
  throw badInput(`Argument "writeId" must have 1 to ${writeIdCharsMax} characters`, 'writeId', {
    limit: writeIdCharsMax,
  });
}

/** Whatever kept it from being settled, and even where that has written nothing itself. */
export function stillUnknown(error: unknown, writeId: string): unknown {
  if (!(error instanceof StoreError)) return error;
  const mayAskAgain = failures[error.code].retry || error.code === 'WRITE_UNCERTAIN';
  if (!mayAskAgain) return error;
  const retryAfterMs = error.details['retryAfterMs'] ?? 1_000;
  const details = { ...error.details, writeId, retryAfterMs, outcome: 'UNKNOWN' };
  return new StoreError(error.code, error.message, details);
}

function notByConsensus(): StoreError {
  return new StoreError(
    'LEVEL_NOT_ALLOWED',
    'Consistency LINEARIZABLE is not served here: the write was an ordinary one, which no round decided; it can be brought to ALL replicas',
    {
      asked: 'LINEARIZABLE',
      allowed: ['ONE', 'READ_YOUR_WRITES', 'SESSION', 'CAUSAL', 'QUORUM', 'ALL'],
    },
  );
}
