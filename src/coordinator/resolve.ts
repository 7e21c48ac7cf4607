import { emptyCell, visible, type Cell } from '../causality/cell.ts';
import { dotName, incarnationOf } from '../causality/dot.ts';
import type { SettlementTrace } from '../causality/outcomes.ts';
import { StoreError } from '../errors.ts';
import { verdictOf, type Testimony } from '../paxos/evidence.ts';
import type { Operation } from '../paxos/proposer.ts';
import { condemn, fence, judge, type Judgement } from '../paxos/settlement.ts';
import type { StoredCell } from '../replica/replica.ts';
import type { LoggedWrites } from '../replica/write-history.ts';
import type { Agreed } from './agreement.ts';
import type { Deps } from './deps.ts';
import type { PlacedKey, Plan, Target } from './plan.ts';
import { bringTo } from './read-covering.ts';
import { renew } from './renew.ts';
import { scatter, type Round } from './scatter.ts';

/** What became of a write. */
export type Resolution = 'APPLIED' | 'SUPERSEDED' | 'NEVER';

/** The write that is settled: see causality/write-id. */
export interface Doubt {
  readonly writeId: string;
  readonly sinceUs: number;
}

/**
 * Settles a write of a key whose versions are kept side by side: it is there (and on a majority, when
 * this returns), or it is fenced for good; then the logs say whether it ever took place.
 *
 * Errors: those of consensus; LIMIT_EXCEEDED when the key holds as many fences as it may;
 * WRITE_UNCERTAIN when the write is fenced, or may be, and the logs that can be read do not tell.
 */
export async function settle(
  deps: Deps,
  key: PlacedKey,
  { plan, doubt }: { plan: Plan; doubt: Doubt },
): Promise<Resolution> {
  const { writeId } = doubt;
  await bringWhatIsThere(deps, key, { plan, writeId });
  for (;;) {
    const round = await run(deps, key, { plan, operation: judge(writeId) });
    const judgement = round.answer;
    if (judgement.kind === 'applied') return 'APPLIED';
    if (judgement.kind === 'superseded') return 'SUPERSEDED';
    if (judgement.kind === 'unsure' || judgement.kind === 'full')
      throw notSettled(key, doubt, judgement);
    const trace = await fencedTrace(deps, key, { plan, writeId, judgement, round });
    if (trace === 'again') continue;
    return conclude(deps, key, { plan, doubt, trace });
  }
}

/** All primaries that can be reached, each behind whatever is just committing there. */
export function behindLocks(deps: Deps, key: PlacedKey, plan: Plan): Promise<Round<StoredCell>> {
  const deadlineMs = Math.min(deps.clock.monotonicMs() + deps.mintMs, plan.deadlineMs);
  return askAll(deps, key.targets, {
    deadlineMs,
    // A promise of nothing locks the row as a swap does.
    call: async ({ replica }): Promise<StoredCell> => {
      await replica.prepare(key.ref, 0, { deadlineMs });
      return replica.read(key.ref, { deadlineMs });
    },
  });
}

/** A version that one replica holds is brought to a majority, so that the round meets it. */
async function bringWhatIsThere(
  deps: Deps,
  key: PlacedKey,
  { plan, writeId }: { plan: Plan; writeId: string },
): Promise<void> {
  const found = await behindLocks(deps, key, plan);
  const cells = found.replies.flatMap(({ reply }) => (reply ? [reply.cell] : []));
  const cell = cells.reduce(key.convergence.join, emptyCell);
  // A replica that refuses now has promised a ballot: the round below comes after it.
  if (shows(cell, writeId)) await bringTo(deps, key, { plan, cell }).catch(() => undefined);
}

/** The trace of the write, once a round has chosen that it will be fenced. */
async function fencedTrace(
  deps: Deps,
  key: PlacedKey,
  what: {
    plan: Plan;
    writeId: string;
    judgement: Extract<Judgement, { kind: 'doubted' | 'fenced' }>;
    round: Pick<Agreed<unknown>, 'held'>;
  },
): Promise<Fenced | 'again'> {
  const { plan, writeId, judgement, round } = what;
  if (judgement.kind === 'fenced') return judgement.settlement;
  // Somebody brought it there before the doubt came: who showed it did not meet the doubt.
  if (round.held.some((cell) => shows(cell, writeId))) return 'again';
  // As it is held, not as the round shows it: that is for its client's eyes only.
  const cell = round.held.reduce(key.convergence.join, emptyCell);
  const renewed = await renew(deps, key, { plan, cell });
  if (renewed.some((cell) => shows(cell, writeId))) return 'again';
  const { answer } = await run(deps, key, { plan, operation: condemn(writeId) });
  if (answer.kind === 'again') return 'again';
  return answer.kind === 'fenced' ? answer.settlement : { trace: answer.trace };
}

interface Fenced {
  readonly trace?: SettlementTrace;
  readonly verdict?: 'SUPERSEDED' | 'NEVER';
}

/** Reads the logs, and writes the fence, with what they say. */
async function conclude(
  deps: Deps,
  key: PlacedKey,
  { plan, doubt, trace: known }: { plan: Plan; doubt: Doubt; trace: Fenced },
): Promise<Resolution> {
  if (known.verdict !== undefined) return known.verdict;
  if (!known.trace) throw new Error('a write was fenced without a trace');
  const { verdict, missing } = await hear(deps, key, { plan, doubt, trace: known.trace });
  const operation = fence(doubt.writeId, verdict);
  const { answer } = await run(deps, key, { plan, operation });
  const settled = answer?.verdict ?? verdict;
  if (settled !== undefined) return settled;
  throw uncertain(
    key,
    doubt,
    `it is fenced and will not show up any more, but whether it took place before cannot be told until ${missing}`,
  );
}

/** What the logs say, as far as they can be read in half of the time that is left. */
async function hear(
  deps: Deps,
  key: PlacedKey,
  { plan, doubt, trace }: { plan: Plan; doubt: Doubt; trace: SettlementTrace },
): Promise<{ verdict: 'SUPERSEDED' | 'NEVER' | undefined; missing: string }> {
  const testimonies = new Map<string, Testimony>();
  for (let ballots: readonly number[] = trace.line.filter((ballot) => ballot > 0); ;) {
    const judged = (logs: readonly LoggedWrites[]) =>
      verdictOf(doubt, trace, [...testimonies.values(), ...logs]);
    const first = judged([]);
    if (first.kind !== 'missing') return { verdict: first.kind, missing: '' };
    const enough = (logs: readonly LoggedWrites[]): boolean => judged(logs).kind !== 'missing';
    const logs = await everyLog(deps, key, { plan, doubt, ballots, enough });
    const before = testimonies.size;
    const versionsBefore = versionsIn(testimonies);
    for (const log of logs) learn(testimonies, log);
    const verdict = judged([]);
    if (verdict.kind !== 'missing') return { verdict: verdict.kind, missing: '' };
    // Ballots further back, which the answers have named, are worth another question.
    const learnt = testimonies.size > before || versionsIn(testimonies) > versionsBefore;
    if (!learnt || verdict.ballots.length === 0)
      return { verdict: undefined, missing: missingText(verdict, key) };
    ballots = verdict.ballots;
  }
}

/** The logs that can be read in half of the time that is left, or before there are enough. */
export async function everyLog(
  deps: Deps,
  key: PlacedKey,
  what: {
    plan: Plan;
    doubt: Doubt;
    ballots: readonly number[];
    enough?: (logs: readonly LoggedWrites[]) => boolean;
  },
): Promise<readonly LoggedWrites[]> {
  const { plan, doubt, ballots, enough } = what;
  const { writeId, sinceUs } = doubt;
  const nowMs = deps.clock.monotonicMs();
  const deadlineMs = nowMs + (plan.deadlineMs - nowMs) / 2;
  // A fallback that stood in for a primary mints dots of its own.
  const round = await askAll(deps, [...key.targets, ...key.fallbacks], {
    deadlineMs,
    call: ({ replica }) => replica.history(key.ref, { writeId, sinceUs, ballots }, { deadlineMs }),
    ...(enough ? { enough } : {}),
  });
  return round.replies.flatMap(({ reply }) => reply ?? []);
}

function learn(testimonies: Map<string, Testimony>, log: LoggedWrites): void {
  const known = testimonies.get(log.incarnation);
  const versions = new Map(
    [...(known?.versions ?? []), ...log.versions].map((one) => [dotName(one.dot), one]),
  );
  testimonies.set(log.incarnation, {
    incarnation: log.incarnation,
    complete: log.complete || known?.complete === true,
    versions: [...versions.values()],
  });
}

function versionsIn(testimonies: ReadonlyMap<string, Testimony>): number {
  return [...testimonies.values()].reduce((sum, { versions }) => sum + versions.length, 0);
}

function missingText(
  { actors, ballots }: Extract<ReturnType<typeof verdictOf>, { kind: 'missing' }>,
  { targets, fallbacks }: PlacedKey,
): string {
  const all = [...targets, ...fallbacks];
  const names = actors.map(
    (actor) =>
      all.find(({ replica }) => replica.incarnation === incarnationOf(actor))?.replica.id ?? actor,
  );
  if (names.length > 0) return `the change log of ${names.join(', ')} can be read that far back`;
  return `the change log of whoever took round ${ballots.join(', ')} can be read`;
}

/** Every one of them that is up, until the time is up or `enough` have answered. */
export function askAll<T>(
  { clock }: Deps,
  targets: readonly Target[],
  what: {
    deadlineMs: number;
    call: (target: Target) => Promise<T>;
    enough?: (replies: readonly T[]) => boolean;
  },
): Promise<Round<T>> {
  const { deadlineMs, call, enough = () => false } = what;
  const plan = { need: targets.length + 1, deadlineMs };
  return scatter(targets, { clock, plan, atOnce: targets.length, call, enough });
}

/** A round that is accepted in any case: what it has found is on a majority then. */
function run<Answer>(
  { consensus }: Deps,
  key: PlacedKey,
  what: { plan: Plan; operation: Operation<Answer> },
) {
  return consensus.run(key, { ...what, settles: true });
}

function shows(cell: Cell, writeId: string): boolean {
  return visible(cell).some((sibling) => sibling.writeId === writeId);
}

function notSettled(
  key: PlacedKey,
  doubt: Doubt,
  { kind }: Extract<Judgement, { kind: 'unsure' | 'full' }>,
): StoreError {
  if (kind === 'full')
    return new StoreError(
      'LIMIT_EXCEEDED',
      `The key of keyspace "${key.ref.keyspace}" holds as many fenced writes as a key may`,
      { outcome: 'UNKNOWN', writeId: doubt.writeId },
    );
  return uncertain(
    key,
    doubt,
    'somebody has begun to fence it, and whether that was agreed cannot be told until more replicas can be reached',
  );
}

export function uncertain({ ref }: PlacedKey, { writeId }: Doubt, why: string): StoreError {
  return new StoreError(
    'WRITE_UNCERTAIN',
    `What became of the write to keyspace "${ref.keyspace}" is not settled: ${why}`,
    { writeId },
  );
}
