import { assembleStore, type AssembledStore } from '../../src/assemble-store.ts';
import type { Cell } from '../../src/causality/cell.ts';
import type { Keyspace, KeyspaceSettings } from '../../src/consistency/keyspace.ts';
import type { Plan, PlacedKey } from '../../src/coordinator/plan.ts';
import type { ReplicaOutcome } from '../../src/coordinator/receipt.ts';
import { StoreError } from '../../src/errors.ts';
import type { HintSettings } from '../../src/repair/hint-settings.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { createMetrics } from '../../src/runtime/metrics.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import { FaultyReplica } from './faulty-replica.ts';
import { HandClock } from './hand-clock.ts';

export const me = { tenant: 'acme' };
export const requestMs = 2_000;
export const mintMs = 500;

/** Replicas in memory, one or more gateways over them, and a clock that the test moves. */
export class Bench {
  readonly clock = new HandClock();
  readonly replicas: readonly FaultyReplica[];
  readonly gateways: AssembledStore[] = [];
  readonly #hints: Partial<HintSettings>;
  readonly #pageBytes: number;

  /** Without hints, unless a test wants them: what reads heal could not be seen beside them. */
  constructor(count = 3, hints: Partial<HintSettings> = { enabled: false }, pageBytes = Infinity) {
    this.#hints = hints;
    this.#pageBytes = pageBytes;
    this.replicas = Array.from({ length: count }, (_, index) => {
      return new FaultyReplica({ id: `replica-${index + 1}`, clock: this.clock });
    });
    this.addGateway();
  }

  /** One more gateway over the same replicas. */
  addGateway(hints: Partial<HintSettings> = this.#hints): AssembledStore {
    const gateway = assembleStore({
      clock: this.clock,
      random: seededRandom(this.gateways.length + 1),
      log: silentLog,
      metrics: createMetrics(),
      replicas: this.replicas,
      partitions: 16,
      signingKeys: ['the key of this bench'],
      timeouts: { requestMs, mintMs },
      hints,
      pageBytes: this.#pageBytes,
    });
    this.gateways.push(gateway);
    return gateway;
  }

  get gateway(): AssembledStore {
    return this.gateways[0]!;
  }
  get store(): AssembledStore['store'] {
    return this.gateway.store;
  }

  /** Lets time pass until the work is done. */
  run<T>(work: Promise<T>): Promise<T> {
    return this.clock.settled(work);
  }

  keyspace(name: string, settings: Partial<KeyspaceSettings> = {}): Promise<Keyspace> {
    return this.run(this.store.createKeyspace(me, name, settings));
  }

  place(keyspace: Keyspace, key: string): PlacedKey {
    return this.gateway.cluster.placeKey(keyspace, key);
  }

  /** The replicas of a key, in the order of its preference list. */
  holders(keyspace: Keyspace, key: string): FaultyReplica[] {
    return this.place(keyspace, key).targets.map(({ replica }) => this.replica(replica.id));
  }

  replica(id: string): FaultyReplica {
    return this.replicas.find((replica) => replica.id === id)!;
  }

  plan(more: Partial<Plan> = {}): Plan {
    const startMs = this.clock.monotonicMs();
    return { need: 2, writeBack: true, startMs, deadlineMs: startMs + requestMs, ...more };
  }

  /** What a replica really holds. */
  held(replica: FaultyReplica, keyspace: Keyspace, key: string): Cell | undefined {
    return replica.inner.snapshot().get(`${keyspace.tenant}\0${keyspace.storageName}\0${key}`)
      ?.cell;
  }

  /** The values that a replica really holds, sorted. */
  values(replica: FaultyReplica, keyspace: Keyspace, key: string): (string | null)[] {
    return (this.held(replica, keyspace, key)?.siblings ?? []).map(({ value }) => value).sort();
  }

  /** All that is under way in the background is done. */
  async quiet(): Promise<void> {
    for (const { deps, directory } of this.gateways) {
      await this.run(Promise.all([deps.repair.idle(), directory.idle()]));
    }
    await this.clock.advance(3_000);
  }
}

/** The refusal that `work` ends in; a test whose work succeeds fails. */
export async function refusal(work: Promise<unknown>): Promise<StoreError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof StoreError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

/** `replica-1: OK, replica-2: STALE, …`: a receipt's lines, to compare with. */
export function statuses(lines: unknown): Record<string, string> {
  return Object.fromEntries(
    (lines as ReplicaOutcome[]).map(({ replica, status }) => [replica, status]),
  );
}
