import type { ChangePosition } from '../replica/change-source.ts';

/**
 * How far a subscription got with one replica: a place in its log, or, while the replica has not
 * been reached, the time (ms since 1970) from which on everything it logged is still to come.
 */
export type Place = ChangePosition | { readonly sinceMs: number };

/**
 * All that a subscriber must bring back to go on: positions belong to replicas, so any gateway can.
 */
export interface FeedCursor {
  readonly madeAtMs: number;
  /**
   * When the first subscription of this chain of cursors began: nothing older is ever delivered.
   */
  readonly bornMs: number;
  /**
   * What was told from a read, or left to the client to read, was written no later than this (µs
   * since 1970): the places say nothing about it.
   */
  readonly learntUs: number;
  readonly places: ReadonlyMap<string, Place>;
}

/** More running transactions than this at one moment make a cursor long; see `shortened`. */
const longestList = 24;

/**
 * The cursor as a short text: times and transaction ids in base 36, transaction ids as differences.
 *
 * Shape: `2;madeAt;born;learnt;replica,incarnation,seen[,until,seq];replica,@since;…`
 */
export function encodeFeedCursor(cursor: FeedCursor): string {
  const places = [...cursor.places].map(
    ([replica, place]) => `${encodeURIComponent(replica)},${encodePlace(place)}`,
  );
  const times = [cursor.madeAtMs, cursor.bornMs, cursor.learntUs].map(base36);
  return ['2', ...times, ...places].join(';');
}

/** Reads what `encodeFeedCursor` wrote; only ever called on a text whose seal was ours. */
export function decodeFeedCursor(text: string): FeedCursor {
  const [, madeAt = '0', born = '0', learnt = '0', ...places] = text.split(';');
  return {
    madeAtMs: number(madeAt),
    bornMs: number(born),
    learntUs: number(learnt),
    places: new Map(places.map(decodePlace)),
  };
}

/** Thousands of idle subscriptions stand at the same places. */
const encoded = new WeakMap<ChangePosition, string>();

function encodePlace(place: Place): string {
  if ('sinceMs' in place) return `@${base36(place.sinceMs)}`;
  const known = encoded.get(place) ?? encodePosition(place);
  encoded.set(place, known);
  return known;
}

function encodePosition(place: ChangePosition): string {
  const incarnation = Buffer.from(place.incarnation.replaceAll('-', ''), 'hex').toString(
    'base64url',
  );
  const { seen, window } = place;
  if (!window || isLong(window.until)) return `${incarnation},${encodeSnapshot(shortened(seen))}`;
  if (isLong(seen)) return `${incarnation},${encodeSnapshot(shortened(seen))}`;
  return `${incarnation},${encodeSnapshot(seen)},${encodeSnapshot(window.until)},${base36(window.seq)}`;
}

function decodePlace(text: string): [string, Place] {
  const [replica = '', first = '', seen = '', until, seq = '0'] = text.split(',');
  const id = decodeURIComponent(replica);
  if (first.startsWith('@')) return [id, { sinceMs: number(first.slice(1)) }];
  const incarnation = Buffer.from(first, 'base64url')
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  const position = { incarnation, seen: decodeSnapshot(seen) };
  return [
    id,
    until === undefined
      ? position
      : { ...position, window: { until: decodeSnapshot(until), seq: number(seq) } },
  ];
}

/** `xmin:xmax:xip,…` as `xmin.xmax-xmin.xip1-xmin.xip2-xip1…`. */
function encodeSnapshot(snapshot: string): string {
  const { xmin, xmax, xip } = partsOf(snapshot);
  let last = xmin;
  const list = xip.map((xid) => {
    const step = xid - last;
    last = xid;
    return step.toString(36);
  });
  return [xmin.toString(36), (xmax - xmin).toString(36), ...list].join('.');
}

function decodeSnapshot(text: string): string {
  const [xmin = 0n, width = 0n, ...steps] = text.split('.').map(bigint36);
  let last = xmin;
  const xip = steps.map((step) => (last += step));
  return `${xmin}:${xmin + width}:${xip.join(',')}`;
}

function isLong(snapshot: string): boolean {
  return partsOf(snapshot).xip.length > longestList;
}

/**
 * A snapshot with a short list, which claims less than the given one: what follows the cut comes
 * again, nothing is lost. Only a replica with more than two dozen writes in flight at one instant
 * has such snapshots.
 */
function shortened(snapshot: string): string {
  const { xmin, xip } = partsOf(snapshot);
  const cut = xip[longestList];
  return cut === undefined ? snapshot : `${xmin}:${cut}:${xip.slice(0, longestList).join(',')}`;
}

function partsOf(snapshot: string): { xmin: bigint; xmax: bigint; xip: readonly bigint[] } {
  const [xmin = '0', xmax = '0', xip = ''] = snapshot.split(':');
  return {
    xmin: BigInt(xmin),
    xmax: BigInt(xmax),
    xip: xip === '' ? [] : xip.split(',').map(BigInt),
  };
}

function base36(value: number): string {
  return Math.floor(value).toString(36);
}

function number(text: string): number {
  return Number.parseInt(text, 36);
}

function bigint36(text: string): bigint {
  let value = 0n;
  for (const digit of text) value = value * 36n + BigInt(Number.parseInt(digit, 36));
  return value;
}
