import type { VersionVector } from '../../../src/causality/version-vector.ts';
import type { Operation } from '../history.ts';
import { byKey, nameOf, reflects } from './versions.ts';

/** One event as a subscriber took it. */
export type FeedEvent =
  | {
      readonly kind: 'changed';
      readonly key: string;
      readonly values: readonly number[];
      readonly seen: VersionVector;
    }
  | { readonly kind: 'bookmark' }
  | { readonly kind: 'gap'; readonly reason: string };

/** One connection of a subscriber, and what it was told. */
export interface Connection {
  /** When its first bookmark came; undefined while none has. */
  liveNs?: number;
  readonly events: FeedEvent[];
}

/** One subscriber over all its connections, each through any gateway. */
export interface Subscriber {
  readonly name: string;
  readonly connections: Connection[];
}

/**
 * The change feed: no event that nobody wrote, none of another tenant, no key that goes back, no acknowledged write that is never told
 * without a gap, and in the end each key's last event is what it is.
 */
export function checkChanges(
  operations: readonly Operation[],
  subscriber: Subscriber,
  how: {
    readonly final: ReadonlyMap<string, readonly number[]>;
    /**
     * Whether the last event of a key must be its state; otherwise it is enough that each of its values was told, in one event or
     * another.
     */
    readonly isStrict: boolean;
  },
): readonly string[] {
  const events = subscriber.connections.flatMap((connection) => connection.events);
  const found = [...fromNowhere(operations, subscriber.name, events), ...backwards(subscriber)];
  const liveNs = subscriber.connections[0]?.liveNs;
  // After a gap the subscriber has to read again; nothing is owed to it for what came before.
  if (events.some(({ kind }) => kind === 'gap') || liveNs === undefined) return found;
  return [
    ...found,
    ...untold(operations, { subscriber, events, liveNs }),
    ...outdated(operations, { subscriber, events, liveNs, ...how }),
  ];
}

function fromNowhere(
  operations: readonly Operation[],
  name: string,
  events: readonly FeedEvent[],
): readonly string[] {
  const keys = byKey(operations);
  return events.flatMap((event) => {
    if (event.kind !== 'changed') return [];
    const written = keys.get(event.key)?.writeOf;
    return event.values
      .filter((value) => (written?.get(value)?.status ?? 'fail') === 'fail')
      .map((value) => `${name} is told of ${value} in ${event.key}, which nobody wrote to it`);
  });
}

/** Within a connection no key goes back. A new one may repeat states, which is why the last event counts. */
function backwards({ name, connections }: Subscriber): readonly string[] {
  return connections.flatMap(({ events }) => {
    const known = new Map<string, VersionVector>();
    return events.flatMap((event) => {
      if (event.kind !== 'changed') return [];
      const before = known.get(event.key);
      known.set(event.key, event.seen);
      const isOlder = before !== undefined && isBefore(event.seen, before);
      return isOlder
        ? [`${name} is told of ${event.key} = ${event.values.join(', ')} after a later state of it`]
        : [];
    });
  });
}

/** A write that was replaced may be told as part of what replaced it. */
function untold(operations: readonly Operation[], what: Owed): readonly string[] {
  return [...byKey(operations)].flatMap(([key, versions]) => {
    const told = what.events.flatMap((event) =>
      event.kind === 'changed' && event.key === key ? event.values : [],
    );
    const shown = { shown: new Set(told), endNs: Infinity };
    return [...versions.writeOf]
      .filter(([, { status, start }]) => status === 'ok' && start > what.liveNs)
      .filter(([value]) => !reflects(versions, value, shown))
      .map(([, write]) => `${what.subscriber.name} is never told of ${nameOf(write)}`);
  });
}

interface Owed {
  readonly subscriber: Subscriber;
  readonly events: readonly FeedEvent[];
  readonly liveNs: number;
}

function outdated(
  operations: readonly Operation[],
  what: Owed & { final: ReadonlyMap<string, readonly number[]>; isStrict: boolean },
): readonly string[] {
  const told = new Map<string, (readonly number[])[]>();
  for (const event of what.events) {
    if (event.kind === 'changed') {
      told.set(event.key, [...(told.get(event.key) ?? []), event.values]);
    }
  }
  const writes = operations.filter(({ op }) => op !== 'read');
  const changed = new Set(writes.filter(({ start }) => start > what.liveNs).map(({ key }) => key));
  const startOf = new Map(writes.map(({ value, start }) => [value, start]));
  const isOwed = (value: number): boolean => (startOf.get(value) ?? 0) > what.liveNs;
  return [...new Set([...changed, ...told.keys()])].flatMap((key) => {
    const states = told.get(key) ?? [];
    const last = states.at(-1) ?? [];
    const holds = what.final.get(key) ?? [];
    const isTold = what.isStrict
      ? sorted(last) === sorted(holds)
      : holds.every((value) => !isOwed(value) || states.some((one) => one.includes(value)));
    if (isTold) return [];
    return [
      `the last event of ${key} for ${what.subscriber.name} is "${sorted(last)}", and it holds "${sorted(holds)}"`,
    ];
  });
}

function sorted(values: readonly number[]): string {
  return [...values].sort((a, b) => a - b).join(', ');
}

/** Whether `a` has seen strictly less than `b`. */
function isBefore(a: VersionVector, b: VersionVector): boolean {
  const within = [...a].every(([actor, counter]) => (b.get(actor) ?? 0) >= counter);
  return within && [...b].some(([actor, counter]) => (a.get(actor) ?? 0) < counter);
}
