import type { BucketDigest, TokenRange } from '../replica/buckets.ts';
import type { CallOptions, Replica } from '../replica/replica.ts';
import type { Log } from '../runtime/log.ts';
import { territoryOf, type RepairKeyspace } from './repair-keyspace.ts';
import type { RepairTally } from './repair-summary.ts';

export interface StrayDeps {
  readonly log: Log;
  /** How long a hint is kept. */
  readonly hintLifeMs: number;
}

/** So many keys a replica and stretch at the most: there may be more in the next pass. */
const keysMax = 500;

/**
 * Looks after rows that lie outside the replicas of their partition: a sloppy write was minted there,
 * and its gateway died before it had left the hint that leads there. They get one now, and are treated
 * as any other from then on (`hint-delivery`): joined into the primaries, then taken away.
 *
 * Nothing is moved here: where a key lies is decided by who delivers the hint. A row for which no hint
 * could be left counts as a failure, so that no deletion is forgotten that it may not have heard of.
 */
export class Strays {
  readonly #deps: StrayDeps;

  constructor(deps: StrayDeps) {
    this.#deps = deps;
  }

  /** `told`: the digests of all partitions within the tokens, as the replicas told them. */
  async lead(
    told: ReadonlyMap<Replica, ReadonlyMap<number, BucketDigest>>,
    within: {
      readonly keyspace: RepairKeyspace;
      readonly tokens: TokenRange;
      readonly tally: RepairTally;
      readonly options: () => CallOptions;
    },
  ): Promise<void> {
    const { hintLifeMs } = this.#deps;
    const { keyspace, tally } = within;
    for (const [replica, buckets] of told) {
      const foreign = [...buckets].filter(
        ([partition, { count }]) =>
          count > 0 && !keyspace.primariesOf(partition).some(({ id }) => id === replica.id),
      );
      for (const [partition] of foreign) {
        const what = { ...within, partition, lifeMs: hintLifeMs };
        await this.#leave(replica, what).catch((error: unknown) =>
          tally.fail(replica.id, error, 1),
        );
      }
    }
  }

  /** A hint at the holder itself, for the first of those that should hold the key. */
  async #leave(
    holder: Replica,
    what: {
      keyspace: RepairKeyspace;
      tokens: TokenRange;
      options: () => CallOptions;
      partition: number;
      lifeMs: number;
    },
  ): Promise<void> {
    const { keyspace, tokens, options, partition, lifeMs } = what;
    const [primary] = keyspace.primariesOf(partition);
    const { tokens: own, ...scope } = territoryOf(keyspace, partition, tokens);
    const request = { ...scope, tokens: [own], after: undefined, limit: keysMax };
    const { keys } = await holder.keyDigests(request, options());
    let led = 0;
    for (const { key } of keys) {
      const ref = { tenant: keyspace.tenant, keyspace: keyspace.storageName, key };
      if (!primary || (await holder.hasHintFor(ref, options()))) continue;
      const { cell, digest } = await holder.read(ref, options());
      if (digest === 0n) continue;
      const stamp = keyspace.convergence.stampOf(cell);
      const hint = { target: primary.id, ref, cell, stamp, epoch: keyspace.epoch, lifeMs };
      await holder.putHint(hint, options());
      led += 1;
    }
    if (led === 0) return;
    this.#deps.log.info(
      { replica: holder.id, keyspace: keyspace.name, rows: led },
      'rows were found outside the replicas of their keys: hints lead to them now',
    );
  }
}
