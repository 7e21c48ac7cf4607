import type { Cell } from '../causality/cell.ts';
import { newestCell } from '../causality/convergence.ts';
import { StoreError } from '../errors.ts';
import { joinInto, type JoinOutcome } from '../repair/join-into.ts';
import { ReplicaError, type KeepResult } from '../replica/replica.ts';
import type { Deps } from './deps.ts';
import {
  inOrderOfHealth,
  quorumUnavailable,
  refuseIfTooFewLive,
  writeUncertain,
} from './faults.ts';
import { recorded, SiblingLimit, versionOf, type Change, type Minted } from './minter.ts';
import type { PlacedKey, Plan, Target } from './plan.ts';
import type { Receipt } from './receipt.ts';
import { notAsked, outcomeOf, scatter, type Attempt, type Round } from './scatter.ts';
import { writeReceipt } from './write-receipt.ts';

export interface WriteResult {
  /** The cell at the coordinating replica right after the write. */
  readonly cell: Cell;
  readonly receipt: Receipt;
}

/**
 * How long a forward is tried, whatever the request's own deadline: that one bounds the wait, not
 * the replication.
 */
const forwardMs = 2_000;

/**
 * Writes one version where concurrent versions are kept side by side: mint its dot at one replica,
 * then forward the whole cell to
 * the others, joined there. All N primaries get it; the plan says how many acknowledgements are
 * awaited.
 *
 * Errors: QUORUM_UNAVAILABLE and TOO_MANY_SIBLINGS (nothing written), WRITE_UNCERTAIN (a version is
 * or may be there).
 */
export async function write(
  deps: Deps,
  key: PlacedKey,
  what: { plan: Plan; change: Change },
): Promise<WriteResult> {
  const { plan, change } = what;
  refuseIfTooFewLive(key, plan.need, { verb: 'write', keyspace: key.ref.keyspace });
  const { minted, attempts } = await mintSomewhere(deps, key, what);
  const coordinating = attempts.find(({ status }) => status === 'OK');
  const others = key.targets.filter((target) => target !== coordinating?.target);
  const forwardUntilMs = deps.clock.monotonicMs() + forwardMs;
  const round = await scatter(others, {
    clock: deps.clock,
    plan: { need: plan.need - 1, deadlineMs: plan.deadlineMs },
    atOnce: others.length,
    call: ({ replica }) => minted.forward(replica, forwardUntilMs),
    accepts: (outcome: JoinOutcome) => outcome.status === 'joined',
  });
  deps.metrics.quorums.inc({ kind: 'write', verdict: round.verdict });
  const all = inListOrder(key, [...(coordinating ? [coordinating] : []), ...round.attempts]);
  if (round.verdict !== 'met') {
    const { writeId } = change;
    throw writeUncertain(all, {
      verdict: round.verdict,
      required: plan.need,
      acknowledged: 1 + round.replies.length,
      writeId,
      keyspace: key.ref.keyspace,
    });
  }
  return { cell: minted.cell, receipt: writeReceipt(deps.clock, key, { plan, attempts: all }) };
}

/**
 * The first healthy primary coordinates. Another one is asked only when the first certainly did
 * nothing, or when its deadline, which the
 * statement carries, has passed: a frozen server that thaws must not mint a second dot for one
 * write.
 */
async function mintSomewhere(
  deps: Deps,
  key: PlacedKey,
  { plan, change }: { plan: Plan; change: Change },
): Promise<{ minted: Minted; attempts: Attempt<unknown>[] }> {
  const attempts: Attempt<unknown>[] = [];
  let uncertain = false;
  for (const target of inOrderOfHealth(key.targets)) {
    const startedMs = deps.clock.monotonicMs();
    if (startedMs >= plan.deadlineMs) break;
    const deadlineMs = Math.min(startedMs + deps.mintMs, plan.deadlineMs);
    const attempt: Attempt<unknown> = {
      target,
      status: 'PENDING',
      reply: undefined,
      fault: undefined,
      startedMs,
      elapsedMs: undefined,
    };
    attempts.push(attempt);
    try {
      const minted = await deps.minter.mint(
        { replica: target.replica, ref: key.ref },
        change,
        deadlineMs,
      );
      attempt.status = 'OK';
      return { minted, attempts };
    } catch (error) {
      // Where an earlier replica may have taken the write, this one's refusal does not say that
      // nothing was written.
      if (error instanceof SiblingLimit && !uncertain) throw tooManySiblings(key, change);
      const fault = faultOfMint(error);
      Object.assign(attempt, { status: fault.fault, fault });
      if (fault.maybeApplied) {
        uncertain = true;
        await deps.clock.sleep(Math.max(0, deadlineMs - deps.clock.monotonicMs()));
      }
    } finally {
      attempt.elapsedMs = deps.clock.monotonicMs() - startedMs;
    }
  }
  throw notMinted(key, { plan, change, attempts, uncertain });
}

function faultOfMint(error: unknown): ReplicaError {
  if (error instanceof ReplicaError) return error;
  if (error instanceof SiblingLimit)
    return new ReplicaError('REFUSED', 'the key has too many concurrent versions', false);
  return new ReplicaError('REFUSED', String(error), true);
}

function notMinted(
  key: PlacedKey,
  what: { plan: Plan; change: Change; attempts: readonly Attempt<unknown>[]; uncertain: boolean },
): StoreError {
  const { plan, change, attempts, uncertain } = what;
  const { keyspace } = key.ref;
  const tried = new Map(attempts.map((attempt) => [attempt.target, attempt]));
  const all = key.targets.map((target) => tried.get(target) ?? notAsked(target));
  if (uncertain) {
    return writeUncertain(all, {
      verdict: 'unreachable',
      required: plan.need,
      acknowledged: 0,
      writeId: change.writeId,
      keyspace,
    });
  }
  const perReplica = all.map((attempt) => outcomeOf(attempt));
  const alive = key.targets.length - attempts.length;
  return quorumUnavailable({ verb: 'write', keyspace }, { required: plan.need, alive, perReplica });
}

function tooManySiblings(key: PlacedKey, { siblingsMax }: Change): StoreError {
  return new StoreError(
    'TOO_MANY_SIBLINGS',
    `Cannot write to keyspace "${key.ref.keyspace}": the key has ${siblingsMax} concurrent versions already; read it, and put the merged value with the context you were given`,
    { limit: siblingsMax },
  );
}

/**
 * Writes one version where only the newest is kept: one conditional upsert at all N replicas in
 * parallel. A replica that holds a
 * greater stamp acknowledges too: the write is superseded there, as it will be everywhere.
 *
 * Errors: QUORUM_UNAVAILABLE, WRITE_UNCERTAIN.
 */
export async function writeNewest(
  deps: Deps,
  key: PlacedKey,
  what: { plan: Plan; change: Change },
): Promise<WriteResult & { superseded: boolean }> {
  const { plan, change } = what;
  refuseIfTooFewLive(key, plan.need, { verb: 'write', keyspace: key.ref.keyspace });
  const cell = stampedCell(deps, change);
  const next = { cell, stamp: key.convergence.stampOf(cell) };
  const options = { deadlineMs: plan.deadlineMs };
  const round = await scatter(key.targets, {
    clock: deps.clock,
    plan,
    atOnce: key.targets.length,
    call: async ({ replica }): Promise<KeepResult> => {
      if (!cell.outcomes) return replica.keepNewest(key.ref, next, options);
      const joined = await joinInto(replica, { ...key, cell }, options);
      return {
        stored: joined.status === 'joined' && joined.cell.siblings[0]?.writeId === change.writeId,
      };
    },
  });
  deps.metrics.quorums.inc({ kind: 'write', verdict: round.verdict });
  if (round.verdict !== 'met') throw newestFailure(key, what, round);
  const superseded = round.replies.some(({ reply }) => reply?.stored === false);
  return {
    cell,
    superseded,
    receipt: writeReceipt(deps.clock, key, { plan, attempts: round.attempts }),
  };
}

/** A stamp later than this gateway's clock and than everything that the writer has seen. */
function stampedCell(deps: Deps, change: Change): Cell {
  const seenUs = Math.max(0, ...change.seen.context.values());
  const counter = Math.max(deps.hybridClock.tick(), seenUs + 1);
  const version = versionOf(change, { dot: { actor: deps.gatewayId, counter }, nowUs: counter });
  return recorded(newestCell(version), change, counter);
}

function newestFailure(
  key: PlacedKey,
  { plan, change }: { plan: Plan; change: Change },
  round: Round<KeepResult>,
): StoreError {
  const { keyspace } = key.ref;
  const clean = round.attempts.every(
    ({ status, fault }) => status === 'NOT_ASKED' || fault?.maybeApplied === false,
  );
  if (clean) {
    const perReplica = round.attempts.map((attempt) => outcomeOf(attempt));
    return quorumUnavailable(
      { verb: 'write', keyspace },
      { required: plan.need, alive: 0, perReplica },
    );
  }
  return writeUncertain(round.attempts, {
    verdict: round.verdict,
    required: plan.need,
    acknowledged: round.replies.length,
    writeId: change.writeId,
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
