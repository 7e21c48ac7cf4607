import { digestOf, encodeCell } from '../../causality/cell-codec.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Hint, HintClaim, HintCount, HintName, HintRemoval, NewHint } from '../hint-store.ts';
import { refName } from '../cell-ref.ts';
import { ReplicaError, type CellRef } from '../replica.ts';
import { byPosition, type CallKind } from './call-kind.ts';
import { serverTimeMs } from './calls.ts';
import type { Row } from './connection.ts';
import {
  claimHints,
  countHints,
  expireHints,
  findHints,
  putHints,
  removeHints,
} from './hint-statements.ts';
import { storedCell } from './rows.ts';

/** A call and its deadline on our monotonic clock. */
interface Timed<T> {
  readonly what: T;
  readonly deadlineMs: number;
}

/** The statements of the HintStore role, as a table: what goes in, what comes out. */
export function hintKinds(clock: Clock) {
  return { ...keeping(clock), ...delivering(clock) };
}

function keeping(clock: Clock) {
  return {
    put: {
      name: 'put_hint',
      statement: putHints,
      writes: true,
      keyOf: ({ what }) => nameOf({ ...what, digest: digestOf(what.cell) }),
      values: (calls, connection) => {
        const texts = calls.map(({ what }) => encodeCell(what.cell));
        return [
          calls.map(({ what }) => what.target),
          ...refColumns(calls.map(({ what }) => what.ref)),
          calls.map(({ what }) => digestOf(what.cell)),
          texts.map(({ siblings }) => siblings),
          texts.map(({ context }) => context),
          texts.map(({ outcomes }) => outcomes),
          calls.map(({ what }) => what.stamp),
          calls.map(({ what }) => what.epoch),
          calls.map(({ what }) => what.lifeMs),
          calls.map(({ deadlineMs }) => serverTimeMs(deadlineMs, { connection, clock })),
        ];
      },
      replies: byPosition((row) => (row?.[2] === true ? undefined : tooLate())),
    } satisfies CallKind<Timed<NewHint>, undefined>,
    find: {
      name: 'find_hints',
      statement: findHints,
      writes: false,
      keyOf: refName,
      values: (refs) => refColumns(refs),
      replies: byPosition((row) => row?.[1] === true),
    } satisfies CallKind<CellRef, boolean>,
  };
}

function delivering(clock: Clock) {
  return {
    claim: {
      name: 'claim_hints',
      statement: claimHints,
      writes: true,
      keyOf: () => 'claim',
      values: ([call], connection) => [
        call?.what.target,
        call?.what.limit,
        call?.what.owner,
        call?.what.claimMs,
        serverTimeMs(call?.deadlineMs ?? 0, { connection, clock }),
      ],
      replies: (rows, [call]) => [rows.map((row) => hintOf(row, call?.what.target ?? ''))],
    } satisfies CallKind<Timed<HintClaim>, readonly Hint[]>,
    remove: {
      name: 'remove_hints',
      statement: removeHints,
      writes: true,
      keyOf: () => 'remove',
      values: ([call], connection) => {
        const names = call?.what.hints ?? [];
        return [
          names.map(({ target }) => target),
          ...refColumns(names.map(({ ref }) => ref)),
          names.map(({ digest }) => digest),
          call?.what.owner,
          serverTimeMs(call?.deadlineMs ?? 0, { connection, clock }),
        ];
      },
      replies: () => [undefined],
    } satisfies CallKind<Timed<HintRemoval>, undefined>,
    count: {
      name: 'count_hints',
      statement: countHints,
      writes: false,
      keyOf: () => 'count',
      values: () => [],
      replies: (rows) => [
        rows.map((row) => ({
          target: String(row[0]),
          hints: Number(row[1]),
          bytes: Number(row[2]),
          oldestMs: Number(row[3]),
        })),
      ],
    } satisfies CallKind<undefined, readonly HintCount[]>,
    expire: {
      name: 'expire_hints',
      statement: expireHints,
      writes: true,
      keyOf: () => 'expire',
      values: ([limit]) => [limit],
      replies: (rows) => [Number(rows[0]?.[0])],
    } satisfies CallKind<number, number>,
  };
}

function refColumns(refs: readonly CellRef[]): readonly unknown[] {
  return [
    refs.map(({ tenant }) => tenant),
    refs.map(({ keyspace }) => keyspace),
    refs.map(({ key }) => key),
  ];
}

function hintOf(row: Row, target: string): Hint {
  return {
    target,
    ref: { tenant: String(row[0]), keyspace: String(row[1]), key: String(row[2]) },
    digest: BigInt(row[3] as string),
    stamp: String(row[4]),
    epoch: Number(row[5]),
    cell: storedCell(row, 6).cell,
  };
}

function nameOf({ target, ref, digest }: HintName): string {
  return `${target}\0${refName(ref)}\0${digest}`;
}

function tooLate(): ReplicaError {
  return new ReplicaError('REFUSED', 'the hint reached its holder after its deadline', false);
}
