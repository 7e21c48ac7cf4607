import { visible, type Cell } from '../causality/cell.ts';
import { isFenced } from '../causality/outcomes.ts';
import { doubtedIn, fence, judge } from '../paxos/settlement.ts';
import { converge, type Holding } from '../repair/read-repair.ts';
import { SharedCells, type StoredCell } from '../replica/replica.ts';
import { BriefReading } from './brief-reading.ts';
import type { Deps } from './deps.ts';
import { inOrderOfHealth, readFailure, refuseIfTooFewLive } from './faults.ts';
import type { PlacedKey, Plan, Target } from './plan.ts';
import { traced } from './traced.ts';
import { readReceipt } from './read-receipt.ts';
import type { Receipt } from './receipt.ts';
import { settleRound } from './settle.ts';
import { scatter, type Attempt, type Round } from './scatter.ts';
import { nothingWritten, promisedPauseMs, writeBack } from './write-back.ts';

export interface ReadResult {
  readonly cell: Cell;
  readonly receipt: Receipt;
}

/**
 * Reads one key: `plan.need` answers, joined.
 *
 * With `writeBack`, when the answers differ, the joined cell is brought to `need` replicas before
 * returning; otherwise a later read could meet only replicas that lack it, and time would seem to
 * run backwards (Attiya, Bar-Noy, Dolev, "Sharing Memory Robustly", 1995). The replicas that were
 * not needed for the answer are compared and healed in the background, at every level.
 *
 * Errors: QUORUM_UNAVAILABLE, READ_TIMEOUT.
 */
export async function read(deps: Deps, key: PlacedKey, plan: Plan): Promise<ReadResult> {
  const result = await readIf(deps, key, { plan });
  if (!result) throw new Error('a read without conditions has an answer');
  return result;
}

export interface Terms {
  readonly plan: Plan;
  /** Whether these answers of a quorum are enough as they are; left out, any are. */
  readonly usable?: (cells: readonly Cell[]) => boolean;
}

/** Like `read`, and undefined when the answers of the quorum are not `usable` as they are. */
export function readIf(deps: Deps, key: PlacedKey, terms: Terms): Promise<ReadResult | undefined> {
  return traced(deps, { name: 'read', plan: terms.plan }, () => readOnce(deps, key, terms));
}

async function readOnce(
  deps: Deps,
  key: PlacedKey,
  terms: Terms,
  refusals = 0,
): Promise<ReadResult | undefined> {
  const options = { deadlineMs: terms.plan.deadlineMs, shared: new SharedCells() };
  const briefly = terms.plan.need > 1 ? new BriefReading(deps, [key.ref], options) : undefined;
  const round = await askForRead(deps, key, {
    plan: terms.plan,
    keys: 1,
    call: (target) => (briefly ? briefly.askOne(target) : target.replica.read(key.ref, options)),
  });
  return concludeRead(deps, key, { ...terms, round, refusals });
}

/** Asks the replicas of a key, or of several that have the same; the quorum is met, or it rejects. */
export async function askForRead<T>(
  deps: Deps,
  key: PlacedKey,
  what: { plan: Plan; keys: number; call: (target: Target) => Promise<T> },
): Promise<Round<T>> {
  const { plan, keys, call } = what;
  const subject = { verb: 'read', keyspace: key.ref.keyspace } as const;
  refuseIfTooFewLive(key, { need: plan.need }, subject);
  const targets = inOrderOfHealth(key.targets, 'read');
  const round = await scatter(targets, {
    clock: deps.clock,
    plan,
    // One answer is asked of one replica; for more, all are asked at once, so that one frozen
    // replica costs nothing.
    atOnce: plan.need === 1 ? 1 : targets.length,
    ...(plan.need === 1 ? { hedge: deps.hedging.of('read') } : {}),
    call,
  });
  deps.metrics.quorums.inc({ kind: 'read', verdict: round.verdict }, keys);
  if (round.verdict !== 'met') throw readFailure(round, plan, subject);
  return round;
}

/** What follows of a round that met its quorum. Undefined when the answers are not `usable`. */
export async function concludeRead(
  deps: Deps,
  key: PlacedKey,
  what: Terms & { round: Round<StoredCell>; refusals?: number },
): Promise<ReadResult | undefined> {
  const { plan, usable, round, refusals = 0 } = what;
  if (usable && !usable(round.replies.flatMap(({ reply }) => (reply ? [reply.cell] : []))))
    return undefined;
  const { cell, digest, behind } = converge(holdingsOf(round.replies), key.convergence);
  if (key.convergence.timed) observeStamp(deps, cell);
  const isHeld =
    !plan.writeBack || behind.length === 0 || round.replies.length - behind.length >= plan.need;
  const written = isHeld
    ? nothingWritten
    : await writeBack(deps, { key, plan, cell, behind, round });
  // What is shown now must stay: so nobody may be about to settle that it never was.
  const doubts = plan.writeBack && written ? doubtsOf(cell, written.held) : [];
  if (!written || doubts.length > 0) {
    await waitForRound(deps, key, { plan, refusals, doubts });
    return readOnce(deps, key, { plan, ...(usable ? { usable } : {}) }, refusals + 1);
  }
  const { repaired } = written;
  healTheRest(deps, key, { round, repaired });
  return { cell, receipt: readReceipt(deps, key, { plan, round, cell, digest, repaired }) };
}

/** Where the last write wins, what is written after a read must be later than what was read. */
export function observeStamp({ hybridClock }: Deps, { siblings }: Cell): void {
  for (const { dot } of siblings) hybridClock.observe(dot.counter);
}

const refusalsMax = 4;

/**
 * Lets the round that stands in the way come to its end. One that does not has nobody to end it: its
 * proposer died, or had nothing to accept; then a round of our own does. `doubts`: the writes that
 * somebody is settling, and that this read would show.
 */
async function waitForRound(
  deps: Deps,
  key: PlacedKey,
  { plan, refusals, doubts }: { plan: Plan; refusals: number; doubts: readonly string[] },
): Promise<void> {
  const { clock } = deps;
  if (refusals < refusalsMax) return clock.sleep(promisedPauseMs);
  // When it fails, the read that follows says why.
  const settled =
    doubts.length === 0
      ? settleRound(deps, key, plan)
      : Promise.all(doubts.map((writeId) => liftDoubt(deps, key, { plan, writeId })));
  await settled.catch(() => clock.sleep(promisedPauseMs));
}

/** Ends what somebody has begun who settles this write, or has died over it. */
async function liftDoubt(
  { consensus }: Deps,
  key: PlacedKey,
  { plan, writeId }: { plan: Plan; writeId: string },
): Promise<void> {
  const majority = Math.floor(key.targets.length / 2) + 1;
  const what = { plan: { ...plan, need: Math.max(plan.need, majority) }, settles: true } as const;
  const { answer } = await consensus.run(key, { ...what, operation: judge(writeId) });
  if (answer.kind === 'fenced')
    await consensus.run(key, { ...what, operation: fence(writeId, undefined) });
}

/** Versions that `cell` shows, and that may be fenced, as those know who hold it now. */
export function doubtsOf(cell: Cell, held: readonly Cell[]): readonly string[] {
  const shown = visible(cell);
  return [cell, ...held].flatMap((known) => {
    const doubted = doubtedIn(known);
    return shown
      .map(({ writeId }) => writeId)
      .filter((writeId) => doubted.includes(writeId) || isFenced(known, writeId));
  });
}

/**
 * Stragglers, replicas that were not asked, and those that were behind and not yet healed: compared
 * and joined off the hot path.
 */
function healTheRest(
  deps: Deps,
  key: PlacedKey,
  { round, repaired }: { round: Round<StoredCell>; repaired: ReadonlySet<string> },
): void {
  const agreedAlready =
    round.attempts.every(({ status }) => status === 'OK') &&
    round.attempts.every(sameAsFirst) &&
    repaired.size === 0;
  if (agreedAlready) return;
  deps.repair.later({ ...key, settle: () => settleRound(deps, key) }, allAnswers(deps, key, round));
}

/** What all hold, those too that were not asked. */
async function allAnswers(
  deps: Deps,
  key: PlacedKey,
  { settled }: Round<StoredCell>,
): Promise<readonly Holding[]> {
  const attempts = await settled;
  const unasked = attempts.filter(({ status }) => status === 'NOT_ASKED');
  if (unasked.length === 0) return holdingsOf(attempts);
  const late = await Promise.all(unasked.map(({ target }) => ask(deps, key, target)));
  return [...holdingsOf(attempts), ...late.flat()];
}

function sameAsFirst(
  attempt: Attempt<StoredCell>,
  _: number,
  all: readonly Attempt<StoredCell>[],
): boolean {
  return attempt.reply?.digest === all[0]?.reply?.digest;
}

async function ask(deps: Deps, key: PlacedKey, { replica }: Target): Promise<Holding[]> {
  if (!replica.votes) return [];
  const options = { deadlineMs: deps.clock.monotonicMs() + deps.mintMs };
  return replica.read(key.ref, options).then(
    (stored) => [{ store: replica, stored }],
    () => [],
  );
}

export function holdingsOf(attempts: readonly Attempt<StoredCell>[]): Holding[] {
  return attempts.flatMap(({ target, reply }) =>
    reply ? [{ store: target.replica, stored: reply }] : [],
  );
}
