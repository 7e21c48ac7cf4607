import { keepNewest, keepSiblings, type Convergence } from '../causality/convergence.ts';

/** What a keyspace does with concurrent versions. */
export interface Policy extends Convergence {
  /** Whether dots are minted at a replica (siblings) or stamps at the gateway (one version). */
  readonly mintsDots: boolean;
  /**
   * Whether LINEARIZABLE writes are possible: where one version silently wins, a loss would be
   * silent.
   */
  readonly consensus: boolean;
}

/** THE TABLE of conflict policies. */
export const policies = {
  SIBLINGS: { ...keepSiblings, mintsDots: true, consensus: true },
  LAST_WRITE_WINS: { ...keepNewest, mintsDots: false, consensus: false },
} as const satisfies Record<string, Policy>;

export type PolicyName = keyof typeof policies;
