import type { Clock } from '../../runtime/clock.ts';
import type { Metrics } from '../../runtime/metrics.ts';
import type { Connection, ConnectOptions } from './connection.ts';

/** What a batcher works with. */
export interface BatcherOptions {
  readonly replica: string;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly connections: number;
  /** Calls in one statement, at most. */
  readonly batchMax: number;
  /** Calls waiting, at most; beyond that they are refused at once, nothing written. */
  readonly queueMax: number;
  /** What a tenant may take in one turn, beside others; 1 for each when it is left out. */
  readonly weightOf?: ((tenant: string) => number) | undefined;
  readonly connect: Omit<ConnectOptions, 'onLost'>;
  /**
   * Runs before every connection (migrations); `anew` when the last one met a database that was not
   * prepared.
   */
  readonly prepare: (anew: boolean) => Promise<void>;
  /** Before anything is sent over a new connection; a rejection is what callers get. */
  readonly onConnected: (connection: Connection) => Promise<void>;
  /** A transaction whose effect was acknowledged. */
  readonly onCommitted?: (xid: bigint, by: Connection) => void;
  /** After a batch that wrote something. */
  readonly onWritten: () => void;
}
