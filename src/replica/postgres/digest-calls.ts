import { decodeCell } from '../../causality/cell-codec.ts';
import { goneAt } from '../../causality/gone.ts';
import { tokenOf } from '../../placement/token.ts';
import type { Clock } from '../../runtime/clock.ts';
import { wholeRing, type BucketDigest } from '../buckets.ts';
import type {
  BucketRequest,
  GoneKey,
  GoneRequest,
  KeyDigestPage,
  KeyRequest,
  RepairClaim,
  RepairNote,
} from '../digest-source.ts';
import { alone, byPosition, type CallKind } from './call-kind.ts';
import { addressColumns, keyOf, refusal, serverDeadlineMs, type Addressed } from './calls.ts';
import type { Row } from './connection.ts';
import {
  bucketDigests,
  dealingValue,
  fillTokens,
  keyDigests,
  rowsWithoutToken,
  scopeValues,
} from './digest-statements.ts';
import { claimRepair, collectCells, goneKeys, noteRepair } from './tombstone-statements.ts';

/** The calls of DigestSource, TombstoneStore and RepairLedger; only collecting is batched. */
export function bucketsKind(
  request: BucketRequest,
): CallKind<undefined, ReadonlyMap<number, BucketDigest>> {
  const { tokens, dealing } = request;
  const whole = tokens.from === wholeRing.from && tokens.to === wholeRing.to;
  const bounds = whole ? [] : [tokens.from, tokens.to];
  return alone({
    name: 'bucket_digests',
    statement: bucketDigests(request, dealing, whole),
    values: [...scopeValues(request), dealingValue(dealing), ...bounds],
    reply: (rows) =>
      new Map(
        rows.map(([bucket, count, digest]) => [
          Number(bucket),
          { digest: BigInt(digest as string), count: count as number },
        ]),
      ),
  });
}

export function keysKind(request: KeyRequest): CallKind<undefined, KeyDigestPage> {
  const { tokens, after, limit } = request;
  return alone({
    name: 'key_digests',
    statement: keyDigests(request, after !== undefined),
    values: [
      ...scopeValues(request),
      tokens.map(({ from }) => from),
      tokens.map(({ to }) => to),
      limit,
      ...(after === undefined ? [] : [tokenOf(after), after]),
    ],
    reply: (rows) => ({
      keys: rows.map(([key, digest]) => ({
        key: key as string,
        digest: BigInt(digest as string),
      })),
      exhausted: rows.length < limit,
    }),
  });
}

export function goneKind(request: GoneRequest): CallKind<undefined, readonly GoneKey[]> {
  const { tenant, keyspace, beforeMs, limit, after } = request;
  const bound = after === undefined ? [] : [after.goneAtMs, after.key];
  return alone({
    name: 'gone_keys',
    statement: goneKeys(after !== undefined),
    values: [tenant, keyspace, Math.floor(beforeMs), limit, ...bound],
    reply: (rows) => rows.map(([key, at]) => ({ key: key as string, goneAtMs: Number(at) })),
  });
}

export function claimKind(claim: RepairClaim): CallKind<undefined, number | undefined> {
  const { tenant, keyspace, owner, partitions, leaseMs, everyMs } = claim;
  return alone({
    name: 'claim_repair',
    statement: claimRepair,
    writes: true,
    values: [tenant, keyspace, owner, partitions, leaseMs, everyMs],
    reply: ([row]) => (row ? Number(row[0]) : undefined),
  });
}

export function noteKind(note: RepairNote): CallKind<undefined, boolean> {
  const { tenant, keyspace, owner, reached, leaseMs } = note;
  const { compared, different, repaired, bytes, failed } = note;
  return alone({
    name: 'note_repair',
    statement: noteRepair,
    writes: true,
    values: [
      ...[tenant, keyspace, owner, reached, leaseMs],
      ...[compared, different, repaired, Math.round(bytes), failed],
    ],
    reply: (rows) => rows.length > 0,
  });
}

/** Rows of an earlier version, and what of them has to be filled in: the values of `fillKind`. */
export function withoutTokenKind(
  limit: number,
): CallKind<undefined, readonly (readonly unknown[])[]> {
  return alone({
    name: 'without_token',
    statement: rowsWithoutToken,
    values: [limit],
    reply: (rows) => {
      const column = (read: (row: Row) => unknown): readonly unknown[] => rows.map(read);
      return [
        ...[0, 1, 2].map((at) => column((row) => row[at])),
        column((row) => tokenOf(row[2] as string)),
        column(
          (row) =>
            goneAt(decodeCell({ siblings: row[3] as string, context: row[4] as string })) ?? null,
        ),
        column((row) => row[5]),
      ];
    },
  });
}

export function fillKind(columns: readonly (readonly unknown[])[]): CallKind<undefined, number> {
  return alone({
    name: 'fill_tokens',
    statement: fillTokens,
    writes: true,
    values: columns,
    reply: ([row]) => Number(row?.[0] ?? 0),
  });
}

export interface CollectCall extends Addressed {
  readonly expected: bigint;
  readonly isHandedOver: boolean;
}

export function collectKind(clock: Clock): CallKind<CollectCall, boolean> {
  return {
    name: 'collect',
    statement: collectCells,
    writes: true,
    locksRow: true,
    keyOf,
    values: (calls, connection) => [
      ...addressColumns(calls),
      calls.map(({ expected }) => expected),
      calls.map((call) => serverDeadlineMs(call, { connection, clock })),
      calls.map(({ isHandedOver }) => isHandedOver),
    ],
    replies: byPosition((row) => refusal(row) ?? row?.[1] === true),
  };
}
