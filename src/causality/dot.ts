/**
 * The name of one version: the `counter`-th event of `actor`.
 *
 * An actor is a replica incarnation (a UUID kept inside that Postgres; see `actorOf`), or `PI` for
 * consensus.
 * Never a gateway and never a client: a gateway-minted dot with a compact version vector silently
 * drops acknowledged siblings when two of its writes arrive out of order.
 */
export interface Dot {
  readonly actor: string;
  /** A hybrid clock in µs since 1970 for replicas, a ballot for `PI`. */
  readonly counter: number;
}

/**
 * Who mints the dots of a key at a replica.
 *
 * A version vector that says "actor up to n" claims all that the actor ever minted, which a row may
 * only do as long as it keeps what was minted in it. One whose versions were handed over and removed
 * has forgotten; it goes on as another actor.
 */
export function actorOf(incarnation: string, emptied = 0): string {
  return emptied === 0 ? incarnation : `${incarnation}~${emptied}`;
}

/** Whose log tells of an actor's dots. */
export function incarnationOf(actor: string): string {
  return actor.split('~', 1)[0] ?? actor;
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
