import type { RepairSettings } from '../../src/assemble-repair.ts';
import { assembleStore, type AssembledStore, type StoreParts } from '../../src/assemble-store.ts';
import type { LocalReplica } from '../../src/local-cluster/cluster.ts';
import type { HintSettings } from '../../src/repair/hint-settings.ts';
import { emptyCell } from '../../src/causality/cell.ts';
import { migrate } from '../../src/replica/postgres/migrate.ts';
import { PostgresReplica } from '../../src/replica/postgres/postgres-replica.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { createMetrics } from '../../src/runtime/metrics.ts';
import { systemRandom } from '../../src/runtime/random.ts';

export const requestMs = 2_000;

/** One gateway without its edge, over databases that are already running. Several may share them. */
export function openStore(
  replicas: readonly LocalReplica[],
  options: {
    signingKeys?: readonly string[];
    requestMs?: number;
    /** How long one replica is waited for before a hint is kept for it. */
    mintMs?: number;
    connectMs?: number;
    repair?: Partial<RepairSettings>;
    hints?: Partial<HintSettings>;
    identity?: StoreParts['identity'];
  } = {},
): AssembledStore {
  return assembleStore({
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    metrics: createMetrics(),
    replicas: replicas.map((replica) => openReplica(replica, options)),
    partitions: 64,
    signingKeys: options.signingKeys ?? ['the key that all gateways of this test share'],
    timeouts: { requestMs: options.requestMs ?? requestMs, mintMs: options.mintMs ?? 500 },
    ...(options.identity ? { identity: options.identity } : {}),
    ...(options.repair ? { repair: options.repair } : {}),
    ...(options.hints ? { hints: options.hints } : {}),
  });
}

/** One database as a replica. */
export function openReplica(
  { id, zone, url }: LocalReplica,
  {
    connectMs = 1_000,
    writeConnections = 2,
  }: { connectMs?: number; writeConnections?: number } = {},
): PostgresReplica {
  return new PostgresReplica({
    id,
    zone,
    url,
    clock: systemClock,
    log: silentLog,
    metrics: createMetrics(),
    connectMs,
    readConnections: 2,
    writeConnections,
    migrate: async () => {
      await migrate(url, { replica: id, log: silentLog, timeoutMs: 5_000 });
    },
  });
}

/** Resolves after `ms`; for what can only be seen by waiting. */
export function pause(ms: number): Promise<void> {
  return systemClock.sleep(ms);
}

/**
 * Waits until each gateway has found every replica UP, on its connections for reads and for writes: after a
 * start on a busy machine, and after a replica came back.
 *
 * Of several gateways over new databases the first one is waited for before the next is opened: where two found
 * the cluster at once, a replica that one of them has left out is taken for an empty one, for half a minute.
 *
 * A ping tells that a replica is there, and nothing of the connections for writes: one that was begun while
 * the server was away fails later, and refuses for a moment. The swap expects a digest that nothing has.
 */
export async function allWell(...gateways: readonly AssembledStore[]): Promise<void> {
  const ref = { tenant: 'nobody', keyspace: 'nothing', key: 'nowhere' };
  const isWell = async (replica: AssembledStore['cluster']['replicas'][number]): Promise<void> => {
    const options = { deadlineMs: systemClock.monotonicMs() + requestMs };
    await replica.ping(options);
    await replica.swap(ref, { expected: 1n, next: emptyCell }, options);
    if (replica.state !== 'UP') throw new Error(`${replica.id} is ${replica.state}`);
  };
  const replicas = gateways.flatMap(({ cluster }) => cluster.replicas);
  await Promise.all(replicas.map((replica) => eventually(() => isWell(replica), 40_000)));
}

/** Asks again until it is so; a test that would wait for longer than `mostMs` fails. */
export async function eventually<T>(ask: () => Promise<T>, mostMs = 10_000): Promise<T> {
  const untilMs = systemClock.monotonicMs() + mostMs;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (systemClock.monotonicMs() > untilMs) throw error;
      await pause(50);
    }
  }
}
