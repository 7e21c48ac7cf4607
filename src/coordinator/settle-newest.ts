import type { Cell, Sibling } from '../causality/cell.ts';
import { newestCell } from '../causality/convergence.ts';
import {
  noOutcomes,
  settlementId,
  settlementOf,
  type OutcomeRecord,
} from '../causality/outcomes.ts';
import type { WriteName } from '../causality/write-id.ts';
import { badInput } from '../errors.ts';
import { joinInto } from '../repair/join-into.ts';
import { ReplicaError } from '../replica/replica.ts';
import type { LoggedWrites } from '../replica/write-history.ts';
import type { Deps } from './deps.ts';
import { readFailure } from './faults.ts';
import type { PlacedKey, Plan } from './plan.ts';
import { bringTo } from './read-covering.ts';
import { askAll, behindLocks, uncertain, type Resolution } from './resolve.ts';
import { scatter } from './scatter.ts';

const aheadMaxUs = 60_000_000;
const pauseMs = 10;

interface Uncertain {
  readonly plan: Plan;
  readonly name: WriteName;
}

/**
 * Settles a write of a key where the last write wins. There is no round to agree in, and none is
 * needed to keep a version out: a greater stamp does, wherever it turns up.
 *
 * Where no later one stands, the version that does is written again under the stamp that follows the
 * uncertain one directly: whatever is later than the write stays later than its fence too. Where none
 * stands, the fence is a deletion. A replica that has taken the one or the other is *closed*: what it
 * has not logged by then it never will.
 *
 * Who settles it at the same time must find the same, whichever replicas each can reach: so logs are
 * counted, and read behind the closing, replica by replica. APPLIED needs a majority that shows the write;
 * NEVER a majority that is closed and has not logged it; SUPERSEDED so many that have logged it that no
 * such majority is left. Each is a fact that stays, and no two of them can be.
 *
 * Errors: those of a quorum read; WRITE_UNCERTAIN while the logs that can be read decide neither;
 * BAD_USER_INPUT when the name lacks the stamp and it is needed.
 */
export async function settleNewest(
  deps: Deps,
  key: PlacedKey,
  what: Uncertain,
): Promise<Resolution> {
  for (;;) {
    const resolution = await lookAndSettle(deps, key, what);
    if (resolution) return resolution;
    await deps.clock.sleep(pauseMs);
  }
}

/** Undefined when it was there, and something later came while it was brought to a majority. */
async function lookAndSettle(
  deps: Deps,
  key: PlacedKey,
  { plan, name }: Uncertain,
): Promise<Resolution | undefined> {
  const { writeId } = name;
  const found = await behindLocks(deps, key, plan);
  const cells = found.replies.flatMap(({ reply }) => (reply ? [reply.cell] : []));
  if (cells.length < plan.need)
    throw readFailure(found, plan, { verb: 'read', keyspace: key.ref.keyspace });
  const cell = cells.reduce(key.convergence.join);
  const { settlement } = settlementOf(cell, writeId) ?? {};
  if (settlement?.verdict) return settlement.verdict;
  const [standing] = cell.siblings;
  if (standing?.writeId === writeId)
    return (await holdsAfterwards(deps, key, { plan, cell, writeId })) ? 'APPLIED' : undefined;
  const closing = settlement ? cell : closed(cell, writeId, checkStamp(deps, name));
  const verdict = await verdictOf(deps, key, { plan, name, closing });
  await bringTo(deps, key, { plan, cell: withVerdict(closing, writeId, verdict) });
  return verdict;
}

/** Closes every replica that can be reached to the write, and counts what their logs say then. */
async function verdictOf(
  deps: Deps,
  key: PlacedKey,
  { plan, name, closing }: Uncertain & { closing: Cell },
): Promise<'SUPERSEDED' | 'NEVER'> {
  const { writeId, sinceUs } = name;
  const count = (logs: readonly LoggedWrites[]) => {
    const hasLogged = ({ versions }: LoggedWrites): boolean =>
      versions.some((one) => one.writeId === writeId);
    const taken = logs.filter(hasLogged).length;
    const not = logs.filter((log) => log.complete && !hasLogged(log)).length;
    if (not >= plan.need) return 'NEVER';
    return taken > key.targets.length - plan.need ? 'SUPERSEDED' : undefined;
  };
  const nowMs = deps.clock.monotonicMs();
  const deadlineMs = nowMs + (plan.deadlineMs - nowMs) / 2;
  const { replies } = await askAll(deps, key.targets, {
    deadlineMs,
    call: async ({ replica }) => {
      const { status } = await joinInto(replica, { ...key, cell: closing }, { deadlineMs });
      if (status !== 'joined') throw new ReplicaError('REFUSED', 'it was not closed', false);
      return replica.history(key.ref, { writeId, sinceUs, ballots: [] }, { deadlineMs });
    },
    enough: (logs) => count(logs) !== undefined,
  });
  const verdict = count(replies.flatMap(({ reply }) => reply ?? []));
  if (verdict) return verdict;
  const why = 'the change logs of more replicas must be read to tell whether it took place';
  throw uncertain(key, name, why);
}

/**
 * Brings it to a majority, each of which shows it when it is looked at again. That it was joined is not
 * enough: a replica that has its fence already, from somebody who settles it at the same time and has
 * not met it, keeps that, and its log says nothing of it. One that shows it has logged it, so whoever
 * fences it from then on finds that it took place.
 */
async function holdsAfterwards(
  deps: Deps,
  key: PlacedKey,
  { plan, cell, writeId }: { plan: Plan; cell: Cell; writeId: string },
): Promise<boolean> {
  const round = await scatter(key.targets, {
    clock: deps.clock,
    plan,
    atOnce: key.targets.length,
    call: async ({ replica }) => {
      await joinInto(replica, { ...key, cell }, plan);
      return replica.read(key.ref, plan);
    },
    accepts: (shown) => shown.cell.siblings[0]?.writeId === writeId,
  });
  return round.verdict === 'met';
}

/** A stamp far ahead would win for as long, whoever made it up: nobody's clock is that wrong. */
function checkStamp({ clock }: Deps, { writeId, stamp }: WriteName): Sibling['dot'] {
  if (stamp && stamp.counter <= clock.nowMs() * 1_000 + aheadMaxUs) return stamp;
  throw badInput(
    'Argument "writeId" lacks the stamp of the write: give it as the failure named it',
    'writeId',
    { value: writeId.slice(0, 64) },
  );
}

function isLater(a: Sibling['dot'], b: Sibling['dot']): boolean {
  return a.counter > b.counter || (a.counter === b.counter && a.actor > b.actor);
}

/**
 * What stands, if that is later than the stamp, and else the same directly behind it: `~` sorts behind
 * every character of a gateway's name. In either case with a record of the settlement.
 */
function closed(cell: Cell, writeId: string, stamp: Sibling['dot']): Cell {
  const dot = { actor: `${stamp.actor}~`, counter: stamp.counter };
  const [standing] = cell.siblings;
  const deletion = { writeId: `fence of ${writeId}`, writtenAtUs: stamp.counter, value: null };
  const record: OutcomeRecord = {
    fingerprint: '',
    applied: false,
    atUs: stamp.counter,
    settlement: { stage: 'fenced' },
  };
  const outcomes = new Map(cell.outcomes ?? noOutcomes).set(settlementId(writeId), record);
  const isOver = standing !== undefined && isLater(standing.dot, stamp);
  return { ...(isOver ? cell : newestCell({ ...(standing ?? deletion), dot })), outcomes };
}

function withVerdict(cell: Cell, writeId: string, verdict: 'SUPERSEDED' | 'NEVER'): Cell {
  const record = settlementOf(cell, writeId);
  if (!record) return cell;
  const settled = { ...record, settlement: { stage: 'fenced', verdict } } as const;
  return { ...cell, outcomes: new Map(cell.outcomes).set(settlementId(writeId), settled) };
}
