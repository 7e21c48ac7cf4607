import type { Plan } from '../coordinator/plan.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Cluster } from './cluster.ts';
import { keyspaceDefaults, type Keyspace } from './keyspace.ts';
import { majority } from './levels.ts';

const adminMs = 5_000;

/** A keyspace of `$system`, which no tenant can name; looked after like any other from now on. */
export function systemKeyspace(
  cluster: Cluster,
  name: string,
  conflicts: Keyspace['conflicts'] = 'SIBLINGS',
): Keyspace {
  const keyspace: Keyspace = {
    ...keyspaceDefaults,
    tenant: '$system',
    name,
    storageName: name,
    conflicts,
    // Not the configured factor: every gateway, however configured, must look in the same places.
    replicationFactor: Math.min(3, cluster.topology.members.length),
  };
  cluster.addSystemKeyspace(keyspace);
  return keyspace;
}

/** How the system reads and writes its own records: at a majority. */
export function planOfSystem(clock: Clock, { replicationFactor }: Keyspace): Plan {
  const startMs = clock.monotonicMs();
  const need = majority(replicationFactor);
  return { need, writeBack: true, startMs, deadlineMs: startMs + adminMs };
}
