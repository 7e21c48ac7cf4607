import type { LevelName } from './levels.ts';
import type { PolicyName } from './policies.ts';
import type { PartitionerName } from '../placement/partitioner.ts';

/** A keyspace as the directory holds it. */
export interface Keyspace {
  readonly tenant: string;
  readonly name: string;
  /**
   * What its rows are filed under: `name`, or `name@2` after it was dropped and created again, so
   * that nothing old comes back.
   */
  readonly storageName: string;
  readonly partitioner: PartitionerName;
  /** Sorted by bytes; only for RANGE. */
  readonly splitKeys: readonly string[];
  readonly replicationFactor: number;
  readonly conflicts: PolicyName;
  readonly defaultReadLevel: LevelName;
  readonly defaultWriteLevel: LevelName;
  readonly minimumReadLevel: LevelName;
  readonly minimumWriteLevel: LevelName;
  readonly maxValueBytes: number;
  readonly maxSiblings: number;
  readonly defaultTtlSeconds?: number | undefined;
}

export type KeyspaceSettings = Omit<Keyspace, 'tenant' | 'name' | 'storageName'>;
export type KeyspaceChanges = Partial<
  Omit<KeyspaceSettings, 'partitioner' | 'splitKeys' | 'replicationFactor' | 'conflicts'>
>;

export const keyspaceDefaults: KeyspaceSettings = {
  partitioner: 'CONSISTENT_HASH',
  splitKeys: [],
  replicationFactor: 3,
  conflicts: 'SIBLINGS',
  defaultReadLevel: 'QUORUM',
  defaultWriteLevel: 'QUORUM',
  minimumReadLevel: 'ONE',
  minimumWriteLevel: 'ONE',
  maxValueBytes: 262_144,
  maxSiblings: 100,
};
