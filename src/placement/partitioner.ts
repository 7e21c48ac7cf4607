/** How keys are spread over partitions. */
export type PartitionerName = 'CONSISTENT_HASH' | 'MODULO_HASH' | 'RANGE';
