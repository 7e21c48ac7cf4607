import { assembleStore, type AssembledStore } from '../../src/assemble-store.ts';
import { MemoryReplica } from '../../src/replica/memory-replica.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { createMetrics } from '../../src/runtime/metrics.ts';
import { systemRandom } from '../../src/runtime/random.ts';

/** A store over three replicas in memory and the machine's own clock: for tests of the edge, which need no disks. */
export function openOverMemory({ requestMs }: { requestMs: number }): AssembledStore {
  return assembleStore({
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    metrics: createMetrics(),
    replicas: ['r1', 'r2', 'r3'].map(
      (id) => new MemoryReplica({ id, incarnation: `of-${id}`, clock: systemClock }),
    ),
    partitions: 16,
    signingKeys: ['the key that signs now, long enough'],
    timeouts: { requestMs, mintMs: 500 },
  });
}
