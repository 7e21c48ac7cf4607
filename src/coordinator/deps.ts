import type { HintKeeper } from '../repair/hint-keeper.ts';
import type { ReadRepair } from '../repair/read-repair.ts';
import type { Clock } from '../runtime/clock.ts';
import type { HybridClock } from '../runtime/hybrid-clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';
import type { Random } from '../runtime/random.ts';
import type { Tracing } from '../runtime/tracing.ts';
import type { Consensus } from './agreement.ts';
import type { Hedging } from './hedging.ts';
import type { Minter } from './minter.ts';

/**
 * What a coordinator works with; handed in, so that the simulator runs the same code under its own
 * time and chance.
 */
export interface Deps {
  readonly clock: Clock;
  readonly hybridClock: HybridClock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly tracing: Tracing;
  readonly repair: ReadRepair;
  readonly hints: HintKeeper;
  readonly minter: Minter;
  readonly consensus: Consensus;
  /** Names this gateway process in LAST_WRITE_WINS stamps; new at every start. */
  readonly gatewayId: string;
  /** How long one replica may take to mint a dot before another is asked. */
  readonly mintMs: number;
  /** When one more replica is asked, because the answer of the first is slow to come. */
  readonly hedging: Hedging;
  /** A page of a range ends before its values are more bytes than this. */
  readonly pageBytes: number;
}
