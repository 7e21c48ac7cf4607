import { fencedRetry, otherArguments, StoreError } from '../errors.ts';
import { ReplicaError } from '../replica/replica.ts';
import { actorOf } from '../causality/dot.ts';
import type { Deps } from './deps.ts';
import { inOrderOfHealth, quorumUnavailable, sloppyNote, writeUncertain } from './faults.ts';
import { patientHedge } from './hedging.ts';
import {
  FencedWrite,
  mintedAs,
  OtherArguments,
  SiblingLimit,
  type Change,
  type Minted,
} from './minter.ts';
import type { PlacedKey, Plan, Target } from './plan.ts';
import { notAsked, outcomeOf, scatter, type Attempt } from './scatter.ts';

/** What is to be written, and until when. */
export interface MintRequest {
  readonly plan: Plan;
  readonly change: Change;
}

/** A replica that has answered so lately is taken to be there still. */
const freshMs = 5;

/**
 * Mints the dot of one write at one replica; the first healthy primary coordinates. Where hints
 * count, a fallback does when no primary can: the version then lies there, and in the hints, until
 * it has been delivered (docs/decisions/0016).
 *
 * Another one is asked only when the first certainly did nothing and never will: its refusal says so,
 * or it says so when asked again after the deadline that its statement carries. Two dots of one write
 * would be two versions: who replaces the one that he was shown leaves the other, and it comes back
 * beside what replaced it. To answer WRITE_UNCERTAIN while the replica cannot be asked is the price;
 * it is seldom paid, because a replica that has not been heard of late is first asked whether it is
 * there, with a read, which does no harm.
 *
 * Errors: QUORUM_UNAVAILABLE and TOO_MANY_SIBLINGS (nothing written), WRITE_UNCERTAIN.
 */
export async function mintSomewhere(
  deps: Deps,
  key: PlacedKey,
  { plan, change }: MintRequest,
): Promise<{ minted: Minted; attempts: Attempt<unknown>[] }> {
  const attempts: Attempt<unknown>[] = [];
  for (const target of await inOrderOfAnswers(deps, key, plan)) {
    const startedMs = deps.clock.monotonicMs();
    if (startedMs >= plan.deadlineMs) break;
    const before = { incarnation: target.replica.incarnation, us: deps.hybridClock.tick() };
    const deadlineMs = Math.min(startedMs + deps.mintMs, plan.deadlineMs);
    const attempt: Attempt<unknown> = { ...notAsked(target), status: 'PENDING', startedMs };
    attempts.push(attempt);
    try {
      const at = { replica: target.replica, ref: key.ref };
      const minted = await deps.minter.mint(at, change, deadlineMs);
      attempt.status = 'OK';
      return { minted, attempts };
    } catch (error) {
      if (error instanceof SiblingLimit) throw tooManySiblings(key, change);
      if (error instanceof OtherArguments) throw otherArguments();
      if (error instanceof FencedWrite) throw fencedRetry();
      const fault =
        error instanceof ReplicaError ? error : new ReplicaError('REFUSED', String(error), true);
      Object.assign(attempt, { status: fault.fault, fault });
      if (!fault.maybeApplied) continue;
      await deps.clock.sleep(Math.max(0, deadlineMs - deps.clock.monotonicMs()));
      const fate = await fateOfMint(deps, key, { target, plan, change, before });
      if (fate === 'nothing') continue;
      if (fate === 'unknown') throw notMinted(key, { plan, change, attempts, uncertain: true });
      Object.assign(attempt, { status: 'OK', fault: undefined });
      return { minted: fate, attempts };
    } finally {
      attempt.elapsedMs = deps.clock.monotonicMs() - startedMs;
    }
  }
  throw notMinted(key, { plan, change, attempts, uncertain: false });
}

/** Who may mint, one that is certainly there first. */
async function inOrderOfAnswers(
  deps: Deps,
  key: PlacedKey,
  plan: Plan,
): Promise<readonly Target[]> {
  const targets = candidates(key, plan);
  if (targets[0]?.replica.hasAnsweredWithin(freshMs)) return targets;
  const deadlineMs = Math.min(deps.clock.monotonicMs() + deps.mintMs, plan.deadlineMs);
  const round = await scatter(targets, {
    clock: deps.clock,
    plan: { need: 1, deadlineMs },
    atOnce: 1,
    hedge: patientHedge,
    call: ({ replica }) => replica.read(key.ref, { deadlineMs }),
  });
  const [first] = round.replies;
  if (!first) return targets;
  return [first.target, ...targets.filter((target) => target !== first.target)];
}

/** Fallbacks only after all primaries: what they mint must be carried over later. */
function candidates({ targets, fallbacks }: PlacedKey, { sloppy }: Plan): readonly Target[] {
  const primaries = inOrderOfHealth(targets);
  return sloppy ? [...primaries, ...inOrderOfHealth(fallbacks)] : primaries;
}

/**
 * What became of a mint whose answer never came, asked after its deadline, when nothing can happen any
 * more: the version is there; or the replica is still the one that it was and has minted nothing for
 * the key since (our clock before the attempt is at most the counter of its dot); or nobody can tell.
 */
async function fateOfMint(
  deps: Deps,
  key: PlacedKey,
  what: MintRequest & {
    target: Target;
    before: { incarnation: string | undefined; us: number };
  },
): Promise<Minted | 'nothing' | 'unknown'> {
  const { plan, before } = what;
  const { replica } = what.target;
  const deadlineMs = Math.min(deps.clock.monotonicMs() + deps.mintMs, plan.deadlineMs);
  // A promise of nothing locks the row as a swap does: it waits for one that is still committing, and
  // one that comes after it is too late.
  const found = await replica
    .prepare(key.ref, 0, { deadlineMs })
    .then(() => replica.read(key.ref, { deadlineMs }))
    .catch(() => undefined);
  if (!found) return 'unknown';
  const { cell } = found;
  if (cell.siblings.some(({ writeId }) => writeId === what.change.writeId)) {
    return mintedAs(key.ref, cell);
  }
  const { incarnation } = replica;
  if (incarnation === undefined || incarnation !== before.incarnation) return 'unknown';
  // It may have been minted there, and handed over since.
  if (found.emptied !== undefined) return 'unknown';
  return (cell.context.get(actorOf(incarnation)) ?? 0) < before.us ? 'nothing' : 'unknown';
}

function notMinted(
  key: PlacedKey,
  what: MintRequest & { attempts: readonly Attempt<unknown>[]; uncertain: boolean },
): StoreError {
  const { plan, change, attempts, uncertain } = what;
  const { keyspace } = key.ref;
  const tried = new Map(attempts.map((attempt) => [attempt.target, attempt]));
  const asked = plan.sloppy ? [...key.targets, ...key.fallbacks] : key.targets;
  const all = asked.map((target) => tried.get(target) ?? notAsked(target));
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
  const details = { required: plan.need, alive: asked.length - attempts.length, perReplica };
  return quorumUnavailable({ verb: 'write', keyspace }, details, sloppyNote(key, plan.sloppy));
}

function tooManySiblings(key: PlacedKey, { siblingsMax }: Change): StoreError {
  return new StoreError(
    'TOO_MANY_SIBLINGS',
    `Cannot write to keyspace "${key.ref.keyspace}": the key has ${siblingsMax} concurrent versions already; read it, and put the merged value with the context you were given`,
    { limit: siblingsMax },
  );
}
