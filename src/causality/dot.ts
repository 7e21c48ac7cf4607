/**
 * The name of one version: the `counter`-th event of `actor`.
 *
 * An actor is a replica incarnation (a UUID kept inside that Postgres), or `PI` for consensus.
 * Never a gateway and never a client: a gateway-minted dot with a compact version vector silently
 * drops acknowledged siblings when two of its writes arrive out of order.
 */
export interface Dot {
  readonly actor: string;
  /** A hybrid clock in µs since 1970 for replicas, a ballot for `PI`. */
  readonly counter: number;
}

/** The one virtual actor: consensus writes of a key share it, so that they are totally ordered. */
export const PI = 'pi';

/** The printed form, `actor:counter`; equal dots print alike. */
export function dotName(dot: Dot): string {
  return `${dot.actor}:${dot.counter}`;
}

/**
 * A total order, later counters last. Only for choosing deterministically; it says nothing about
 * causality.
 */
export function compareDots(a: Dot, b: Dot): number {
  return a.counter - b.counter || (a.actor < b.actor ? -1 : a.actor > b.actor ? 1 : 0);
}
