import { emptyCell, visible, type Cell } from '../causality/cell.ts';
import { digestOf } from '../causality/cell-codec.ts';
import { PI } from '../causality/dot.ts';
import { isFenced } from '../causality/outcomes.ts';
import { badInput, type StoreError } from '../errors.ts';
import { joinInto, type JoinOutcome } from '../repair/join-into.ts';
import type { StoredCell } from '../replica/replica.ts';
import type { Deps } from './deps.ts';
import { readFailure } from './faults.ts';
import type { PlacedKey, Plan } from './plan.ts';
import type { Receipt } from './receipt.ts';
import { outcomeOf, scatter, type Round } from './scatter.ts';
import { behindLocks, everyLog, type Doubt } from './resolve.ts';
import { writeReceipt } from './write-receipt.ts';

const promisedPauseMs = 5;

/**
 * Brings a past write to as many replicas as its level needs: the version, or, where it was
 * replaced since, the state that has seen it.
 *
 * Errors: BAD_USER_INPUT when no replica knows the write; QUORUM_UNAVAILABLE and READ_TIMEOUT
 * (nothing is lost). Undefined where a round is asked for, and the write was an ordinary one, which
 * no round decides.
 */
export async function awaitVersion(
  deps: Deps,
  key: PlacedKey,
  what: { plan: Plan; doubt: Doubt; byConsensus: boolean },
): Promise<Receipt | undefined> {
  const { plan, doubt, byConsensus } = what;
  const found = await behindLocks(deps, key, plan);
  const cells = found.replies.flatMap(({ reply }) => (reply ? [reply.cell] : []));
  const cell = cells.reduce(key.convergence.join, emptyCell);
  const actors = await actorsOf(deps, key, { plan, doubt, found, cell });
  if (!byConsensus) return bringCell(deps, key, { plan, cell, found });
  if (!actors.includes(PI)) return undefined;
  const operation = { decide: () => ({ kind: 'answer', answer: undefined }) as const };
  const { receipt } = await deps.consensus.run(key, { plan, operation, settles: true });
  return receipt;
}

/** The actors of the write's versions, live or replaced. */
async function actorsOf(
  deps: Deps,
  key: PlacedKey,
  what: { plan: Plan; doubt: Doubt; found: Round<StoredCell>; cell: Cell },
): Promise<readonly string[]> {
  const { plan, doubt, found, cell } = what;
  const { writeId } = doubt;
  if (isFenced(cell, writeId)) throw unknownWrite(writeId, 'it was settled as one that never was');
  const live = visible(cell).filter(
    (one) => one.writeId === writeId || one.overtook?.includes(writeId),
  );
  if (live.length > 0) return live.map(({ dot }) => dot.actor);
  const logs = await everyLog(deps, key, {
    plan,
    doubt,
    ballots: [],
    enough: (some) => some.some(({ versions }) => versions.some(isOf(writeId))),
  });
  const logged = logs.flatMap(({ versions }) => versions.filter(isOf(writeId)));
  if (logged.length > 0) return logged.map(({ dot }) => dot.actor);
  // Of a write that nobody has seen, only all primaries together can say so.
  if (found.replies.length < key.targets.length) {
    const everyone = { ...plan, need: key.targets.length };
    throw readFailure(found, everyone, { verb: 'read', keyspace: key.ref.keyspace });
  }
  throw unknownWrite(writeId, 'no replica knows it');
}

function isOf(writeId: string) {
  return (one: { writeId: string; overtook?: readonly string[] }): boolean =>
    one.writeId === writeId || one.overtook?.includes(writeId) === true;
}

/** To `plan.need` primaries; who has promised a ballot is asked again when its round is over. */
async function bringCell(
  deps: Deps,
  key: PlacedKey,
  { plan, cell, found }: { plan: Plan; cell: Cell; found: Round<StoredCell> },
): Promise<Receipt> {
  const digest = digestOf(cell);
  const guesses = new Map(
    found.replies.flatMap(({ target, reply }) => (reply ? [[target, reply] as const] : [])),
  );
  for (;;) {
    const round = await scatter(key.targets, {
      clock: deps.clock,
      plan,
      atOnce: key.targets.length,
      call: async (target): Promise<JoinOutcome> => {
        const guess = guesses.get(target);
        if (guess?.digest === digest) return { status: 'joined', cell, wrote: false };
        return joinInto(target.replica, { ...key, cell, ...(guess ? { guess } : {}) }, plan);
      },
      accepts: ({ status }: JoinOutcome) => status === 'joined',
    });
    const isPromised = round.attempts.some(({ reply }) => reply?.status === 'refused');
    if (round.verdict === 'met') {
      const behind = [...guesses.values()].filter((stored) => stored.digest !== digest);
      return receiptOf(deps, key, { plan, round, behind: behind.length });
    }
    if (!isPromised || plan.deadlineMs - deps.clock.monotonicMs() <= promisedPauseMs)
      throw readFailure(round, plan, { verb: 'read', keyspace: key.ref.keyspace });
    await deps.clock.sleep(promisedPauseMs);
  }
}

function receiptOf(
  deps: Deps,
  key: PlacedKey,
  { plan, round, behind }: { plan: Plan; round: Round<JoinOutcome>; behind: number },
): Receipt {
  const wrote = round.replies.filter(({ reply }) => reply?.status === 'joined' && reply.wrote);
  return {
    ...writeReceipt(deps.clock, key, { plan, attempts: round.attempts }),
    stale: behind,
    repaired: Math.min(behind, wrote.length),
    replicas: round.attempts.map((attempt) =>
      outcomeOf(attempt, wrote.includes(attempt) ? 'REPAIRED' : attempt.status),
    ),
  };
}

function unknownWrite(writeId: string, why: string): StoreError {
  return badInput(
    `Argument "writeId" names a write that is not to be found under this key: ${why}`,
    'writeId',
    { value: writeId.slice(0, 64) },
  );
}
