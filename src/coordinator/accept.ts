import type { Cell } from '../causality/cell.ts';
import { digestOf } from '../causality/cell-codec.ts';
import type { Convergence } from '../causality/convergence.ts';
import type { HintKeeper } from '../repair/hint-keeper.ts';
import { joinInto, type JoinOutcome, type JoinRequest } from '../repair/join-into.ts';
import { ReplicaError, type StoredCell } from '../replica/replica.ts';
import type { Clock } from '../runtime/clock.ts';
import { Hinting } from './hinting.ts';
import type { PlacedKey, Plan, Target } from './plan.ts';
import { scatter, type Round } from './scatter.ts';

/** What a replica is believed to hold, and, where it has promised, which incarnation did. */
export interface Promiser {
  readonly stored: Pick<StoredCell, 'cell' | 'digest'>;
  readonly by: string | undefined;
}

export interface AcceptRequest {
  readonly cell: Cell;
  readonly ballot: number;
  readonly known: (replica: string) => Promiser | undefined;
  /** The promises are older than this request: they count where nothing has come in between. */
  readonly isKept: boolean;
  /** The next ballot of this proposer, to be promised with it. */
  readonly promises: number | undefined;
}

export interface Accepted {
  readonly round: Round<JoinOutcome>;
  /**
   * The incarnations that promised the next ballot and hold exactly `cell`; those that answer late
   * are added.
   */
  readonly promised: ReadonlyMap<string, string>;
}

/** Paxos accept at all replicas of a key; who misses it gets a hint. */
export async function accept(
  deps: { readonly clock: Clock; readonly hints: HintKeeper },
  key: PlacedKey,
  what: AcceptRequest & { readonly plan: Pick<Plan, 'need' | 'deadlineMs'> },
): Promise<Accepted> {
  const { cell, plan, promises } = what;
  const hinting = new Hinting(deps, key, { cell });
  const promised = new Map<string, string>();
  const convergence = joiningOnce(key.convergence, cell);
  const round = await scatter(key.targets, {
    clock: deps.clock,
    plan,
    atOnce: key.targets.length,
    call: async ({ replica }) => {
      const promiser = what.known(replica.id);
      const by = replica.votes ? (promiser?.by ?? replica.incarnation) : undefined;
      const exact = what.isKept && promiser?.by !== undefined;
      const request = { ref: key.ref, convergence, cell, ...guessOf(promiser) };
      const vote = by === undefined ? undefined : { by, ballot: what.ballot, promises, exact };
      const sent = acceptAt(replica, { ...request, accept: vote }, plan);
      const outcome = await hinting.watch(sent, ({ status }) => status === 'joined');
      // Only a swap takes the promise along, and only of what it has stored.
      if (promises !== undefined && by !== undefined && outcome.status === 'joined')
        if (outcome.wrote && digestOf(outcome.cell) === digestOf(cell))
          promised.set(replica.id, by);
      return outcome;
    },
    accepts: ({ status }) => status === 'joined',
    missed: hinting.missed,
  });
  deps.hints.follow(round.settled);
  return { round, promised };
}

/** A replica without a vote gets the version like any other one; that is no accept. */
async function acceptAt(
  replica: Target['replica'],
  request: JoinRequest,
  options: Pick<Plan, 'deadlineMs'>,
): Promise<JoinOutcome> {
  const outcome = await joinInto(replica, request, options);
  if (request.accept) return outcome;
  throw new ReplicaError('REFUSED', replica.reason, true);
}

function guessOf(promiser: Promiser | undefined): Pick<JoinRequest, 'guess'> {
  return promiser ? { guess: promiser.stored } : {};
}

/**
 * Replicas mostly hold one and the same cell, and then what is proposed is joined with it once: its
 * texts and its digest hang on the object.
 */
function joiningOnce(convergence: Convergence, proposed: Cell): Convergence {
  const joined = new Map<Cell, Cell>();
  const join = (held: Cell, cell: Cell): Cell => {
    // A replica that refuses what consensus says of it is brought the rest alone.
    if (cell !== proposed) return convergence.join(held, cell);
    const known = joined.get(held) ?? convergence.join(held, cell);
    joined.set(held, known);
    return known;
  };
  return { ...convergence, join };
}
