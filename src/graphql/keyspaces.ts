import type { KeyspaceChanges, KeyspaceSettings } from '../consistency/keyspace.ts';
import { given } from './arguments.ts';
import { keyspaceId } from './global-id.ts';
import type {
  CreateKeyspaceInput,
  Resolvers,
  UpdateKeyspaceInput,
} from './resolver-types.generated.ts';

/** How a keyspace and the cluster look from outside. */
export const keyspaceResolvers: Pick<Resolvers, 'Keyspace' | 'Cluster' | 'ReplicaInfo'> = {
  Keyspace: {
    id: ({ name }) => keyspaceId(name),
    defaultTtlSeconds: ({ defaultTtlSeconds }) => defaultTtlSeconds ?? null,
  },
  Cluster: {},
  ReplicaInfo: {
    zone: ({ zone }) => zone ?? null,
    reason: ({ reason }) => reason ?? null,
    readLatencyMs: ({ readLatencyMs }) => readLatencyMs ?? null,
    readLatencyP50Ms: ({ readLatencyP50Ms }) => readLatencyP50Ms ?? null,
    readLatencyP99Ms: ({ readLatencyP99Ms }) => readLatencyP99Ms ?? null,
  },
};

/** The settings that a new keyspace is asked to have; what is left out is the store's default. */
export function settingsFrom(input: CreateKeyspaceInput): Partial<KeyspaceSettings> {
  const settings = withoutNulls<KeyspaceSettings & { name: string }>({ ...input });
  delete settings.name;
  return settings;
}

/** The settings to change. */
export function changesFrom(input: UpdateKeyspaceInput): KeyspaceChanges {
  return withoutNulls<KeyspaceChanges>({ ...input });
}

function withoutNulls<T>(input: { readonly [K in keyof T]?: T[K] | null }): Partial<T> {
  const found = Object.entries(input).filter(([, value]) => given(value) !== undefined);
  return Object.fromEntries(found) as Partial<T>;
}
