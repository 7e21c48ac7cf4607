import type { Cell } from '../causality/cell.ts';
import { carriesOn } from '../paxos/lineage.ts';
import { joinInto, type JoinOutcome } from '../repair/join-into.ts';
import type { Holding } from '../repair/read-repair.ts';
import type { StoredCell } from '../replica/replica.ts';
import type { Deps } from './deps.ts';
import { readFailure, type Subject } from './faults.ts';
import type { PlacedKey, Plan } from './plan.ts';
import { scatter, type Round } from './scatter.ts';

/** A round of consensus that stands in the way of a write-back is over in a few of these. */
export const promisedPauseMs = 5;

export interface Behind {
  readonly key: PlacedKey;
  readonly plan: Plan;
  readonly cell: Cell;
  readonly behind: readonly Holding[];
  readonly round: Round<StoredCell>;
}

export interface WrittenBack {
  /** The ids of the replicas that hold the answer now and did not before. */
  readonly repaired: ReadonlySet<string>;
  /** What they hold now, which may be more than the answer. */
  readonly held: readonly Cell[];
}

export const nothingWritten: WrittenBack = { repaired: new Set(), held: [] };

/**
 * Brings the answer to those who lack it. Undefined when a round of
 * consensus was faster and there is time to read again: a replica had promised a newer ballot (rule
 * A), or accepted one that does not follow from what was read.
 */
export async function writeBack(deps: Deps, what: Behind): Promise<WrittenBack | undefined> {
  const { key, plan, cell, behind, round } = what;
  const holders = round.replies.length - behind.length;
  const known = new Map(behind.map(({ store, stored }) => [store.id, stored]));
  const upToDate = new Set(
    round.replies.filter(({ target }) => !known.has(target.replica.id)).map(({ target }) => target),
  );
  const others = key.targets.filter((target) => !upToDate.has(target));
  // Those found behind first; the ones that have not answered yet may stand in for one that fails
  // now.
  const targets = [...others].sort(
    (a, b) => Number(known.has(b.replica.id)) - Number(known.has(a.replica.id)),
  );
  // A replica whose register has gone another way does not confirm what was read of it.
  const accepts = (reply: JoinOutcome): boolean =>
    reply.status === 'joined' && carriesOn(reply.cell, cell);
  const repair = await scatter(targets, {
    clock: deps.clock,
    plan: { need: plan.need - holders, deadlineMs: plan.deadlineMs },
    atOnce: behind.length,
    // A replica may read and not write: the others stand in for it.
    hedge: deps.hedging.of('write'),
    call: async ({ replica }) => {
      const guess = known.get(replica.id);
      return joinInto(replica, { ...key, cell, ...(guess ? { guess } : {}) }, plan);
    },
    accepts,
  });
  deps.metrics.repairs.inc({ kind: 'write_back', result: repair.verdict }, behind.length);
  const isOvertaken = repair.attempts.some(({ reply }) => reply && !accepts(reply));
  const leftMs = plan.deadlineMs - deps.clock.monotonicMs();
  if (repair.verdict !== 'met' && isOvertaken && leftMs > promisedPauseMs) return undefined;
  if (repair.verdict !== 'met')
    throw readFailure(withRepair(round, repair), plan, {
      verb: 'read',
      keyspace: key.ref.keyspace,
    } satisfies Subject);
  // One that stood in, and turned out to hold the answer already, was not repaired.
  const wrote = repair.replies.filter(({ reply }) => reply?.status === 'joined' && reply.wrote);
  return {
    repaired: new Set(wrote.map(({ target }) => target.replica.id)),
    held: repair.replies.flatMap(({ reply }) => (reply?.status === 'joined' ? [reply.cell] : [])),
  };
}

/**
 * The round as the failed write-back left it: those that hold the answer are still alive, and still
 * have answered.
 */
function withRepair(round: Round<unknown>, repair: Round<unknown>): Round<unknown> {
  const asked = new Map(
    repair.attempts
      .filter(({ status }) => status !== 'NOT_ASKED')
      .map((attempt) => [attempt.target, attempt]),
  );
  const attempts = round.attempts.map((attempt) => asked.get(attempt.target) ?? attempt);
  return {
    ...repair,
    attempts,
    replies: attempts.filter(({ status }) => status === 'OK'),
    settled: round.settled,
  };
}
