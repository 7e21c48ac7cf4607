import type { Change, ChangePosition } from '../replica/change-source.ts';
import type { Selector } from './selector.ts';

/**
 * A subscription as the hub sees it. It joins each replica's tail by itself, at the end of a
 * window.
 */
export interface Subscriber {
  readonly selector: Selector;
  /**
   * From `position` on, every change of this replica is delivered. Called again after nothing but
   * `left`.
   */
  joined(replica: string, position: ChangePosition): void;
  /** `early`: pulled ahead of its turn, so it says nothing about the position. */
  deliver(replica: string, change: Change, early: boolean): void;
  /** The replica's history broke off; its changes go on from `position`. */
  gap(replica: string, reason: string, position: ChangePosition): void;
}
