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
import type { LoggedWrites } from '../replica/write-history.ts';
import type { Deps } from './deps.ts';
import { readFailure } from './faults.ts';
import type { PlacedKey, Plan } from './plan.ts';
import { bringTo } from './read-covering.ts';
import { behindLocks, everyLog, type Resolution } from './resolve.ts';

const aheadMaxUs = 60_000_000;

/**
 * Settles a write of a key where the last write wins. There is no round to agree in, and none is
 * needed to keep a version out: a greater stamp does, wherever it turns up.
 *
 * So the version that stands is written again under the stamp that follows the uncertain one
 * directly: whatever is later than the write stays later than its fence too. Where none stands, the
 * fence is a deletion. The logs are read afterwards, of a majority that takes the write no more: had
 * a read brought it to a majority before, one of them would name it.
 * Errors: those of a quorum read; BAD_USER_INPUT when the name lacks the stamp and it is needed.
 */
export async function settleNewest(
  deps: Deps,
  key: PlacedKey,
  { plan, name }: { plan: Plan; name: WriteName },
): Promise<Resolution> {
  const { writeId, stamp } = name;
  const found = await behindLocks(deps, key, plan);
  const cells = found.replies.flatMap(({ reply }) => (reply ? [reply.cell] : []));
  if (cells.length < plan.need)
    throw readFailure(found, plan, { verb: 'read', keyspace: key.ref.keyspace });
  const cell = cells.reduce(key.convergence.join);
  const { settlement } = settlementOf(cell, writeId) ?? {};
  if (settlement?.verdict) return settlement.verdict;
  const [standing] = cell.siblings;
  if (standing?.writeId === writeId) {
    await bringTo(deps, key, { plan, cell });
    return 'APPLIED';
  }
  if (!settlement && stamp && standing && isLater(standing.dot, stamp)) return 'SUPERSEDED';
  const fence = settlement ? cell : fenced(cell, writeId, checkStamp(deps, name));
  await bringTo(deps, key, { plan, cell: fence });
  const enough = (logs: readonly LoggedWrites[]): boolean => logs.length >= plan.need;
  const logs = await everyLog(deps, key, { plan, doubt: name, ballots: [], enough });
  if (!enough(logs)) throw readFailure(found, plan, { verb: 'read', keyspace: key.ref.keyspace });
  const isLogged = logs.some(({ versions }) => versions.some((one) => one.writeId === writeId));
  const verdict = isLogged ? 'SUPERSEDED' : 'NEVER';
  await bringTo(deps, key, { plan, cell: withVerdict(fence, writeId, verdict) });
  return verdict;
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

/** What stands, directly behind the stamp: `~` sorts behind every character of a gateway's name. */
function fenced(cell: Cell, writeId: string, stamp: Sibling['dot']): Cell {
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
  return { ...newestCell({ ...(standing ?? deletion), dot }), outcomes };
}

function withVerdict(cell: Cell, writeId: string, verdict: 'SUPERSEDED' | 'NEVER'): Cell {
  const record = settlementOf(cell, writeId);
  if (!record) return cell;
  const settled = { ...record, settlement: { stage: 'fenced', verdict } } as const;
  return { ...cell, outcomes: new Map(cell.outcomes).set(settlementId(writeId), settled) };
}
