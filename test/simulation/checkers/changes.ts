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
  | {
      readonly kind: 'gap';
      readonly reason: string;
      /** When it was taken: what is written later must be told again. */
      readonly atNs: number;
    };

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
 * The change feed: no event that nobody wrote, none of another tenant, no key that goes back, also not after a reconnect, no acknowledged
 * write that is never told without a gap, and in the end each key's last event is what it is.
 *
 * A subscriber that is told of a gap reads again: nothing is owed to it for what came before. From then on, all is.
 */
export function checkChanges(
  operations: readonly Operation[],
  subscriber: Subscriber,
  final: ReadonlyMap<string, readonly number[]>,
): readonly string[] {
  const { name, connections } = subscriber;
  const all = connections.flatMap((connection) => connection.events);
  const found = [...fromNowhere(operations, name, all), ...backwards(name, all)];
  const gapAt = all.findLastIndex(({ kind }) => kind === 'gap');
  const gap = all[gapAt];
  const liveNs = gap?.kind === 'gap' ? gap.atNs : connections[0]?.liveNs;
  if (liveNs === undefined) return found;
  const owed = { name, events: all.slice(gapAt + 1), liveNs };
  return [...found, ...untold(operations, owed), ...outdated(operations, owed, final)];
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

/** No key goes back; a reconnect may repeat the last state of a key, and no older one. */
function backwards(name: string, events: readonly FeedEvent[]): readonly string[] {
  const known = new Map<string, VersionVector>();
  return events.flatMap((event) => {
    if (event.kind === 'gap') known.clear();
    if (event.kind !== 'changed') return [];
    const before = known.get(event.key);
    known.set(event.key, event.seen);
    const isOlder = before !== undefined && isBefore(event.seen, before);
    return isOlder
      ? [`${name} is told of ${event.key} = ${event.values.join(', ')} after a later state of it`]
      : [];
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
      .map(([, write]) => `${what.name} is never told of ${nameOf(write)}`);
  });
}

interface Owed {
  readonly name: string;
  readonly events: readonly FeedEvent[];
  readonly liveNs: number;
}

function outdated(
  operations: readonly Operation[],
  { name, events, liveNs }: Owed,
  final: ReadonlyMap<string, readonly number[]>,
): readonly string[] {
  const last = new Map<string, readonly number[]>();
  for (const event of events) if (event.kind === 'changed') last.set(event.key, event.values);
  // What failed, or may have, is owed if it is there.
  const written = operations.filter(
    ({ op, start, status, key, value }) =>
      op !== 'read' &&
      start > liveNs &&
      (status === 'ok' || final.get(key)?.includes(Number(value ?? 0)) === true),
  );
  const keys = new Set([...written.map(({ key }) => key), ...last.keys()]);
  return [...keys].flatMap((key) => {
    const [told, holds] = [sorted(last.get(key) ?? []), sorted(final.get(key) ?? [])];
    if (told === holds) return [];
    return [`the last event of ${key} for ${name} is "${told}", and it holds "${holds}"`];
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
