/** Counts of one scatter round. */
export interface Tally {
  readonly sent: number;
  readonly need: number;
  readonly acks: number;
  readonly faults: number;
}

export type Verdict = 'pending' | 'met' | 'unreachable';

/**
 * Whether a round has what it needs, may still get it, or never will. Three-valued, as etcd's
 * quorum package has it.
 */
export function verdict({ sent, need, acks, faults }: Tally): Verdict {
  if (acks >= need) return 'met';
  return sent - faults < need ? 'unreachable' : 'pending';
}
