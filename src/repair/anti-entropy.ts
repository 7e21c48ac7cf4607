import { tokensOfArcs, type BucketDigest, type TokenRange } from '../replica/buckets.ts';
import type { CallOptions, Replica } from '../replica/replica.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';
import { bucketBytes, differences, rowsOf, type Comparison, type Holdings } from './compare.ts';
import { LeftPromises } from './left-promises.ts';
import type { Distrust } from './distrust.ts';
import { heal } from './heal.ts';
import {
  allEqual,
  dealingOf,
  stepsOf,
  territoryOf,
  type RepairKeyspace,
} from './repair-keyspace.ts';
import { Strays } from './strays.ts';
import { RepairTally, type RepairSummary } from './repair-summary.ts';

export interface AntiEntropyDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** All keyspaces of all tenants, the directory's own among them. */
  readonly keyspaces: () => Promise<readonly RepairKeyspace[]>;
  /** See `Strays`. */
  readonly hintLifeMs: number;
}

/** What to compare; what is left out is everything. */
export interface RepairScope {
  readonly tenant?: string | undefined;
  /** The name of a keyspace. */
  readonly keyspace?: string | undefined;
  /** Only partitions of which this replica is a primary. */
  readonly replica?: string | undefined;
}

export interface RepairOptions {
  /** The share of time in which it works, above 0 and at most 1. Left out, it does not pause. */
  readonly share?: number | undefined;
  readonly distrust?: Distrust | undefined;
  /** Asks replicas that have no vote, too: to bring them up to date. */
  readonly forRepair?: true | undefined;
  /** How long one call to a replica may take. */
  readonly callMs?: number | undefined;
  /** After each step of a keyspace. */
  readonly onProgress?: ((progress: RepairProgress) => void) | undefined;
}

export interface RepairProgress {
  readonly keyspace: RepairKeyspace;
  /** Steps done, over all keyspaces. */
  readonly done: number;
  readonly of: number;
  readonly summary: RepairSummary;
}

export interface PassOptions extends RepairOptions {
  readonly replica?: string | undefined;
  /** The step to begin with. */
  readonly from?: number;
  /** After each stretch: the next step, and what this stretch has found. False ends the pass. */
  readonly onStretch?: (reached: number, found: RepairSummary) => Promise<boolean>;
}

const callMaxMs = 20_000;
/** Whoever wants to stop waits for a pause. */
const pauseMaxMs = 2_000;
/** Rows of one replica that one statement looks at, about. */
const stretchRows = 20_000;
const fillRows = 500;
/** Keys that are healed at a time. */
const healKeys = 128;

/**
 * Compares what the primaries of each partition hold, and brings all of them to the join.
 *
 * A stretch of many partitions is compared with one statement a replica; only buckets that differ are
 * looked into, and only the cells of keys that differ are read. All N primaries are compared at once
 * rather than in pairs: equal digests are equal for every pair.
 */
export class AntiEntropy {
  readonly #deps: AntiEntropyDeps;
  /** Rows a step, as the last pass found them, by keyspace. */
  readonly #density = new Map<string, number>();
  readonly #leftPromises: LeftPromises;
  readonly #strays: Strays;

  constructor(deps: AntiEntropyDeps) {
    this.#deps = deps;
    this.#leftPromises = new LeftPromises(deps);
    this.#strays = new Strays(deps);
  }

  /** Compares now, whoever else may be at it. Rejects when it cannot be told which keyspaces there are. */
  async run(scope: RepairScope, options: RepairOptions = {}): Promise<RepairSummary> {
    const { clock } = this.#deps;
    const startMs = clock.monotonicMs();
    const all = await this.#deps.keyspaces();
    const meant = all.filter(
      ({ tenant, name }) =>
        (scope.tenant === undefined || tenant === scope.tenant) &&
        (scope.keyspace === undefined || name === scope.keyspace),
    );
    const of = meant.reduce((sum, keyspace) => sum + stepsOf(keyspace), 0);
    const tally = new RepairTally();
    let before = 0;
    for (const keyspace of meant) {
      const onStretch = async (reached: number, found: RepairSummary): Promise<boolean> => {
        tally.add(found);
        tally.elapsedMs = clock.monotonicMs() - startMs;
        options.onProgress?.({ keyspace, done: before + reached, of, summary: tally });
        return true;
      };
      await this.pass(keyspace, { ...options, replica: scope.replica, onStretch });
      before += stepsOf(keyspace);
    }
    tally.elapsedMs = clock.monotonicMs() - startMs;
    return tally;
  }

  /** One way round the ring of one keyspace. */
  async pass(keyspace: RepairKeyspace, options: PassOptions): Promise<RepairSummary> {
    const { clock, metrics } = this.#deps;
    const startMs = clock.monotonicMs();
    const name = `${keyspace.tenant}/${keyspace.storageName}`;
    const steps = stepsOf(keyspace);
    const total = new RepairTally();
    for (let step = options.from ?? 0; step < steps;) {
      const stretchMs = clock.monotonicMs();
      const next = Math.min(steps, step + this.#stepsAtOnce(name, steps));
      const found = new RepairTally();
      const rows = await this.#stretch(keyspace, tokensOfArcs(steps, step, next - 1), {
        ...options,
        tally: found,
      });
      this.#density.set(name, rows / (next - step));
      for (const kind of ['compared', 'different', 'repaired', 'refused', 'failed'] as const)
        metrics.antiEntropyKeys.inc({ kind }, found[kind]);
      total.add(found);
      step = next;
      if ((await options.onStretch?.(step, found)) === false) break;
      const { share = 1 } = options;
      const workedMs = clock.monotonicMs() - stretchMs;
      if (share < 1) await clock.sleep(Math.min(pauseMaxMs, workedMs * (1 / share - 1)));
    }
    total.elapsedMs = clock.monotonicMs() - startMs;
    return total;
  }

  #stepsAtOnce(name: string, steps: number): number {
    const density = this.#density.get(name);
    if (density === undefined) return Math.ceil(steps / 16);
    return Math.max(1, Math.floor(stretchRows / Math.max(density, stretchRows / steps)));
  }

  /** Compares all partitions within some tokens; answers with the rows that the fullest replica has. */
  async #stretch(
    keyspace: RepairKeyspace,
    tokens: TokenRange,
    options: PassOptions & { tally: RepairTally },
  ): Promise<number> {
    const { tally, replica } = options;
    const primaries = new Map(
      Array.from({ length: keyspace.partitions }, (_, partition) => partition)
        .map((partition) => [partition, keyspace.primariesOf(partition)] as const)
        .filter(([, all]) => replica === undefined || all.some(({ id }) => id === replica))
        .filter(([partition]) => {
          const { tokens: own } = territoryOf(keyspace, partition, tokens);
          return own.from < own.to;
        }),
    );
    const told = await this.#tell(keyspace, tokens, { ...options, primaries });
    const inTime = (): CallOptions => this.#inTime(options);
    // What one without a vote holds elsewhere may have been forgotten since, like the rest of it.
    if (!options.forRepair)
      await this.#strays.lead(told, { keyspace, tokens, tally, options: inTime });
    for (const [partition, all] of primaries) {
      const answers = all.flatMap((one) => {
        const buckets = told.get(one);
        return buckets ? [[one, buckets.get(partition) ?? { digest: 0n, count: 0 }] as const] : [];
      });
      const holdings = new Map(answers);
      if (answers.length < all.length) tally.failed += 1;
      else tally.compared += rowsOf(holdings.values());
      if (answers.length < 2 || allEqual([...holdings.values()])) continue;
      if (options.distrust && answers.length < all.length) continue;
      const territory = territoryOf(keyspace, partition, tokens);
      await this.#repair({ keyspace, territory, holdings }, options);
    }
    return Math.max(
      0,
      ...[...told.values()].map((buckets) =>
        [...buckets.values()].reduce((sum, { count }) => sum + count, 0),
      ),
    );
  }

  /** The digests of all partitions within some tokens, from every replica that answers. */
  async #tell(
    keyspace: RepairKeyspace,
    tokens: TokenRange,
    what: PassOptions & {
      tally: RepairTally;
      primaries: ReadonlyMap<number, readonly Replica[]>;
    },
  ): Promise<ReadonlyMap<Replica, ReadonlyMap<number, BucketDigest>>> {
    const { tenant, storageName } = keyspace;
    const request = { tenant, keyspace: storageName, tokens, dealing: dealingOf(keyspace) };
    const replicas = new Set([...what.primaries.values()].flat());
    const told = await Promise.all(
      [...replicas].map(async (replica) => {
        try {
          while ((await replica.fillTokens(fillRows, this.#inTime(what))) > 0);
          const buckets = await replica.bucketDigests(request, this.#inTime(what));
          what.tally.bytes += buckets.size * bucketBytes;
          return [[replica, buckets] as const];
        } catch (error) {
          what.tally.fail(replica.id, error);
          return [];
        }
      }),
    );
    return new Map(told.flat());
  }

  async #repair(
    what: {
      keyspace: RepairKeyspace;
      territory: ReturnType<typeof territoryOf>;
      holdings: Holdings;
    },
    how: PassOptions & { tally: RepairTally },
  ): Promise<void> {
    const { tally, distrust } = how;
    const { keyspace, territory, holdings } = what;
    const options = (): CallOptions => this.#inTime(how);
    const comparison: Comparison = { keyspace, tally, options };
    try {
      for await (const found of differences(territory, holdings, comparison)) {
        tally.different += found.length;
        for (let at = 0; at < found.length; at += healKeys) {
          const leftPromises = this.#leftPromises;
          const healing = { keyspace, tally, options: options(), distrust, leftPromises };
          await Promise.all(found.slice(at, at + healKeys).map((one) => heal(one, healing)));
        }
      }
    } catch (error) {
      tally.fail([...holdings.keys()].map(({ id }) => id).join(', '), error, 1);
    }
  }

  #inTime({ forRepair, callMs = callMaxMs }: RepairOptions): CallOptions {
    const deadlineMs = this.#deps.clock.monotonicMs() + callMs;
    return { deadlineMs, ...(forRepair ? { forRepair } : {}) };
  }
}
