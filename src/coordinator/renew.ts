import { seenNothing, visible, type Cell } from '../causality/cell.ts';
import { PI, type Dot } from '../causality/dot.ts';
import { joinInto, type JoinOutcome } from '../repair/join-into.ts';
import type { Deps } from './deps.ts';
import { inOrderOfHealth, quorumUnavailable, readFailure } from './faults.ts';
import type { Minted } from './minter.ts';
import type { PlacedKey, Plan, Target } from './plan.ts';
import { scatter } from './scatter.ts';

/**
 * Gives the versions that a key shows new dots, on a majority, before a write is fenced that may have
 * replaced them.
 *
 * The replica that took the write let go of what its writer had seen, and its context says so: joined
 * with it, later, those versions would go, and the fenced one is not shown. Under dots that it has
 * never seen they stay. (What a register holds needs none of this: no ordinary write takes it out.)
 *
 * Answers with all that was met on the way: it may hold the write itself.
 * Errors: QUORUM_UNAVAILABLE, READ_TIMEOUT; what is renewed is the same for every reader.
 */
export async function renew(
  deps: Deps,
  key: PlacedKey,
  { plan, cell }: { plan: Plan; cell: Cell },
): Promise<readonly Cell[]> {
  const dots = visible(cell).flatMap(({ dot }) => (dot.actor === PI ? [] : [dot]));
  if (dots.length === 0) return [];
  const { minted, at } = await mintRenewed(deps, key, { plan, cell, dots });
  const others = key.targets.filter((target) => target !== at);
  const round = await scatter(others, {
    clock: deps.clock,
    plan: { need: plan.need - 1, deadlineMs: plan.deadlineMs },
    atOnce: others.length,
    call: ({ replica }) => minted.forward(replica, plan.deadlineMs),
    accepts: ({ status }: JoinOutcome) => status === 'joined',
  });
  if (round.verdict !== 'met')
    throw readFailure(round, plan, { verb: 'write', keyspace: key.ref.keyspace });
  const joined = round.replies.flatMap(({ reply }) =>
    reply?.status === 'joined' ? [reply.cell] : [],
  );
  return [minted.cell, ...joined];
}

/** At the first replica that does it; a second one that does it too does no harm. */
async function mintRenewed(
  deps: Deps,
  key: PlacedKey,
  what: { plan: Plan; cell: Cell; dots: readonly Dot[] },
): Promise<{ minted: Minted; at: Target }> {
  const { plan, cell, dots } = what;
  const { keyspace } = key.ref;
  for (const at of inOrderOfHealth(key.targets, 'write')) {
    const deadlineMs = Math.min(deps.clock.monotonicMs() + deps.mintMs, plan.deadlineMs);
    try {
      // Whoever lags behind has nothing to renew.
      const joined = await joinInto(at.replica, { ...key, cell }, { deadlineMs });
      if (joined.status !== 'joined') continue;
      // In one turn of the event loop: one swap.
      const renewals = dots.map((renews) =>
        deps.minter.mint(
          { replica: at.replica, ref: key.ref },
          { writeId: '', value: null, seen: seenNothing, siblingsMax: Infinity, renews },
          deadlineMs,
        ),
      );
      const all = await Promise.all(renewals);
      const minted = all.at(-1);
      if (minted) return { minted, at };
    } catch (error) {
      // The next one, then: a renewal that took place and was not answered does no harm.
      deps.log.debug({ error }, 'a replica did not renew the versions of a key');
    }
  }
  throw quorumUnavailable(
    { verb: 'write', keyspace },
    { required: plan.need, alive: 0, perReplica: [] },
  );
}
