import type { Cell } from '../causality/cell.ts';
import { newestCell } from '../causality/convergence.ts';
import { isFenced, isUnsettled } from '../causality/outcomes.ts';
import { uncertainName } from '../causality/write-id.ts';
import { otherArguments, type StoreError } from '../errors.ts';
import { joinInto, type JoinOutcome } from '../repair/join-into.ts';
import type { KeepResult } from '../replica/replica.ts';
import type { Deps } from './deps.ts';
import { quorumUnavailable, refuseIfTooFewLive, sloppyNote, writeUncertain } from './faults.ts';
import { Hinting } from './hinting.ts';
import { mintSomewhere } from './mint.ts';
import { isDisputed, recorded, versionOf, type Change } from './minter.ts';
import type { PlacedKey, Plan, Target } from './plan.ts';
import { read } from './read.ts';
import type { Receipt } from './receipt.ts';
import { outcomeOf, scatter, type Attempt, type Round } from './scatter.ts';
import { traced } from './traced.ts';
import { writeReceipt } from './write-receipt.ts';

export interface WriteResult {
  /** The cell at the coordinating replica right after the write. */
  readonly cell: Cell;
  readonly receipt: Receipt;
}

interface Order {
  readonly plan: Plan;
  readonly change: Change;
}

type NewestResult = WriteResult & {
  /** `true`: by what, is not known. */
  readonly superseded: boolean | Cell;
};

/**
 * How long a forward is tried, whatever the request's own deadline: that one bounds the wait, not
 * the replication.
 */
const forwardMs = 2_000;

/**
 * Writes one version where concurrent versions are kept side by side: mint its dot at one replica,
 * then forward the whole cell to
 * the others, joined there. All N primaries get it; the plan says how many acknowledgements are
 * awaited. Who does not take it gets a hint, kept elsewhere.
 *
 * Errors: QUORUM_UNAVAILABLE and TOO_MANY_SIBLINGS (nothing written), WRITE_UNCERTAIN (a version is
 * or may be there).
 */
export function write(deps: Deps, key: PlacedKey, what: Order): Promise<WriteResult> {
  return traced(deps, { name: 'write', plan: what.plan }, () => mintAndForward(deps, key, what));
}

async function mintAndForward(deps: Deps, key: PlacedKey, what: Order): Promise<WriteResult> {
  const { plan, change } = what;
  refuseIfTooFewLive(key, plan, { verb: 'write', keyspace: key.ref.keyspace });
  const { minted, attempts } = await mintSomewhere(deps, key, what);
  const coordinating = attempts.find(({ status }) => status === 'OK');
  const mintedAt = coordinating?.target;
  const hinting = new Hinting(deps, key, {
    cell: minted.cell,
    mintedAt,
    countsUntilMs: plan.sloppy && plan.deadlineMs,
  });
  hinting.mayBeThere();
  const others = key.targets.filter((target) => target !== mintedAt);
  // A fallback that minted it counts when it keeps a hint: only those are carried over.
  const own = mintedAt?.role === 'primary' ? 1 : 0;
  const forwardUntilMs = deps.clock.monotonicMs() + forwardMs;
  const round = await scatter(others, {
    clock: deps.clock,
    plan: { need: plan.need - own, deadlineMs: plan.deadlineMs },
    atOnce: others.length,
    call: ({ replica }) => hinting.patiently(minted.forward(replica, forwardUntilMs), deps.mintMs),
    // Its own version is there, even where a promise keeps what consensus chose away. But where the
    // write was fenced since, nobody will be shown it: that is no acknowledgement.
    accepts: (outcome: JoinOutcome) =>
      outcome.status === 'joined' ? !isFenced(outcome.cell, change.writeId) : outcome.tookOrdinary,
    missed: hinting.missed,
  });
  deps.hints.follow(round.settled);
  deps.metrics.quorums.inc({ kind: 'write', verdict: round.verdict });
  const first = coordinating && own > 0 ? [coordinating] : [];
  const all = [...inListOrder(key, [...first, ...round.attempts]), ...hinting.lines];
  if (round.verdict !== 'met') {
    const { writeId } = change;
    throw writeUncertain(all, {
      verdict: round.verdict,
      required: plan.need,
      acknowledged: own + round.replies.length,
      writeId,
      keyspace: key.ref.keyspace,
    });
  }
  const joined = round.replies.flatMap(({ reply }) =>
    reply?.status === 'joined' ? [reply.cell] : [],
  );
  refuseDisputed(change, [minted.cell, ...joined]);
  const cell = hasUnsettled(minted.cell, joined)
    ? await settledCell(deps, key, { plan, change, attempts: all })
    : minted.cell;
  return { cell, receipt: writeReceipt(deps.clock, key, { plan, attempts: all }) };
}

/**
 * Whether the cell shows a version that may be fenced, or was, as those know who have joined it: the
 * replica that minted may not have heard of it.
 */
function hasUnsettled({ siblings }: Cell, joined: readonly Cell[]): boolean {
  return joined.some((cell) =>
    siblings.some(({ writeId }) => isUnsettled(cell, writeId) || isFenced(cell, writeId)),
  );
}

/**
 * What the writer is shown then: not the cell as it was minted. Its context would cover what such a
 * version hides, and the next write would replace that unseen. A read settles it first.
 *
 * Errors: WRITE_UNCERTAIN when there is no time for that: the version is there, and cannot be shown.
 */
async function settledCell(
  deps: Deps,
  key: PlacedKey,
  what: { plan: Plan; change: Change; attempts: readonly Attempt<unknown>[] },
): Promise<Cell> {
  const { plan, change, attempts } = what;
  try {
    return (await read(deps, key, { ...plan, writeBack: true })).cell;
  } catch {
    throw writeUncertain(attempts, {
      verdict: 'late',
      required: plan.need,
      acknowledged: plan.need,
      writeId: change.writeId,
      keyspace: key.ref.keyspace,
    });
  }
}

/**
 * Two gateways that were given one idempotency key with different arguments at the same moment have
 * both looked for a first attempt and found none. Each waits for a majority, so that at one replica at
 * least one of them comes second, and finds the record of the other.
 *
 * Errors: BAD_USER_INPUT with outcome UNKNOWN, because the version is there.
 */
function refuseDisputed(change: Change, cells: readonly Cell[]): void {
  if (cells.some((cell) => isDisputed(cell, change))) throw otherArguments('UNKNOWN');
}

/**
 * Writes one version where only the newest is kept: one conditional upsert at all N replicas in
 * parallel. A replica that holds a
 * greater stamp acknowledges too: the write is superseded there, as it will be everywhere. Who does
 * not take it gets a hint, once another one has.
 *
 * Errors: QUORUM_UNAVAILABLE, WRITE_UNCERTAIN.
 */
export function writeNewest(deps: Deps, key: PlacedKey, what: Order): Promise<NewestResult> {
  return traced(deps, { name: 'write', plan: what.plan }, () => upsert(deps, key, what));
}

async function upsert(deps: Deps, key: PlacedKey, what: Order): Promise<NewestResult> {
  const { plan, change } = what;
  refuseIfTooFewLive(key, plan, { verb: 'write', keyspace: key.ref.keyspace });
  const cell = stampedCell(deps, change);
  const next = { cell, stamp: key.convergence.stampOf(cell) };
  const options = { deadlineMs: plan.deadlineMs };
  const hinting = new Hinting(deps, key, { cell, countsUntilMs: plan.sloppy && plan.deadlineMs });
  const keep = async ({ replica }: Target): Promise<KeepResult & { cell?: Cell }> => {
    if (!cell.outcomes) return replica.keepNewest(key.ref, next, options);
    const joined = await joinInto(replica, { ...key, cell }, options);
    if (joined.status !== 'joined') return { stored: false };
    return { stored: isWriteOf(joined.cell, change), cell: joined.cell };
  };
  const round = await scatter(key.targets, {
    clock: deps.clock,
    plan,
    atOnce: key.targets.length,
    call: (target) =>
      hinting.patiently(
        hinting.watch(keep(target), () => true),
        deps.mintMs,
      ),
    missed: hinting.missed,
  });
  deps.hints.follow(round.settled);
  deps.metrics.quorums.inc({ kind: 'write', verdict: round.verdict });
  if (round.verdict !== 'met') throw newestFailure(key, { plan, cell }, { round, hinting });
  refuseDisputed(
    change,
    round.replies.flatMap(({ reply }) => (reply?.cell ? [reply.cell] : [])),
  );
  const losses = round.replies.flatMap(({ reply }) => (reply?.stored === false ? [reply] : []));
  const winners = losses.flatMap(({ by }) => by ?? []);
  const isKnown = losses.length > 0 && winners.length === losses.length;
  return {
    cell,
    superseded: isKnown ? winners.reduce(key.convergence.join) : losses.length > 0,
    receipt: writeReceipt(deps.clock, key, {
      plan,
      attempts: [...round.attempts, ...hinting.lines],
    }),
  };
}

function isWriteOf({ siblings }: Cell, { writeId }: Change): boolean {
  return siblings[0]?.writeId === writeId;
}

/** A stamp later than this gateway's clock and than everything that the writer has seen. */
function stampedCell(deps: Deps, change: Change): Cell {
  const seenUs = Math.max(0, ...change.seen.context.values());
  // Not the greater of tick and seen + 1: two writes that had seen one version of a faster clock
  // would get one stamp, and replicas could never agree which of them to keep.
  const counter = deps.hybridClock.tickAfter(seenUs);
  const version = versionOf(change, { dot: { actor: deps.gatewayId, counter }, nowUs: counter });
  return recorded(newestCell(version), change, counter);
}

function newestFailure(
  key: PlacedKey,
  { plan, cell }: { plan: Plan; cell: Cell },
  { round, hinting }: { round: Round<KeepResult>; hinting: Hinting },
): StoreError {
  const { keyspace } = key.ref;
  const attempts = [...round.attempts, ...hinting.lines];
  // A hint that is kept, or may be, will be delivered.
  const clean = attempts.every(
    ({ status, fault }) => status === 'NOT_ASKED' || fault?.maybeApplied === false,
  );
  if (clean) {
    const perReplica = attempts.map((attempt) => outcomeOf(attempt));
    return quorumUnavailable(
      { verb: 'write', keyspace },
      { required: plan.need, alive: 0, perReplica },
      sloppyNote(key, plan.sloppy),
    );
  }
  const [version] = cell.siblings;
  const { dot, writeId } = version ?? { dot: { actor: '', counter: 0 }, writeId: '' };
  return writeUncertain(attempts, {
    verdict: round.verdict,
    required: plan.need,
    acknowledged: round.replies.length,
    // With its stamp: whoever settles the write must know above which one it is to be fenced.
    writeId: uncertainName(writeId, { atUs: dot.counter, gateway: dot.actor }),
    keyspace,
  });
}

/** The coordinating replica's line goes where the preference list has it. */
function inListOrder(
  key: PlacedKey,
  attempts: readonly Attempt<unknown>[],
): readonly Attempt<unknown>[] {
  const place = new Map<Target, number>(key.targets.map((target, index) => [target, index]));
  return [...attempts].sort((a, b) => (place.get(a.target) ?? 0) - (place.get(b.target) ?? 0));
}
