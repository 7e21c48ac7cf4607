import { ballotOf, ordinaryPart, type Cell } from '../causality/cell.ts';
import { digestOf } from '../causality/cell-codec.ts';
import type { Convergence } from '../causality/convergence.ts';
import {
  absentCell,
  ReplicaError,
  type CallOptions,
  type CellRef,
  type CellStore,
  type StoredCell,
  type SwapRequest,
} from '../replica/replica.ts';

/**
 * - `joined`: the replica now holds at least `cell`.
 * - `refused`: rule A; a newer ballot was promised there. Not an acknowledgement of what the cell says
 *   of consensus. `tookOrdinary`: what replicas have minted needs no leave, and is there.
 */
export type JoinOutcome =
  | { readonly status: 'joined'; readonly cell: Cell; readonly wrote: boolean }
  | {
      readonly status: 'refused';
      readonly promised: number;
      readonly tookOrdinary: boolean;
    };

export interface JoinRequest {
  readonly ref: CellRef;
  readonly cell: Cell;
  readonly convergence: Convergence;
  /**
   * What the replica is believed to hold. Only an assumption: a wrong one costs one more round
   * trip, never a lost version.
   */
  readonly guess?: Pick<StoredCell, 'cell' | 'digest'>;
  /**
   * Paxos accept: refused by a replica that has gone past this ballot, which an ordinary join would
   * not mind, and by any other incarnation than the one that promised.
   */
  readonly accept?: Accept | undefined;
}

export interface Accept {
  readonly ballot: number;
  readonly by: string;
  /** The proposer's next ballot, promised with it. */
  readonly promises?: number | undefined;
  /** Refused where the row is not what `guess` says, unless this accept has come there already. */
  readonly exact?: boolean | undefined;
}

const attemptsMax = 16;

/**
 * Brings one replica up to at least `cell`: join with what it holds, and swap. Every path that
 * carries state between replicas goes through here — forwarding of writes, read repair, hints,
 * anti-entropy — so none of them can overwrite what it has not seen.
 */
export async function joinInto(
  store: CellStore,
  request: JoinRequest,
  options: CallOptions,
): Promise<JoinOutcome> {
  const { ref, cell, convergence, accept } = request;
  if (cell.context.size === 0) return { status: 'joined', cell, wrote: false };
  const stamp = convergence.stampOf(cell);
  // A cell that carries outcomes is joined by swap: a blind upsert would drop those that the
  // replica has.
  if (stamp !== '' && !cell.outcomes) {
    const { stored } = await store.keepNewest(ref, { cell, stamp }, options);
    return { status: 'joined', cell, wrote: stored };
  }
  let known = request.guess ?? absentCell;
  let verified = false;
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const promisedTo = accept && overtaken(accept, known.cell, verified);
    if (promisedTo) return { status: 'refused', promised: promisedTo, tookOrdinary: false };
    const next = convergence.join(known.cell, cell);
    if (verified && digestOf(next) === known.digest)
      return { status: 'joined', cell: next, wrote: false };
    const swap = { expected: known.digest, next, stamp: convergence.stampOf(next) };
    const result = await store.swap(
      ref,
      accept ? { ...swap, ...votingFor(accept) } : swap,
      options,
    );
    if (result.status === 'swapped') return { status: 'joined', cell: next, wrote: true };
    if (result.status === 'promised' && ballotOf(next) > ballotOf(result.current.cell)) {
      const { promised } = result;
      if (accept !== undefined) return { status: 'refused', promised, tookOrdinary: false };
      const rest = { ...request, cell: ordinaryPart(cell), guess: result.current };
      await joinInto(store, rest, options);
      return { status: 'refused', promised, tookOrdinary: true };
    }
    known = result.current;
    verified = true;
  }
  throw new ReplicaError(
    'REFUSED',
    `the key changed ${attemptsMax} times while a version was being joined`,
    false,
  );
}

/** The ballot that an accept must come after, where the row has gone another way. */
function overtaken(accept: Accept, known: Cell, verified: boolean): number | undefined {
  const ballot = ballotOf(known);
  if (ballot > accept.ballot) return ballot;
  return accept.exact && verified && ballot < accept.ballot ? accept.ballot : undefined;
}

function votingFor({ by, promises }: Accept): Pick<SwapRequest, 'acceptedBy' | 'promises'> {
  return { acceptedBy: by, ...(promises === undefined ? {} : { promises }) };
}
