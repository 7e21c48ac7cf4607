import { emptyCell, type Cell } from '../causality/cell.ts';
import { digestOf } from '../causality/cell-codec.ts';
import { StoreError } from '../errors.ts';
import { joinInto, type JoinOutcome } from '../repair/join-into.ts';
import { converge } from '../repair/read-repair.ts';
import type { StoredCell } from '../replica/replica.ts';
import type { Deps } from './deps.ts';
import { readFailure } from './faults.ts';
import type { PlacedKey, Plan } from './plan.ts';
import { holdingsOf, type ReadResult } from './read.ts';
import { readReceipt } from './read-receipt.ts';
import { settleRound } from './settle.ts';
import { outcomeOf, scatter, type Round } from './scatter.ts';
import { traced } from './traced.ts';

const pauseMs = 10;

/**
 * Reads one key from as many replicas as it takes to see what a session has seen, and waits for
 * what is still on its way.
 *
 * `found`: what has been read already. It is part of the answer: what must be covered may follow
 * from it, and of nothing at all nothing follows.
 * Where all N primaries answer that they hold nothing at all, the floor was a deletion that has
 * been collected since: that is covered.
 * Errors: SESSION_UNSATISFIED, with what was found, when no reachable replica holds it in time.
 */
export function readCovering(deps: Deps, key: PlacedKey, what: Floor): Promise<ReadResult> {
  return traced(deps, { name: 'read covering', plan: what.plan }, () => askAll(deps, key, what));
}

interface Floor {
  readonly plan: Plan;
  readonly covers: (cell: Cell) => boolean;
  readonly found?: Cell | undefined;
}

async function askAll(deps: Deps, key: PlacedKey, what: Floor): Promise<ReadResult> {
  const { plan, covers, found = emptyCell } = what;
  const isCovered = (replies: readonly StoredCell[]): boolean => {
    const cell = replies.reduce((state, reply) => key.convergence.join(state, reply.cell), found);
    return covers(cell) || (replies.length === key.targets.length && cell.context.size === 0);
  };
  for (;;) {
    const round = await scatter(key.targets, {
      clock: deps.clock,
      plan: { need: key.targets.length + 1, deadlineMs: plan.deadlineMs },
      atOnce: key.targets.length,
      call: ({ replica }) => replica.read(key.ref, plan),
      enough: isCovered,
    });
    const replies = round.replies.flatMap(({ reply }) => (reply ? [reply] : []));
    if (isCovered(replies)) {
      const replied = converge(holdingsOf(round.replies), key.convergence);
      const cell = key.convergence.join(found, replied.cell);
      deps.repair.later(
        { ...key, settle: () => settleRound(deps, key) },
        round.settled.then(holdingsOf),
      );
      const shown = { plan, round, cell, digest: digestOf(cell), repaired: new Set<string>() };
      return { cell, receipt: readReceipt(deps, key, shown) };
    }
    if (plan.deadlineMs - deps.clock.monotonicMs() <= pauseMs) throw unsatisfied(key, round);
    await deps.clock.sleep(pauseMs);
  }
}

/**
 * Brings a cell to `plan.need` replicas, whoever has it now. Errors: READ_TIMEOUT,
 * QUORUM_UNAVAILABLE (the cell was there before).
 */
export async function bringTo(
  deps: Deps,
  key: PlacedKey,
  what: { plan: Plan; cell: Cell },
): Promise<void> {
  const { plan, cell } = what;
  const round = await scatter(key.targets, {
    clock: deps.clock,
    plan,
    atOnce: key.targets.length,
    call: ({ replica }) => joinInto(replica, { ...key, cell }, plan),
    accepts: ({ status }: JoinOutcome) => status === 'joined',
  });
  if (round.verdict !== 'met')
    throw readFailure(round, plan, { verb: 'read', keyspace: key.ref.keyspace });
}

function unsatisfied(key: PlacedKey, round: Round<StoredCell>): StoreError {
  return new StoreError(
    'SESSION_UNSATISFIED',
    `No replica that can be reached holds what this session has seen of a key of keyspace "${key.ref.keyspace}"`,
    {
      behind: round.attempts.map((attempt) =>
        outcomeOf(attempt, attempt.status === 'OK' ? 'STALE' : attempt.status),
      ),
    },
  );
}
